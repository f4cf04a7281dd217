"""Baskets: which products each order held, as one sparse table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.numbering import numbered
from ml.sales import Bools, Floats, Ints

NOBODY = -1
"""The customer of an order that nobody signed in for."""


@dataclass(frozen=True)
class Baskets:
    """Orders and the distinct products in each.

    orders: int64 order ids, ascending. products: int64 product ids, ascending. Order `o` holds the product numbers
    `items[starts[o]:starts[o + 1]]`, ascending. age: days from each order to the moment of looking. customer: the
    number of each order's customer, -1 when unknown.
    """

    orders: Ints
    products: Ints
    starts: Ints
    items: Ints
    age: Floats
    customer: Ints

    @classmethod
    def of(cls, order_ids: Ints, product_ids: Ints, age: Floats, customer: Ints | None = None) -> Baskets:
        """Baskets from parallel arrays of order lines; a product twice in an order counts once."""
        orders, order = numbered(order_ids)
        products, product = numbered(product_ids)
        # Sorted by hand: numpy's own unique hashes first and is seventy times slower on keys that are nearly in order.
        pairs = np.sort(order * max(len(products), 1) + product)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        row, items = np.divmod(pairs, max(len(products), 1))
        youngest = np.full(len(orders), np.inf)
        np.minimum.at(youngest, order, age)
        starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(orders)))])
        buyer = np.full(len(orders), NOBODY, np.int64)
        if customer is not None:
            np.maximum.at(buyer, order, customer)
        return cls(orders, products, starts, items.astype(np.int32), youngest, buyer)

    @property
    def sizes(self) -> Ints:
        """Distinct products per order."""
        return np.diff(self.starts)

    def chosen(self, which: Bools) -> Baskets:
        """Only these orders (a mask), with the products they hold."""
        lines = np.repeat(which, self.sizes)
        order = np.repeat(self.orders, self.sizes)[lines]
        age, customer = np.repeat(self.age, self.sizes)[lines], np.repeat(self.customer, self.sizes)[lines]
        return Baskets.of(order, self.products[self.items[lines]], age, customer)

    def aged(self, days: float) -> Baskets:
        """The same orders seen from `days` earlier."""
        return replace(self, age=np.maximum(self.age - days, 0.0))

    def only(self, products: Ints) -> Baskets:
        """What these orders held of some products (ascending), numbered among them; orders without any are gone."""
        place = np.full(max(len(self.products), 1), NOBODY, np.int64)
        place[np.searchsorted(self.products, products)] = np.arange(len(products))
        item = place[self.items]
        held = item != NOBODY
        sizes = np.bincount(np.repeat(np.arange(len(self)), self.sizes)[held], minlength=len(self))
        left = sizes > 0
        starts = np.concatenate([[0], np.cumsum(sizes[left])])
        items = item[held].astype(np.int32)
        return Baskets(self.orders[left], products, starts, items, self.age[left], self.customer[left])

    def among(self, products: Ints) -> Baskets:
        """The same orders with their products numbered in a longer list (ascending, holding all of them)."""
        number = np.searchsorted(products, self.products)
        return replace(self, products=products, items=number[self.items].astype(np.int32))

    def __iter__(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Each order id with its product ids."""
        for number, order in enumerate(self.orders):
            yield int(order), self.products[self.items[self.starts[number] : self.starts[number + 1]]]

    def __len__(self) -> int:
        return len(self.orders)
