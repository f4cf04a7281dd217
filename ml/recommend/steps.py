"""Steps: after which product page visitors opened which, counted by week and about nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.sales import Bools, Floats, Ints


@dataclass(frozen=True)
class Steps:
    """Pairs of product pages of one visit, the one opened before the other.

    products: int64 product ids, ascending. first, then: numbers of products. age: days from the last day of the steps'
    week to the moment of looking. browsers: in how many browsers these two were opened that week, in this order first;
    the app tells of five at least, rounded down to fives.
    """

    products: Ints
    first: Ints
    then: Ints
    age: Floats
    browsers: Ints

    @classmethod
    def of(cls, first_ids: Ints, then_ids: Ints, age: Floats, browsers: Ints) -> Steps:
        """From parallel arrays of product ids."""
        products, numbers = np.unique(np.concatenate([first_ids, then_ids]), return_inverse=True)
        first, then = numbers[: len(first_ids)], numbers[len(first_ids) :]
        return cls(products.astype(np.int64), first, then, np.asarray(age, np.float64), browsers)

    def among(self, products: Ints) -> Steps:
        """Steps between these products (ascending), numbered among them."""
        place = np.minimum(np.searchsorted(products, self.products), max(len(products) - 1, 0))
        known = products[place] == self.products if len(products) else np.zeros(len(self.products), bool)
        kept = self._chosen(known[self.first] & known[self.then])
        return Steps(products, place[kept.first], place[kept.then], kept.age, kept.browsers)

    def before(self, days: float) -> Steps:
        """Steps of weeks that were over so many days ago, seen from then."""
        kept = self._chosen(self.age >= days)
        return Steps(kept.products, kept.first, kept.then, kept.age - days, kept.browsers)

    def _chosen(self, which: Bools) -> Steps:
        parts = (self.first[which], self.then[which], self.age[which], self.browsers[which])
        return Steps(self.products, *parts)
