"""Blends: lists of several recommenders added up, each first brought to the same scale.

A page's list is read alone, so each product's neighbours have a scale of their own there. A cart's answer is a sum over
its products, and what one of them says loudly should count more than the same said softly by three: scores are brought
to one scale for the whole shop, and raised to a power. Last, the best of each are ranked by what has risen of late.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from ml.recommend import content, hint, rise, together, tops
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NeighbourTable
from ml.sales import Floats, Ints

NAME = "blend"
PAGE_TOGETHER, PAGE_SECOND, PAGE_POPULAR, PAGE_RISE = 0.2, 0.5, 0.2, 0.25
CART_TOGETHER, CART_EASE, CART_POWER, CART_RISE = 0.2, 0.2, 1.3, 0.1
"""Shares beside the hint, and powers, chosen on orders of November 2010 to September 2011 (docs/models.md)."""
POPULAR_HALF_LIFE = 28.0
LARGE_CONTENT = 0.1
"""The share beside bought together in a catalogue too large for a hint."""
WIDE, STEPS = 100, 30
LEADERS = 10
"""Neighbours whose mean score is the scale of a list, and products whose mean demand is that of demand."""


def fit(evidence: Evidence) -> NeighbourTable:
    """The blend for a product page."""
    other = hint if evidence.is_deep else content
    return for_page(evidence, *together.wide(evidence, WIDE), other.fit(evidence))


def for_page(evidence: Evidence, index: Ints, scores: Floats, other: NeighbourTable) -> NeighbourTable:
    """The hint, bought together (these neighbours), what goes with what goes with a product, and what sells just now.

    other: the hint; in a catalogue too large for one, the products described alike.
    """
    first, beside = (tops.matrix_of(*each, evidence.n) for each in ((index, scores), (other.index, other.scores)))
    if not evidence.is_deep:
        return _table(evidence, _levelled(first) + _levelled(beside, LARGE_CONTENT))
    hinted = _levelled_by_row(beside)
    # Bought together keeps one scale for the whole shop: what is suddenly bought together has to show at once.
    steps = _levelled_by_row(tops.matrix_of(other.index[:, :STEPS], other.scores[:, :STEPS], evidence.n))
    second = _levelled_by_row((steps @ steps).tocsr())
    total = hinted + _levelled(first, PAGE_TOGETHER) + PAGE_SECOND * second
    total.data += np.float32(PAGE_POPULAR) * _demand(evidence)[total.indices]
    return _table(evidence, _risen(evidence, total, PAGE_RISE))


def for_cart(
    evidence: Evidence, index: Ints, scores: Floats, hinted: NeighbourTable, regressed: NeighbourTable
) -> NeighbourTable:
    """For a small cart: the hint, bought together (these neighbours) and what speaks for a product in EASE."""
    eased = regressed.index[:, :WIDE], np.maximum(regressed.scores[:, :WIDE], 0)
    parts = ((hinted.index, hinted.scores, 1.0), (index, scores, CART_TOGETHER), (*eased, CART_EASE))
    total = sum(_levelled(tops.matrix_of(near, value, evidence.n), share) for near, value, share in parts)
    powered = sparse.csr_matrix(total).power(CART_POWER)
    return _table(evidence, _risen(evidence, powered, CART_RISE) if evidence.is_deep else powered)


def _risen(evidence: Evidence, total: sparse.csr_matrix, power: float) -> sparse.csr_matrix:
    """The best of each row, times the rise of the pair, times the rise of the neighbour to this power."""
    best = tops.matrix_of(*tops.best(total, WIDE), evidence.n)
    best.data *= rise.of_pairs(evidence, best) * (rise.of_products(evidence) ** np.float32(power))[best.indices]
    return best


def _table(evidence: Evidence, total: sparse.csr_matrix) -> NeighbourTable:
    index, scores = tops.best(sparse.csr_matrix(total), min(evidence.config.neighbours, max(evidence.n - 1, 1)))
    return evidence.table(index, scores)


def _levelled(matrix: sparse.csr_matrix, share: float = 1.0) -> sparse.csr_matrix:
    """Where the leading neighbours of the shop's products have `share` as their mean score."""
    scale = float(tops.best(matrix, LEADERS)[1].mean()) or 1.0
    return np.float32(share / scale) * matrix


def _levelled_by_row(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Where the leading neighbours of every product have 1 as their mean score."""
    scale = np.maximum(tops.best(matrix, LEADERS)[1].mean(1), np.float32(1e-9))
    data = matrix.data / np.repeat(scale, np.diff(matrix.indptr))
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _demand(evidence: Evidence) -> Floats:
    """Float32: how much each product sells just now, beside the ten that sell most."""
    baskets = evidence.baskets
    weight = np.repeat(0.5 ** (baskets.age / POPULAR_HALF_LIFE), baskets.sizes)
    sold = np.bincount(baskets.items, weights=weight, minlength=evidence.n)
    return np.asarray(sold / (np.sort(sold)[-LEADERS:].mean() or 1.0), np.float32)
