"""Lists for customers: what each may want next, what may be new to them, what to buy again. Numpy only."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import bundles
from ml.errors import BadBundle
from ml.recommend.neighbours import NOBODY
from ml.sales import Floats, Ints

AGAIN, PERSONAL = "again", "personal"
KINDS = (AGAIN, PERSONAL, "personal_new")


@dataclass(frozen=True)
class CustomerTable:
    """Lists by kind; each is row numbers of products (int32) and scores (float32), [customers, K], best first.

    names: the customers' pseudonyms, ascending. product_ids: int64, ascending, as in the neighbour table.
    """

    names: NDArray[np.str_]
    product_ids: Ints
    lists: dict[str, tuple[Ints, Floats]]

    @classmethod
    def open(cls, folder: Path) -> CustomerTable | None:
        """The customers' lists of a recommender bundle, memory-mapped; None when it has none. Raises BadBundle."""
        held = bundles.verify(folder, task="recommend").files
        if "customers.npy" not in held:
            return None
        kinds = [kind for kind in KINDS if f"{kind}_products.npy" in held]
        try:
            lists = {kind: (_mapped(folder, f"{kind}_products"), _mapped(folder, f"{kind}_scores")) for kind in kinds}
            table = cls(_mapped(folder, "customers"), _mapped(folder, "product_ids"), lists)
        except (OSError, ValueError) as wrong:
            raise BadBundle(f"{folder}: not a table of customers ({wrong})") from wrong
        table.check()
        return table

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by file name, without the product ids, which the neighbour table writes."""
        arrays: dict[str, NDArray[Any]] = {"customers": self.names}
        for kind, (index, scores) in self.lists.items():
            arrays |= {f"{kind}_products": index, f"{kind}_scores": scores}
        return arrays

    def check(self) -> None:
        """Raise BadBundle unless the arrays fit together."""
        for kind, (index, scores) in self.lists.items():
            if index.ndim != 2 or len(index) != len(self.names) or index.shape != scores.shape:
                raise BadBundle(f"{kind} lists: {len(self.names)} customers but products of shape {index.shape}")
            if index.size and (index.max() >= len(self.product_ids) or index.min() < NOBODY):
                raise BadBundle(f"{kind} lists: a product is not one of the table's")

    def products(self, kind: str, customer: str, limit: int, exclude: Container[int] = frozenset()) -> list[int]:
        """The best products of one list for a customer; none when either is unknown."""
        place = int(np.searchsorted(self.names, customer))
        if kind not in self.lists or place == len(self.names) or self.names[place] != customer:
            return []
        row = self.lists[kind][0][place]
        found = self.product_ids[row[row != NOBODY]].tolist()
        return [product for product in found if product not in exclude][:limit]


def _mapped(folder: Path, name: str) -> NDArray[Any]:
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
