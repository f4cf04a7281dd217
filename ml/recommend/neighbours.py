"""The neighbour table: what every recommender ends as, and all that serving needs. Numpy and the standard library."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml import bundles
from ml.errors import BadBundle
from ml.sales import Floats, Ints

FILES = ("product_ids", "neighbours", "scores", "together", "popular")
CARTS = {"small_cart": 2, "full_cart": 4}
"""Lists of their own, when a bundle has them, for carts of at least so many known products."""
HOME = "home"
NOBODY = -1
"""Fills the row of a product with fewer neighbours than the table is wide."""


class Neighbour(NamedTuple):
    """One recommended product. together: orders that held it with the product asked about; 0 for a popular filler."""

    product_id: int
    score: float
    together: int


@dataclass(frozen=True)
class CartLists:
    """Neighbours (int32) and scores (float32) to add up for carts, both [n, K]; a score may be below 0."""

    index: Ints
    scores: Floats


@dataclass(frozen=True)
class NeighbourTable:
    """Neighbours of each product, best first.

    product_ids: int64 [n], ascending. neighbours: int32 [n, K], row numbers of the neighbours, NOBODY after the last.
    scores: float32 [n, K]. together: int32 [n, K]. popular: int64 product ids, best first. carts: lists that serve
    carts instead, by name. home: product ids for a visitor without a cart; the popular ones when there are none.
    """

    product_ids: Ints
    index: Ints
    scores: Floats
    together: Ints
    popular: Ints
    carts: Mapping[str, CartLists] = field(default_factory=dict)
    home: Ints | None = None

    @classmethod
    def open(cls, folder: Path) -> NeighbourTable:
        """The table of a recommender bundle, memory-mapped after its hashes were checked. Raises BadBundle."""
        held = bundles.verify(folder, task="recommend").files
        carts = [name for name in CARTS if f"{name}_neighbours.npy" in held]
        try:
            # Seen as plain arrays, which index faster; the pages stay mapped.
            ids, index, scores, together, popular = (_mapped(folder, name) for name in FILES)
            own = {n: CartLists(_mapped(folder, f"{n}_neighbours"), _mapped(folder, f"{n}_scores")) for n in carts}
            home = _mapped(folder, HOME) if f"{HOME}.npy" in held else None
        except (OSError, ValueError) as wrong:
            raise BadBundle(f"{folder}: not a neighbour table ({wrong})") from wrong
        table = cls(ids, index, scores, together, popular, own, home)
        table.check()
        return table

    def arrays(self) -> dict[str, Ints | Floats]:
        """The arrays by file name."""
        parts = (self.product_ids, self.index, self.scores, self.together, self.popular)
        arrays: dict[str, Ints | Floats] = dict(zip(FILES, parts, strict=True))
        for name, lists in self.carts.items():
            arrays |= {f"{name}_neighbours": lists.index, f"{name}_scores": lists.scores}
        return arrays if self.home is None else {**arrays, HOME: self.home}

    def check(self) -> None:
        """Raise BadBundle unless the arrays fit together."""
        n, shape = len(self.product_ids), self.index.shape
        if self.together.shape != shape:
            raise BadBundle(f"neighbour table: {n} products but neighbours of shape {shape}")
        for index, scores in ((self.index, self.scores), *((own.index, own.scores) for own in self.carts.values())):
            if index.ndim != 2 or len(index) != n or scores.shape != index.shape:
                raise BadBundle(f"neighbour table: {n} products but neighbours of shape {index.shape}")
            if n and (index.max(initial=NOBODY) >= n or index.min(initial=NOBODY) < NOBODY):
                raise BadBundle("neighbour table: a neighbour is not one of its products")

    def neighbours(self, product_id: int, limit: int) -> list[Neighbour]:
        """The best `limit` neighbours of one product; none when the product is unknown."""
        rows = self._rows([product_id])
        if len(rows) == 0:
            return []
        known = self.index[rows[0], :limit]
        width = int((known != NOBODY).sum())
        columns = (self.product_ids[known[:width]], self.scores[rows[0], :width], self.together[rows[0], :width])
        return [Neighbour(*one) for one in zip(*(column.tolist() for column in columns), strict=True)]

    def recommend(
        self, product_ids: Sequence[int], limit: int, exclude: Container[int] = frozenset()
    ) -> list[Neighbour]:
        """The best `limit` products to show beside these: their neighbours' scores summed, then popular ones.

        Never one of `product_ids`, never one in `exclude`. Ties go to the smaller product id. `together` is summed
        likewise, and 0 where the cart's own lists do not count it.
        """
        given = set(product_ids)
        shown: list[Neighbour] = []
        first = self.home if self.home is not None and not given else ()
        for one in chain(_fillers(first), self._neighbours_of(product_ids), _fillers(self.popular)):
            if len(shown) == limit:
                break
            if one.product_id not in given and one.product_id not in exclude:
                shown.append(one)
                given.add(one.product_id)
        return shown

    def in_turn(self, product_ids: Sequence[int]) -> Iterator[tuple[Ints, Ints | slice]]:
        """What `recommend` goes through, best first: lists of product ids, and which places of each, in what order.

        The lists are always the same arrays. A product may come again.
        """
        if self.home is not None and not product_ids:
            yield self.home, slice(None)
        yield self.product_ids, self._ranked(self._rows(product_ids))[0]
        yield self.popular, slice(None)

    def _rows(self, product_ids: Iterable[int]) -> Ints:
        """Row numbers of the known ones of these products, each once."""
        wanted = np.array(list(dict.fromkeys(product_ids)), np.int64)
        if len(self.product_ids) == 0 or len(wanted) == 0:
            return np.zeros(0, np.int64)
        place = self.product_ids.searchsorted(wanted)
        place[place == len(self.product_ids)] = 0
        return np.asarray(place[self.product_ids[place] == wanted])

    def _neighbours_of(self, product_ids: Sequence[int]) -> Iterator[Neighbour]:
        rows = self._rows(product_ids)
        numbers, scores = self._ranked(rows)
        lists, orders = self._lists_for(len(rows)), [0] * len(numbers)
        if lists.index is self.index and len(numbers):
            near, counted = lists.index[rows].ravel(), self.together[rows].ravel()
            orders = np.bincount(near + 1, weights=counted)[numbers + 1].astype(np.int64).tolist()
        # Made one by one as they are asked for: a list of ten needs a dozen of the hundreds.
        for number, score, together in zip(numbers.tolist(), scores.tolist(), orders, strict=True):
            yield Neighbour(int(self.product_ids[number]), score, together)

    def _ranked(self, rows: Ints) -> tuple[Ints, Floats]:
        """Row numbers and scores, best first, of every neighbour of these rows whose scores sum to more than 0."""
        if len(rows) == 0:
            return np.zeros(0, np.int64), np.zeros(0)
        number, score = _summed(self._lists_for(len(rows)), rows)
        if number[0] == NOBODY:
            number, score = number[1:], score[1:]
        order = (-score).argsort(kind="stable")
        order = order[: np.count_nonzero(score > 0)]
        return number[order], score[order]

    def _lists_for(self, known: int) -> CartLists:
        """The lists that serve a cart with so many known products."""
        serving = CartLists(self.index, self.scores)
        for name, least in CARTS.items():
            if known >= least and name in self.carts:
                serving = self.carts[name]
        return serving


def _summed(lists: CartLists, rows: Ints) -> tuple[Ints, Floats]:
    """Row numbers of all neighbours of these rows, ascending, and the sums of their scores."""
    found = lists.index[rows].ravel()
    # By hand what numpy's own unique does in twice the time, which is most of an answer's.
    order = found.argsort()
    ascending = found[order]
    starts = np.empty(len(found), bool)
    starts[0] = True
    np.not_equal(ascending[1:], ascending[:-1], out=starts[1:])
    place = np.empty(len(found), np.int64)
    place[order] = starts.cumsum() - 1
    return ascending[starts], np.asarray(np.bincount(place, weights=lists.scores[rows].ravel()), np.float64)


def _fillers(product_ids: Iterable[int]) -> Iterator[Neighbour]:
    return (Neighbour(int(product_id), 0.0, 0) for product_id in product_ids)


def _mapped(folder: Path, name: str) -> NDArray[Any]:
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
