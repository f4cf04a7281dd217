"""Bought together: how often two products shared an order, newer and smaller orders counting more.

The score of neighbour j for product i is c_ij / (n_i^.5 n_j^.3), which damps bestsellers without burying them. The
counts weigh an order of n products, t days old, 0.5^(t / half-life) / n^power: a small fresh order says more about two
products than a stock-up of last year.

Source: measured on Online Retail II, where the two weights and the uneven exponents beat plain counts, cosine,
Jaccard and log-likelihood (docs/models.md).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from ml.recommend import tops
from ml.recommend.counts import weighed
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NeighbourTable
from ml.sales import Floats, Ints

NAME = "together"
OWN, OTHER = 0.5, 0.3
SHRINK = 0.05
"""Weighted orders that must speak for a pair before its score counts for much."""


def fit(evidence: Evidence) -> NeighbourTable:
    """The table of the best neighbours of every product that was ever bought."""
    index, scores = wide(evidence, evidence.config.neighbours)
    return evidence.table(index, scores)


def wide(evidence: Evidence, width: int) -> tuple[Ints, Floats]:
    """Neighbours and scores only, as many as asked for."""
    pairs = evidence.affinity
    return ranked(pairs, np.arange(evidence.n), pairs.diagonal(), min(width, max(evidence.n - 1, 1)))


def refreshed(evidence: Evidence, table: NeighbourTable, own: Floats) -> tuple[Ints, Ints, Floats]:
    """Only the rows that orders since the last rebuild have touched: row numbers, neighbours, scores.

    own: weighted counts of each product as of that rebuild, so that no other row's scores have changed.
    """
    rows = evidence.counts.touched()
    factor = 0.5 ** (evidence.days_later / evidence.config.half_life_days)
    return rows, *ranked(weighed(evidence.counts.rows(rows), factor), rows, own, table.index.shape[1])


def ranked(pairs: sparse.csr_matrix, rows: Ints, own: Floats, width: int) -> tuple[Ints, Floats]:
    """The best of each of these rows of weighted counts. own: the weighted count of every product by itself."""
    mine, theirs = (own.astype(np.float32) ** np.float32(power) for power in (OWN, OTHER))
    damped = np.repeat(mine[rows], np.diff(pairs.indptr)) * theirs[pairs.indices] + np.float32(SHRINK)
    scored = sparse.csr_matrix((pairs.data / damped, pairs.indices, pairs.indptr), shape=pairs.shape)
    return tops.best(scored, width, diagonal=rows)
