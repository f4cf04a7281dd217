"""Buy again: a customer's own products, those bought often and lately first; and what goes with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.sales import Floats, Ints

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


def fit(customer: Ints, product: Ints, age: Floats) -> History:
    """Histories from parallel arrays of order lines: customer number (-1 for none), product number, age in days."""
    known = customer >= 0
    shape = (int(customer.max(initial=-1)) + 1, int(product.max(initial=-1)) + 1)

    def decayed(half_life: float) -> sparse.csr_matrix:
        weight = 0.5 ** (age[known] / half_life)
        return sparse.coo_matrix((weight, (customer[known], product[known])), shape=shape).tocsr()

    demand = np.bincount(product[age <= DEMAND_DAYS], minlength=shape[1])
    return History(decayed(OWN_HALF_LIFE), decayed(ONWARD_HALF_LIFE), demand)


def _filled(best: list[tuple[int, float]], limit: int, popular: Ints, banned: set[int]) -> list[tuple[int, float]]:
    taken = {product for product, _ in best} | banned
    rest = [(int(product), 0.0) for product in popular if int(product) not in taken]
    return (best + rest)[:limit]
