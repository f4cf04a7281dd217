"""Blends: lists of several recommenders added up, each first brought to the same scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse

from ml.recommend import content, together, tops
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NeighbourTable
from ml.sales import Floats, Ints

NAME = "blend"
PAGE_SECOND, PAGE_CONTENT, CART_EASE = 0.2, 0.1, 0.5
"""Shares beside bought together, chosen on orders of September 2011 (docs/models.md)."""
WIDE, STEPS = 100, 30
LEADERS = 10
"""Neighbours whose mean score is the scale of a list."""


def fit(evidence: Evidence) -> NeighbourTable:
    """The blend for a product page."""
    return for_page(evidence, *together.wide(evidence, WIDE), content.fit(evidence))


def for_page(evidence: Evidence, index: Ints, scores: Floats, alike: NeighbourTable) -> NeighbourTable:
    """Bought together (these neighbours), what goes with what goes with it, and what is described alike."""
    parts = [
        (tops.matrix_of(index, scores, evidence.n), 1.0),
        (tops.matrix_of(alike.index, alike.scores, evidence.n), PAGE_CONTENT),
    ]
    if evidence.is_deep:
        parts.append((_second(index, scores, evidence.n), PAGE_SECOND))
    return _added(evidence, parts)


def for_cart(evidence: Evidence, index: Ints, scores: Floats, weights: NeighbourTable) -> NeighbourTable:
    """For a small cart: bought together (these neighbours) and EASE."""
    parts = [(tops.matrix_of(index, scores, evidence.n), 1.0), (_positive(weights, evidence.n), CART_EASE)]
    return _added(evidence, parts)


def _added(evidence: Evidence, parts: Sequence[tuple[sparse.csr_matrix, float]]) -> NeighbourTable:
    total = sum(np.float32(share / _scale(part)) * part for part, share in parts)
    index, scores = tops.best(sparse.csr_matrix(total), min(evidence.config.neighbours, max(evidence.n - 1, 1)))
    return evidence.table(index, scores)


def _scale(matrix: sparse.csr_matrix) -> float:
    """The mean score of a product's leading neighbours; 1 when nobody has any."""
    return float(tops.best(matrix, LEADERS)[1].mean()) or 1.0


def _positive(table: NeighbourTable, n: int) -> sparse.csr_matrix:
    matrix = tops.matrix_of(table.index, np.maximum(table.scores, 0), n)
    matrix.eliminate_zeros()
    return matrix


def _second(index: Ints, scores: Floats, n: int) -> sparse.csr_matrix:
    """Neighbours of neighbours, every product's list counting the same."""
    leading = scores[:, :LEADERS].mean(1, keepdims=True)
    shares = scores[:, :STEPS] / np.maximum(leading, np.float32(1e-6))
    steps = tops.matrix_of(index[:, :STEPS], shares.astype(np.float32), n)
    return (steps @ steps).tocsr()
