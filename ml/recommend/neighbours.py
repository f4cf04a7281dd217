"""The neighbour table: what every recommender ends as, and all that serving needs. Numpy and the standard library."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ml import bundles
from ml.errors import BadBundle
from ml.sales import Floats, Ints

FILES = ("product_ids", "neighbours", "scores", "together", "popular")
NOBODY = -1
"""Fills the row of a product with fewer neighbours than the table is wide."""


class Neighbour(NamedTuple):
    """One recommended product. together: orders that held it with the product asked about; 0 for a popular filler."""

    product_id: int
    score: float
    together: int


@dataclass(frozen=True)
class NeighbourTable:
    """Neighbours of each product, best first.

    product_ids: int64 [n], ascending. neighbours: int32 [n, K], row numbers of the neighbours, NOBODY after the last.
    scores: float32 [n, K]. together: int32 [n, K]. popular: int64 product ids, best first.
    """

    product_ids: Ints
    index: Ints
    scores: Floats
    together: Ints
    popular: Ints

    @classmethod
    def open(cls, folder: Path) -> NeighbourTable:
        """The table of a recommender bundle, memory-mapped after its hashes were checked. Raises BadBundle."""
        bundles.verify(folder, task="recommend")
        try:
            # Seen as plain arrays, which index faster; the pages stay mapped.
            parts = [np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)) for name in FILES]
        except (OSError, ValueError) as wrong:
            raise BadBundle(f"{folder}: not a neighbour table ({wrong})") from wrong
        table = cls(*parts)
        table.check()
        return table

    def arrays(self) -> dict[str, Ints | Floats]:
        """The arrays by file name."""
        parts = (self.product_ids, self.index, self.scores, self.together, self.popular)
        return dict(zip(FILES, parts, strict=True))

    def check(self) -> None:
        """Raise BadBundle unless the arrays fit together."""
        n, shape = len(self.product_ids), self.index.shape
        if len(shape) != 2 or shape[0] != n or self.scores.shape != shape or self.together.shape != shape:
            raise BadBundle(f"neighbour table: {n} products but neighbours of shape {shape}")
        if n and (self.index.max(initial=NOBODY) >= n or self.index.min(initial=NOBODY) < NOBODY):
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

        Never one of `product_ids`, never one in `exclude`. Ties go to the smaller product id.
        """
        given = set(product_ids)
        shown: list[Neighbour] = []
        for one in chain(self._ranked(product_ids), self._popular()):
            if len(shown) == limit:
                break
            if one.product_id not in given and one.product_id not in exclude:
                shown.append(one)
                given.add(one.product_id)
        return shown

    def _popular(self) -> Iterator[Neighbour]:
        return (Neighbour(product_id, 0.0, 0) for product_id in self.popular.tolist())

    def _rows(self, product_ids: Iterable[int]) -> Ints:
        """Row numbers of the known ones of these products, each once."""
        wanted = np.fromiter(dict.fromkeys(product_ids), np.int64)
        if len(self.product_ids) == 0 or len(wanted) == 0:
            return np.zeros(0, np.int64)
        place = np.minimum(np.searchsorted(self.product_ids, wanted), len(self.product_ids) - 1)
        return np.asarray(place[self.product_ids[place] == wanted])

    def _ranked(self, product_ids: Sequence[int]) -> Iterator[Neighbour]:
        """Every neighbour of any of these products, by summed score; `together` is summed likewise."""
        rows = self._rows(product_ids)
        if len(rows) == 0:
            return
        found, score, together = (part[rows].ravel() for part in (self.index, self.scores, self.together))
        number, place = np.unique(found, return_inverse=True)
        score, together = np.bincount(place, weights=score), np.bincount(place, weights=together)
        order = np.argsort(-score, kind="stable")
        # Made one by one as they are asked for: a list of ten needs a dozen of the hundreds.
        for best in order.tolist():
            row = int(number[best])
            if row != NOBODY:
                yield Neighbour(int(self.product_ids[row]), float(score[best]), int(together[best]))
