"""Buy again: a customer's own products, those bought often and lately first; and what goes with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from ml.baskets import NOBODY as UNKNOWN
from ml.baskets import Baskets
from ml.recommend import tops
from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.sales import Bools, Floats, Ints

NAME = "again"
OWN_HALF_LIFE, ONWARD_HALF_LIFE = 180.0, 60.0
"""Days: habits live longer than the mood that leads to something new."""
DEMAND_DAYS = 28


@dataclass(frozen=True)
class History:
    """What each customer bought, decayed twice. Both are [customers, products].

    demand: lines of each product in the last 28 days; it orders what a customer bought in one and the same order.
    """

    own: sparse.csr_matrix
    lately: sparse.csr_matrix
    demand: Ints

    def again(self, customer: int, limit: int, popular: Ints) -> list[tuple[int, float]]:
        """A customer's own products by decayed count; popular ones follow, alone for an unknown customer."""
        row = self.own[customer] if customer >= 0 else self.own[:0]
        order = np.lexsort((row.indices, -self.demand[row.indices], -row.data))[:limit]
        best = [(int(row.indices[place]), float(row.data[place])) for place in order]
        return _filled(best, limit, popular, set())

    def onward(self, customer: int, limit: int, table: NeighbourTable) -> list[tuple[int, float]]:
        """Products the customer never bought that go with what was bought lately; then popular ones.

        The table's products must be numbered 0 to n - 1, as in the history.
        """
        row = self.lately[customer] if customer >= 0 else self.lately[:0]
        bought = {int(product) for product in row.indices}
        near = table.index[row.indices]
        score = np.zeros(len(table.product_ids))
        np.add.at(
            score,
            np.where(near == NOBODY, 0, near),
            np.where(near == NOBODY, 0, table.scores[row.indices] * row.data[:, None]),
        )
        order = [int(p) for p in np.argsort(-score, kind="stable")[: limit + len(bought)] if score[p] > 0]
        best = [(product, float(score[product])) for product in order if product not in bought][:limit]
        return _filled(best, limit, table.popular, bought)


def fit(baskets: Baskets) -> History:
    """The histories of all customers."""
    demand = np.bincount(baskets.items[np.repeat(baskets.age <= DEMAND_DAYS, baskets.sizes)], minlength=_width(baskets))
    return History(decayed(baskets, OWN_HALF_LIFE), decayed(baskets, ONWARD_HALF_LIFE), demand)


def table(baskets: Baskets, length: int) -> tuple[Ints, Floats]:
    """Each customer's own products, best first: product numbers (int32) and scores, [customers, length]."""
    return tops.best(decayed(baskets, OWN_HALF_LIFE), length, np.full(_customers(baskets), UNKNOWN))


def decayed(baskets: Baskets, half_life: float) -> sparse.csr_matrix:
    """Float64 [customers, products]: orders of each customer with each product, older ones counting less."""
    return _owned(baskets, 0.5 ** (baskets.age / half_life))


def counted(baskets: Baskets, which: Bools) -> sparse.csr_matrix:
    """Float64 [customers, products]: how many of these orders (a mask) each customer had with each product."""
    return _owned(baskets, which.astype(np.float64))


def _owned(baskets: Baskets, weight: Floats) -> sparse.csr_matrix:
    """The sum over each customer's orders of their weights, by product."""
    buyer = np.repeat(baskets.customer, baskets.sizes)
    known = (buyer != UNKNOWN) & (np.repeat(weight, baskets.sizes) > 0)
    shape = (_customers(baskets), _width(baskets))
    cells = (np.repeat(weight, baskets.sizes)[known], (buyer[known], baskets.items[known]))
    return sparse.coo_matrix(cells, shape=shape).tocsr()


def _customers(baskets: Baskets) -> int:
    return int(baskets.customer.max(initial=UNKNOWN)) + 1


def _width(baskets: Baskets) -> int:
    return len(baskets.products)


def _filled(best: list[tuple[int, float]], limit: int, popular: Ints, banned: set[int]) -> list[tuple[int, float]]:
    taken = {product for product, _ in best} | banned
    rest = [(int(product), 0.0) for product in popular if int(product) not in taken]
    return (best + rest)[:limit]
