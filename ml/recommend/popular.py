"""Popular: in how many orders of the last four weeks a product was. The floor, and what fills a short list."""

from __future__ import annotations

import numpy as np

from ml.baskets import Baskets
from ml.recommend.config import RecommendConfig
from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.sales import Ints

NAME = "popular"
LONGEST = 200


def fit(baskets: Baskets, config: RecommendConfig) -> NeighbourTable:
    """A table without neighbours: every answer is the popular list."""
    n = len(baskets.products)
    nobody = np.full((n, 1), NOBODY, np.int32)
    ranking = rank(baskets, config.popular_days)
    return NeighbourTable(baskets.products, nobody, np.zeros((n, 1), np.float32), np.zeros((n, 1), np.int32), ranking)


def rank(baskets: Baskets, days: float) -> Ints:
    """Product ids by orders of the last `days` days, then by orders of all time, then by id; at most 200.

    A quiet month still gives a list: whatever sold at all comes behind what sold lately.
    """
    n = len(baskets.products)
    lately = np.repeat(baskets.age <= days, baskets.sizes)
    ever = np.bincount(baskets.items, minlength=n)
    recent = np.bincount(baskets.items[lately], minlength=n)
    order = np.lexsort((baskets.products, -ever, -recent))
    return baskets.products[order[:LONGEST]].astype(np.int64)
