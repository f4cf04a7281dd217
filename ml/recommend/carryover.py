"""What a fit carries over to refreshes: its counts, the orders behind them, and lists that only a fit renews.

A refresh takes in the orders that changed since, scores the pairs they touched again, and blends the lists of product
pages and small carts from that. EASE, the hint, content, views, what the same people bought, popular and trending stay
as the fit left them: they change slowly, or cost more than a day's change is worth. New products wait for the next fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse

from ml import bundles
from ml.baskets import NOBODY as NO_CUSTOMER
from ml.baskets import Baskets
from ml.bundles import Trained
from ml.errors import BadBundle
from ml.recommend import blend, content, ease, hint, places, popular, together, trending, viewed
from ml.recommend.config import RecommendConfig, read_config
from ml.recommend.counts import DAY_SECONDS, Counts
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NeighbourTable
from ml.recommend.places import Choice, Lists
from ml.sales import Floats, Ints

TASK = "counts"
RENEWED_BY_FIT = (content.NAME, ease.NAME, hint.NAME, viewed.NAME)
KNOWN = (blend.NAME, together.NAME, *RENEWED_BY_FIT, popular.NAME, trending.NAME, places.CART_BLEND)


@dataclass(frozen=True)
class Carryover:
    """One fit's counts and lists. lists: neighbours and scores by name. own, theirs: see `together.refreshed`."""

    counts: Counts
    config: RecommendConfig
    own: Floats
    theirs: sparse.csr_matrix | None
    wide: tuple[Ints, Floats]
    lists: Mapping[str, tuple[Ints, Floats]]

    @classmethod
    def of(cls, fitted: Lists) -> Carryover:
        """The carryover of a fit; everything in it is computed already."""
        evidence = fitted.evidence
        kept = {name: fitted.computed(name) for name in RENEWED_BY_FIT}
        found = {name: (table.index, table.scores) for name, table in kept.items() if table is not None}
        return cls(evidence.counts, evidence.config, evidence.own, evidence.theirs, fitted.wide, found)

    def write(self, out: Path) -> Trained:
        """Write it as a bundle, without customers."""
        counts, orders = self.counts, self.counts.built_from
        arrays: dict[str, Any] = {
            "products": counts.products,
            "orders": orders.orders,
            "starts": orders.starts,
            "items": orders.items,
            "seconds": _seconds(counts),
            "own": self.own,
            **_parts("pairs", counts.base),
            **({} if self.theirs is None else _parts("theirs", self.theirs)),
        }
        for name, (index, scores) in {"wide": self.wide, **self.lists}.items():
            arrays |= {f"{name}_index": index, f"{name}_scores": scores}
        about = {"looked_at": counts.built_at, "landmark": counts.landmark, "lists": sorted(self.lists)}
        trained = Trained(out, TASK, "carryover", self.config.as_dict(), 0, None, about, "counts as of the last fit")
        out.mkdir(parents=True, exist_ok=True)
        for name, array in arrays.items():  # straight to the file: a copy of the largest would set a fit's peak memory
            np.save(out / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
        return bundles.seal(trained)

    @classmethod
    def open(cls, folder: Path) -> Carryover:
        """What `write` wrote, memory-mapped after its hashes were checked. Raises BadBundle."""
        told = bundles.verify(folder, task=TASK)
        try:
            arrays = {name: np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in told.files}
            held = {name.removesuffix(".npy"): np.asarray(array) for name, array in arrays.items()}
            config, about = read_config(told.config), told.metrics
            counts = _counts(held, config, int(about["looked_at"]), int(about["landmark"]))
            n = len(counts.products)
            theirs = _matrix("theirs", held, n) if "theirs_data" in held else None
            found = {name: (held[f"{name}_index"], held[f"{name}_scores"]) for name in about["lists"]}
            return cls(counts, config, held["own"], theirs, (held["wide_index"], held["wide_scores"]), found)
        except (OSError, ValueError, KeyError) as wrong:
            raise BadBundle(f"{folder}: not the carryover of a fit ({wrong!r})") from wrong

    def serves(self, names: Iterable[str]) -> bool:
        """Whether lists of all these names can be made without another fit."""
        needed = set(names)
        if needed & {blend.NAME, places.CART_BLEND}:
            needed.add(hint.NAME if len(self.own) <= self.config.deep_products else content.NAME)
        if places.CART_BLEND in needed:
            needed.add(ease.NAME)
        return all(name in KNOWN and (name not in RENEWED_BY_FIT or name in self.lists) for name in needed)

    def refreshed(self, counts: Counts, chosen: Mapping[str, str]) -> NeighbourTable:
        """The table to serve by these counts, which took in what changed since. chosen: the list of each place."""
        evidence = Evidence(counts.built_from, counts, self.config)
        return places.assemble(_Refreshed(evidence, self), {place: Choice(name, {}) for place, name in chosen.items()})


def counts_in(names: Iterable[str]) -> bool:
    """Whether any of these lists is made of counts."""
    return not set(names) <= {content.NAME, viewed.NAME, popular.NAME, trending.NAME}


class _Refreshed(Lists):
    """The lists of a moment after the fit: pairs that changed are scored anew, the rest is the fit's."""

    def __init__(self, evidence: Evidence, carried: Carryover) -> None:
        super().__init__(evidence)
        self._carried = carried

    @cached_property
    def wide(self) -> tuple[Ints, Floats]:
        index, scores = self._carried.wide[0].copy(), self._carried.wide[1].copy()
        rows, fresh, values = together.refreshed(self.evidence, index, scores, self._carried.own, self._carried.theirs)
        index[rows], scores[rows] = fresh, values
        return index, scores

    @cached_property
    def _content(self) -> NeighbourTable:
        return self._as_fitted(content.NAME)

    @cached_property
    def _ease(self) -> NeighbourTable:
        return self._as_fitted(ease.NAME)

    @cached_property
    def _hint(self) -> NeighbourTable:
        return self._as_fitted(hint.NAME)

    @cached_property
    def _viewed(self) -> NeighbourTable:
        return self._as_fitted(viewed.NAME)

    def _as_fitted(self, name: str) -> NeighbourTable:
        index, scores = self._carried.lists[name]
        return self.evidence.table(index, scores, np.zeros(index.shape, np.int32))


def _seconds(counts: Counts) -> Ints:
    return np.asarray(np.rint(counts.built_at - counts.built_from.age * DAY_SECONDS).astype(np.int64))


def _parts(name: str, matrix: sparse.csr_matrix) -> dict[str, Any]:
    return {f"{name}_data": matrix.data, f"{name}_indices": matrix.indices, f"{name}_starts": matrix.indptr}


def _matrix(name: str, held: Mapping[str, Any], n: int) -> sparse.csr_matrix:
    parts = (held[f"{name}_data"], held[f"{name}_indices"], held[f"{name}_starts"])
    return sparse.csr_matrix(parts, shape=(n, n), copy=False)


def _counts(held: Mapping[str, Any], config: RecommendConfig, looked_at: int, landmark: int) -> Counts:
    orders, products = held["orders"], held["products"]
    age = np.maximum((looked_at - held["seconds"]) / DAY_SECONDS, 0.0)
    nobody = np.full(len(orders), NO_CUSTOMER, np.int64)
    baskets = Baskets(orders, products, held["starts"], held["items"], age, nobody)
    pairs = _matrix("pairs", held, len(products))
    return Counts(products, landmark, config.half_life_days, config.size_power, pairs, baskets, looked_at)
