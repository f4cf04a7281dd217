"""Bought together: how often two products shared an order, newer and smaller orders counting more.

An order weighs 0.5^(age / 90 days) / sqrt(its products): what a small fresh order says about two products is worth
more than what a stock-up of last year says. The score of neighbour j for product i is c_ij / (n_i^.5 n_j^.3), which
damps bestsellers without burying them.

Source: measured on Online Retail II, where the two weights and the uneven exponents beat plain counts, cosine,
Jaccard and log-likelihood (docs/models.md).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ml.baskets import Baskets
from ml.recommend import popular
from ml.recommend.config import RecommendConfig
from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.sales import Floats, Ints

NAME = "together"
OWN, OTHER = 0.5, 0.3
SHRINK = 0.05
"""Weighted orders that must speak for a pair before its score counts for much."""

Complex = NDArray[np.complex64]


def fit(baskets: Baskets, config: RecommendConfig) -> NeighbourTable:
    """The table of the best neighbours of every product that was ever bought."""
    counts = count(baskets, config)
    own = counts.diagonal().imag.astype(np.float64)
    mine, theirs = own**OWN, own**OTHER
    n, width = len(own), min(config.neighbours, max(len(own) - 1, 1))
    index, scores = np.full((n, width), NOBODY, np.int32), np.zeros((n, width), np.float32)
    together = np.zeros((n, width), np.int32)
    for i in range(n):
        row = slice(counts.indptr[i], counts.indptr[i + 1])
        found, pairs = counts.indices[row], counts.data[row]
        score = pairs.imag / (mine[i] * theirs[found] + SHRINK)
        best = _best(found, np.where(found == i, 0.0, score), width)
        index[i, : len(best)], scores[i, : len(best)] = found[best], score[best]
        together[i, : len(best)] = np.rint(pairs.real[best])
    return NeighbourTable(baskets.products, index, scores, together, popular.rank(baskets, config.popular_days))


def count(baskets: Baskets, config: RecommendConfig) -> sparse.csr_matrix:
    """How often every pair of products was bought together, complex64 [n, n], in one pass over the orders.

    The real part is the plain count of orders (exact below 2^24), the imaginary part the weighted one: each order
    adds 1 + weight i. A product's own count is on the diagonal.
    """
    shape = (len(baskets), len(baskets.products))
    weight = np.repeat(order_weights(baskets, config), baskets.sizes)
    values: Complex = (1.0 + 1j * weight).astype(np.complex64)
    orders = sparse.csr_matrix((values, baskets.items, baskets.starts), shape=shape)
    ones = sparse.csr_matrix((np.ones(len(weight), np.complex64), baskets.items, baskets.starts), shape=shape)
    return (ones.T.tocsr() @ orders).tocsr()


def order_weights(baskets: Baskets, config: RecommendConfig) -> Floats:
    """What each order counts."""
    return np.asarray(0.5 ** (baskets.age / config.half_life_days) / np.maximum(baskets.sizes, 1) ** config.size_power)


def _best(found: Ints, score: Floats, width: int) -> Ints:
    """Places of the `width` best of a product's pairs, best first, ties by product number; never one of score 0."""
    places = np.argpartition(-score, width)[:width] if len(score) > width else np.arange(len(score))
    places = places[score[places] > 0]
    return np.asarray(places[np.lexsort((found[places], -score[places]))])
