"""Baskets: which products each order held, as one sparse table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.sales import Bools, Floats, Ints


@dataclass(frozen=True)
class Baskets:
    """Orders and the distinct products in each.

    orders: int64 order ids, ascending. products: int64 product ids, ascending. Order `o` holds the product numbers
    `items[starts[o]:starts[o + 1]]`, ascending. age: days from each order to the moment of looking.
    """

    orders: Ints
    products: Ints
    starts: Ints
    items: Ints
    age: Floats

    @classmethod
    def of(cls, order_ids: Ints, product_ids: Ints, age: Floats) -> Baskets:
        """Baskets from parallel arrays of order lines; a product twice in an order counts once."""
        orders, order = np.unique(order_ids, return_inverse=True)
        products, product = np.unique(product_ids, return_inverse=True)
        # Sorted by hand: numpy's own unique hashes first and is seventy times slower on keys that are nearly in order.
        pairs = np.sort(order.astype(np.int64) * max(len(products), 1) + product)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        row, items = np.divmod(pairs, max(len(products), 1))
        youngest = np.full(len(orders), np.inf)
        np.minimum.at(youngest, order, age)
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(orders)))])
        return cls(orders, products, starts, items.astype(np.int32), youngest)

    @property
    def sizes(self) -> Ints:
        """Distinct products per order."""
        return np.diff(self.starts)

    def chosen(self, which: Bools) -> Baskets:
        """Only these orders (a mask), with the products they hold."""
        lines = np.repeat(which, self.sizes)
        order = np.repeat(self.orders, self.sizes)[lines]
        age = np.repeat(self.age, self.sizes)[lines]
        return Baskets.of(order, self.products[self.items[lines]], age)

    def aged(self, days: float) -> Baskets:
        """The same orders seen from `days` earlier."""
        return Baskets(self.orders, self.products, self.starts, self.items, np.maximum(self.age - days, 0.0))

    def __iter__(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Each order id with its product ids."""
        for number, order in enumerate(self.orders):
            yield int(order), self.products[self.items[self.starts[number] : self.starts[number + 1]]]

    def __len__(self) -> int:
        return len(self.orders)
