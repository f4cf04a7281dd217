"""The catalogue: what a product is called and what it costs, known before its first order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ml.sales import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Catalogue:
    """Products in ascending order of id, what describes each, and its price (NaN when unknown)."""

    product_ids: Ints
    terms: tuple[frozenset[str], ...]
    price: Floats

    @classmethod
    def of(cls, products: pd.DataFrame) -> Catalogue:
        """From rows `product_id, title[, product_type, vendor, tags, price]`, one for each product."""
        rows = products.sort_values("product_id")
        columns = [
            rows[name].fillna("").astype(str).tolist() if name in rows else [""] * len(rows)
            for name in ("title", "product_type", "vendor", "tags")
        ]
        price = rows["price"].to_numpy(np.float64) if "price" in rows else np.full(len(rows), np.nan)
        described = tuple(terms(*texts) for texts in zip(*columns, strict=True))
        return cls(rows["product_id"].to_numpy(np.int64), described, price)

    def among(self, products: Ints) -> Catalogue:
        """The same for these products (ascending); those it does not know have no words and no price."""
        place = {product: number for number, product in enumerate(self.product_ids.tolist())}
        known = [place.get(product) for product in products.tolist()]
        described = tuple(frozenset() if at is None else self.terms[at] for at in known)
        price = np.array([np.nan if at is None else self.price[at] for at in known])
        return Catalogue(products, described, price)


def terms(title: str, product_type: str = "", vendor: str = "", tags: str = "") -> frozenset[str]:
    """Words and pairs of words of the title; type, vendor and each tag as a whole."""
    words = WORD.findall(title.lower())
    found = [*words, *(f"{first} {second}" for first, second in pairwise(words))]
    found += _whole("type", [product_type]) + _whole("vendor", [vendor]) + _whole("tag", tags.split(","))
    return frozenset(found)


def _whole(kind: str, values: Sequence[str]) -> list[str]:
    return [f"{kind}: {value.strip().lower()}" for value in values if value.strip()]
