"""Rise: what is bought more lately than it used to be, of products and of pairs.

Lists made of a year's orders are late to learn what has begun to sell, or to go together. Here the newest orders are
held against all of them: what they say more of counts for more. What they say less of does not count for less, because
a product that fell was often only sold out, and comes back to what it was.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from ml.recommend import hint
from ml.recommend.counts import UNIT, Whole, values_at, weight
from ml.recommend.evidence import Evidence
from ml.sales import Floats

FAST, SLOW = 7.0, 120.0
"""Half-lives in days of what a product sells now and of what it used to sell."""
DOUBT = 0.2
"""Orders a day short of which a product's rise is taken for chance."""
PAIR_DOUBT = 2_000.0
"""Products seen beside one lately that say as much as all that was ever seen there."""
SELDOM = 0.0004
"""Share of the products beside one short of which another's rise there is taken for chance."""


def of_products(evidence: Evidence) -> Floats:
    """Float32, at least 1: how many times as much each product sells as it used to, large orders counting less."""
    now, before = (_rate(evidence, half_life) for half_life in (FAST, SLOW))
    return np.maximum((now + DOUBT) / (before + DOUBT), 1).astype(np.float32)


def of_pairs(evidence: Evidence, listed: sparse.csr_matrix) -> Floats:
    """Float32, at least 1, for each cell: how many times as often the row's orders hold the column as they used to."""
    rows = np.repeat(np.arange(evidence.n), np.diff(listed.indptr))
    (always, own), (lately, fresh) = (
        (_weights(values_at(each.base, rows, listed.indices)), _weights(each.base.diagonal())[rows])
        for each in (evidence.counts, evidence.lately)
    )
    beside = hint.lost(evidence)
    doubt, seldom = np.float32(PAIR_DOUBT / beside * _mean_weight(evidence)), np.float32(SELDOM * beside)
    before = always / np.maximum(own, np.float32(1e-9))
    now = (lately + doubt * before) / (fresh + doubt)
    return np.asarray(np.maximum((now + seldom) / (before + seldom), 1))


def _rate(evidence: Evidence, half_life: float) -> Floats:
    """Orders a day of each product, older days and large orders counting less."""
    baskets = evidence.baskets
    worth = 0.5 ** (baskets.age / half_life) * _size_weights(evidence) / _mean_weight(evidence)
    total = np.bincount(baskets.items, weights=np.repeat(worth, baskets.sizes), minlength=evidence.n)
    return np.asarray(total * np.log(2) / half_life)


def _size_weights(evidence: Evidence) -> Floats:
    return np.asarray(np.maximum(evidence.baskets.sizes, 1) ** -evidence.config.size_power)


def _mean_weight(evidence: Evidence) -> float:
    """The mean over order lines of what a fresh order of their size weighs."""
    return float(np.average(_size_weights(evidence), weights=evidence.baskets.sizes)) if len(evidence.baskets) else 1.0


def _weights(cells: Whole) -> Floats:
    return np.asarray(weight(cells).astype(np.float32) / np.float32(UNIT))
