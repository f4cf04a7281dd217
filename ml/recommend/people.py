"""Bought by the same people: what customers own side by side, though not always from one order.

A customer's products weigh 0.5^(days since the last purchase / half-life), all of one customer's together 1. It says
about two products what their orders alone cannot: a shopper's taste. Refreshed by a fit; orders in between do not
change it, because one order changes every weight of its customer.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from ml.baskets import NOBODY, Baskets
from ml.recommend.config import RecommendConfig
from ml.sales import Floats, Ints

MOST_OWNED = 150
"""A customer's latest products: a reseller with a thousand says little, and costs their square."""


def owned(baskets: Baskets, half_life_days: float, most: int = MOST_OWNED) -> sparse.csr_matrix:
    """Float32 [customers, products]: each customer's latest products by how lately they were bought."""
    customer, product, age = last_bought(baskets)
    newest_first = np.lexsort((product, age, customer))
    customer, product, age = customer[newest_first], product[newest_first], age[newest_first]
    place = np.arange(len(customer)) - np.searchsorted(customer, customer)
    kept = place < most
    shape = (int(baskets.customer.max(initial=NOBODY)) + 1, len(baskets.products))
    weight = (0.5 ** (age[kept] / half_life_days)).astype(np.float32)
    return sparse.csr_matrix((weight, (customer[kept], product[kept])), shape=shape)


def last_bought(baskets: Baskets) -> tuple[Ints, Ints, Floats]:
    """Customer, product and days since the last purchase, once for each pair, by customer then product."""
    n = max(len(baskets.products), 1)
    buyer, age = (np.repeat(each, baskets.sizes) for each in (baskets.customer, baskets.age))
    known = buyer != NOBODY
    key = buyer[known] * n + baskets.items[known]
    order = np.argsort(key, kind="stable")
    key, age = key[order], age[known][order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if len(first) == 0:
        return key, key, age
    customer, product = np.divmod(key[first], n)
    return customer, product, np.minimum.reduceat(age, first)


def count(baskets: Baskets, config: RecommendConfig) -> sparse.csr_matrix:
    """Float32 [products, products], rows sorted by column; empty where no customer is known."""
    have = owned(baskets, config.people_half_life_days)
    total = np.asarray(have.sum(1)).ravel()
    share = sparse.diags(1 / np.maximum(total, np.float32(0.01)), dtype=np.float32) @ have
    found = (have.T.tocsr() @ share.tocsr()).tocsc()
    return sparse.csr_matrix((found.data, found.indices, found.indptr), shape=found.shape)
