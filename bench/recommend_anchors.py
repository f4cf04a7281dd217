"""Well-known recommenders on the same orders: short reference versions, and implicit's where it is installed.

Each gives a dense matrix, product by product; the answer to a cart is the sum of its rows. Settings are the usual ones
or those measured best for the method on earlier orders.
"""

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sparse

Matrix = np.ndarray
Score = Callable[[sparse.csr_matrix], Matrix]
"""Scores of all products for rows of products given."""
ADMM_STEPS, ADMM_WEIGHT = 12, 1000.0


def item_methods(orders: sparse.csr_matrix, age: np.ndarray) -> Iterator[tuple[str, Callable[[], Matrix]]]:
    """Name and fit of each method that scores a product by the products given."""
    decayed = sparse.diags(0.5 ** (age / 90)).astype(np.float32) @ orders
    yield "counts", lambda: _pairs(orders, orders)
    yield "SAR Jaccard", lambda: _jaccard(_pairs(orders, orders))
    yield "LLR", lambda: _llr(_pairs(orders, orders), orders.shape[0])
    yield "EASE, ridge 300", lambda: _ease(_pairs(orders, orders), 300.0)
    yield "EASE, decay 90 days, ridge 30", lambda: _ease(_pairs(orders, decayed), 30.0)
    yield "SLIM (ADMM)", lambda: _slim(_pairs(orders, decayed), l2=50.0, l1=2.0)


def implicit_methods(orders: sparse.csr_matrix) -> Iterator[tuple[str, Callable[[], Matrix | Score]]]:
    """The same from the package `implicit`, whose ALS folds a cart in; nothing when it is not installed."""
    try:
        from implicit import nearest_neighbours  # type: ignore[import-not-found, unused-ignore]
        from implicit.als import AlternatingLeastSquares  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return

    def near(kind: str) -> Matrix:
        model = getattr(nearest_neighbours, kind)(K=200, num_threads=1)
        model.fit(orders, show_progress=False)
        return _without_self(np.asarray(model.similarity.todense(), np.float32))

    def als() -> Score:
        rank = {"factors": 128, "regularization": 0.05, "alpha": 10, "iterations": 15, "random_state": 0}
        model = AlternatingLeastSquares(num_threads=1, **rank)
        model.fit(orders, show_progress=False)

        def answer(given: sparse.csr_matrix) -> Matrix:
            factors = model.recalculate_user(np.arange(given.shape[0]), given)
            return np.asarray(factors @ model.item_factors.T, np.float32)

        return answer

    yield "implicit BM25", lambda: near("BM25Recommender")
    yield "implicit cosine", lambda: near("CosineRecommender")
    yield "implicit ALS 128", als


def _pairs(left: sparse.csr_matrix, right: sparse.csr_matrix) -> Matrix:
    return np.asarray((left.T @ right).todense(), np.float32)


def _without_self(matrix: Matrix) -> Matrix:
    np.fill_diagonal(matrix, 0)
    return matrix


def _jaccard(counts: Matrix) -> Matrix:
    own = np.diag(counts)
    return _without_self(counts / (own[:, None] + own[None, :] - counts))


def _llr(counts: Matrix, total: int) -> Matrix:
    """Dunning's log-likelihood ratio, where two products are together more often than by chance."""
    own = np.diag(counts).astype(np.float64)
    both, first, second = counts.astype(np.float64), own[:, None] - counts, own[None, :] - counts
    neither = total - own[:, None] - own[None, :] + counts

    def entropy(x: Matrix) -> Matrix:
        return np.asarray(np.where(x > 0, x * np.log(np.maximum(x, 1e-12)), 0))

    cells = sum((entropy(x) for x in (both, first, second, neither)), entropy(np.array(float(total))))
    margins = entropy(both + first) + entropy(second + neither) + entropy(both + second) + entropy(first + neither)
    likely = (counts > 0) & (counts * total > own[:, None] * own[None, :])
    return _without_self(np.where(likely, 2 * (cells - margins), 0).astype(np.float32))


def _ease(counts: Matrix, ridge: float) -> Matrix:
    inverse = np.linalg.inv(counts + ridge * np.eye(len(counts), dtype=np.float32))
    return _without_self(inverse / -np.diag(inverse))


def _slim(counts: Matrix, l2: float, l1: float) -> Matrix:
    """Steck, Dimakopoulou, Riabov & Jebara (2020), "ADMM SLIM: sparse recommendations for many users"."""
    n = len(counts)
    inverse = np.linalg.inv(counts + (l2 + ADMM_WEIGHT) * np.eye(n, dtype=np.float32))
    start, diagonal = inverse @ counts, np.diag(inverse)
    sparse_part, dual = np.zeros_like(counts), np.zeros_like(counts)
    for _ in range(ADMM_STEPS):
        free = start + inverse @ (ADMM_WEIGHT * sparse_part - dual)
        free = free - inverse * (np.diag(free) / diagonal)
        sparse_part = np.maximum(free + (dual - l1) / ADMM_WEIGHT, 0)
        dual += ADMM_WEIGHT * (free - sparse_part)
    return _without_self(sparse_part)
