"""Blends: lists of several recommenders added up, each first brought to the same scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse

from ml.recommend import content, hint, together, tops
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NeighbourTable
from ml.sales import Floats, Ints

NAME = "blend"
PAGE_TOGETHER, PAGE_SECOND, CART_TOGETHER = 0.2, 0.3, 0.2
"""Shares beside the hint, chosen on orders of April to September 2011 (docs/models.md)."""
LARGE_CONTENT = 0.1
"""The share beside bought together in a catalogue too large for a hint."""
WIDE, STEPS = 100, 30
LEADERS = 10
"""Neighbours whose mean score is the scale of a list."""


def fit(evidence: Evidence) -> NeighbourTable:
    """The blend for a product page."""
    other = hint if evidence.is_deep else content
    return for_page(evidence, *together.wide(evidence, WIDE), other.fit(evidence))


def for_page(evidence: Evidence, index: Ints, scores: Floats, other: NeighbourTable) -> NeighbourTable:
    """The hint, bought together (these neighbours), and what goes with what goes with a product.

    other: the hint; in a catalogue too large for one, the products described alike.
    """
    first, beside = (tops.matrix_of(*each, evidence.n) for each in ((index, scores), (other.index, other.scores)))
    if not evidence.is_deep:
        return _added(evidence, [(first, 1.0), (beside, LARGE_CONTENT)])
    second = _second(index, scores, evidence.n)
    return _added(evidence, [(beside, 1.0), (first, PAGE_TOGETHER), (second, PAGE_SECOND)])


def for_cart(evidence: Evidence, index: Ints, scores: Floats, hinted: NeighbourTable) -> NeighbourTable:
    """For a small cart: the hint and bought together (these neighbours)."""
    parts = [(hinted.index, hinted.scores, 1.0), (index, scores, CART_TOGETHER)]
    return _added(evidence, [(tops.matrix_of(near, value, evidence.n), share) for near, value, share in parts])


def _added(evidence: Evidence, parts: Sequence[tuple[sparse.csr_matrix, float]]) -> NeighbourTable:
    total = sum(np.float32(share / _scale(part)) * part for part, share in parts)
    index, scores = tops.best(sparse.csr_matrix(total), min(evidence.config.neighbours, max(evidence.n - 1, 1)))
    return evidence.table(index, scores)


def _scale(matrix: sparse.csr_matrix) -> float:
    """The mean score of a product's leading neighbours; 1 when nobody has any."""
    return float(tops.best(matrix, LEADERS)[1].mean()) or 1.0


def _second(index: Ints, scores: Floats, n: int) -> sparse.csr_matrix:
    """Neighbours of neighbours, every product's list counting the same."""
    leading = scores[:, :LEADERS].mean(1, keepdims=True)
    shares = scores[:, :STEPS] / np.maximum(leading, np.float32(1e-6))
    steps = tops.matrix_of(index[:, :STEPS], shares.astype(np.float32), n)
    return (steps @ steps).tocsr()
