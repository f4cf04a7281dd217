"""Viewed next: which product pages visitors opened after a product's own.

A step from i to j within three pages of a visit counts for j beside i, and half as much for i beside j; newer ones
count more. The score damps what everybody looks at as bought together does. A browser counts once a week for two
products, however often it opened them, and only weeks in which five did are told of.

Source: next-item prediction on shopping sessions, where steps onward and pairs in either direction together found more
than each alone; Ludewig & Jannach (2018), "Evaluation of session-based recommendation algorithms".
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from ml.recommend import together
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NeighbourTable

NAME = "viewed"
HALF_LIFE = 60.0
BACK = 0.5
"""What a step counts for in the other direction."""
ENOUGH = 1_000
"""Steps below which a shop's views say too little to serve anywhere."""


def fit(evidence: Evidence) -> NeighbourTable:
    """The table of what was looked at next; without neighbours when nobody told of views."""
    if evidence.steps is None or len(evidence.steps.first) == 0:
        return evidence.empty()
    pairs = _pairs(evidence)
    own = np.asarray(pairs.sum(1)).ravel()
    width = min(evidence.config.neighbours, max(evidence.n - 1, 1))
    return evidence.table(*together.ranked(pairs, np.arange(evidence.n), own, width))


def is_enough(evidence: Evidence) -> bool:
    """Whether so much was told of views that the list may be tried."""
    return evidence.steps is not None and int(evidence.steps.browsers.sum()) >= ENOUGH


def _pairs(evidence: Evidence) -> sparse.csr_matrix:
    """Weighted steps in both directions [products, products]."""
    steps = evidence.steps
    assert steps is not None
    shape, cells = (evidence.n, evidence.n), (steps.first, steps.then)
    weight = (steps.browsers * 0.5 ** (steps.age / HALF_LIFE)).astype(np.float32)
    onward = sparse.coo_matrix((weight, cells), shape=shape).tocsr()
    return sparse.csr_matrix(onward + np.float32(BACK) * onward.T, dtype=np.float32)
