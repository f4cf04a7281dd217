"""What a recommender may learn from: orders, counts of them, customers, catalogue and views, each computed once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sparse

from ml.baskets import Baskets
from ml.recommend import people
from ml.recommend.catalogue import Catalogue
from ml.recommend.config import RecommendConfig
from ml.recommend.counts import Counts
from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.recommend.steps import Steps
from ml.sales import Floats, Ints

LONGEST = 200
LATELY_DAYS, LATELY_HALF_LIFE = 60.0, 30.0


@dataclass(frozen=True)
class Evidence:
    """One shop at one moment. All parts number the products alike: as in `baskets.products`, ascending.

    days_later: from the counts' landmark to the moment of looking; below 0 when the past is looked at.
    """

    baskets: Baskets
    counts: Counts
    config: RecommendConfig
    catalogue: Catalogue | None = None
    days_later: float = 0.0
    steps: Steps | None = None

    @classmethod
    def of(
        cls,
        baskets: Baskets,
        config: RecommendConfig,
        catalogue: Catalogue | None = None,
        looked_at: int = 0,
        steps: Steps | None = None,
    ) -> Evidence:
        """Everything known at `looked_at`; products of the catalogue that were never sold are known, too."""
        if catalogue is not None:
            baskets = baskets.among(np.union1d(baskets.products, catalogue.product_ids))
            catalogue = catalogue.among(baskets.products)
        steps = steps.among(baskets.products) if steps is not None else None
        return cls(baskets, Counts.of(baskets, looked_at, config), config, catalogue, steps=steps)

    @property
    def n(self) -> int:
        """How many products are known."""
        return len(self.baskets.products)

    @property
    def is_deep(self) -> bool:
        """Whether the catalogue is small enough for what costs more than counting."""
        return self.n <= self.config.deep_products

    def affinity(self, rows: Ints | slice) -> sparse.csr_matrix:
        """Rows of the weighted counts, with what the same people bought mixed in where customers are known.

        Made of a few rows at a time: the whole of it would be the largest matrix of a fit.
        """
        counted = self.counts.weights(self.days_later, rows)
        return counted if self.theirs is None else counted + self.theirs[rows]

    @cached_property
    def own(self) -> Floats:
        """Of each product with itself: the diagonal of all rows of `affinity`."""
        counted = self.counts.own_weights(self.days_later)
        return counted if self.theirs is None else counted + self.theirs.diagonal()

    @cached_property
    def theirs(self) -> sparse.csr_matrix | None:
        """What the same people bought, on the scale of the orders' counts; None where no customer is known."""
        if not self.is_deep or not (self.baskets.customer >= 0).any():
            return None
        theirs = people.count(self.baskets, self.config)
        counted = self.counts.own_weights(self.days_later).sum()
        theirs.data *= np.float32(self.config.people_share * counted / max(theirs.diagonal().sum(), 1e-9))
        return theirs

    @cached_property
    def lately(self) -> Counts:
        """Counts of the newest orders alone, the last month's above all. Products are numbered as here."""
        newest = self.baskets.chosen(self.baskets.age <= LATELY_DAYS).among(self.baskets.products)
        return Counts.of(newest, 0, replace(self.config, half_life_days=LATELY_HALF_LIFE))

    @cached_property
    def sold(self) -> Ints:
        """In how many orders each product was, ever."""
        return np.bincount(self.baskets.items, minlength=self.n)

    def sold_within(self, days: float) -> Ints:
        """In how many orders of the last `days` each product was."""
        lately = np.repeat(self.baskets.age <= days, self.baskets.sizes)
        return np.bincount(self.baskets.items[lately], minlength=self.n)

    @cached_property
    def popular(self) -> Ints:
        """Product ids by orders of the last four weeks, then by orders of all time, then by id; at most 200.

        A quiet month still gives a list: whatever sold at all comes behind what sold lately. With no order at all
        the newest products lead.
        """
        lately = self.sold_within(self.config.popular_days)
        order = np.lexsort((self.baskets.products, -self.sold, -lately))
        order = order[self.sold[order] > 0] if self.sold.any() else order[::-1]
        return np.asarray(self.baskets.products[order[:LONGEST]].astype(np.int64))

    def table(self, index: Ints, scores: Floats, together: Ints | None = None) -> NeighbourTable:
        """A neighbour table of these rows; counts of common orders are looked up when they are not given."""
        if together is None:
            together = np.zeros(index.shape, np.int32)
            rows, places = np.nonzero(index != NOBODY)
            if len(rows):
                together[rows, places] = self.counts.together(rows, index[rows, places])
        return NeighbourTable(self.baskets.products, index, scores, together, self.popular)

    def empty(self) -> NeighbourTable:
        """A table without neighbours: every answer is the popular list."""
        nobody = np.full((self.n, 1), NOBODY, np.int32)
        return self.table(nobody, np.zeros((self.n, 1), np.float32), np.zeros((self.n, 1), np.int32))
