"""The catalogue: what a product is called and what it costs, known before its first order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ml.sales import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sparse

WORD = re.compile(r"\w+")
MOST_WITH_TERM = 2_000
"""A word of more products than this says nothing, and pairing them costs its square."""


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

    @cached_property
    def described(self) -> sparse.csr_matrix:
        """Float32 [products, terms]: each product's terms by how rare they are, each row of length 1."""
        return _weighed(self.terms)

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


def _weighed(terms: tuple[frozenset[str], ...]) -> sparse.csr_matrix:
    """Float32 [products, terms], each row of length 1."""
    import scipy.sparse as sparse  # not before it is needed: the web process explains by `terms` alone

    number: dict[str, int] = {}
    columns = [[number.setdefault(term, len(number)) for term in sorted(each)] for each in terms]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in columns], dtype=np.int64)])
    items: Ints = np.array([column for each in columns for column in each], np.int64)
    held_by = np.bincount(items, minlength=max(len(number), 1))
    rarity = np.log(max(len(terms), 1) / np.maximum(held_by, 1)) * (held_by <= MOST_WITH_TERM)
    matrix = sparse.csr_matrix((rarity[items].astype(np.float32), items, starts), shape=(len(terms), len(held_by)))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
    scale = sparse.diags(1 / np.maximum(length, np.float32(1e-9)), dtype=np.float32)
    return (scale @ matrix).tocsr()
