"""Bought together: how often two products shared an order, newer and smaller orders counting more.

The score of neighbour j for product i is c_ij / (n_i^.5 n_j^.3), which damps bestsellers without burying them. The
counts weigh an order of n products, t days old, 0.5^(t / half-life) / n^power: a small fresh order says more about two
products than a stock-up of last year.

Source: measured on Online Retail II, where the two weights and the uneven exponents beat plain counts, cosine,
Jaccard and log-likelihood (docs/models.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from ml.recommend import tops
from ml.recommend.counts import UNIT, values_at, weighed, weight
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.sales import Bools, Floats, Ints

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
    every, most = np.arange(evidence.n), min(width, max(evidence.n - 1, 1))
    parts = [
        _ranked(evidence.affinity(these), every[these], evidence.own, most)
        for these in tops.spans(evidence.counts.pairs.indptr)
    ]
    return _below(parts)


def refreshed(
    evidence: Evidence, index: Ints, scores: Floats, own: Floats, theirs: sparse.csr_matrix | None = None
) -> tuple[Ints, Ints, Floats]:
    """Only the rows that orders since the last rebuild have touched: row numbers, neighbours, scores.

    index, scores: the lists of that rebuild. own: weighted counts of each product as of then, so that no score changes
    but those of pairs whose count did. theirs: what was mixed into the counts then, and does not change in between.
    A pair that gained is compared with the row's list alone; only a row that lost one of its list is ranked anew.
    """
    cells = _changed(evidence, len(index), own, theirs)
    listed = np.zeros(len(cells.row), bool)
    listed[cells.fell] = (index[cells.row[cells.fell]] == cells.column[cells.fell][:, None]).any(1)
    anew = np.unique(cells.row[listed])
    rows = np.setdiff1d(cells.row, anew)
    grown = tops.best(_merged(cells, rows, index, scores), index.shape[1], diagonal=rows)
    if len(anew) == 0:
        return rows, *grown
    pairs = weighed(evidence.counts.rows(anew)[:, : len(index)], _factor(evidence))
    whole = ranked(pairs if theirs is None else pairs + theirs[anew], anew, own, index.shape[1])
    both = np.concatenate([rows, anew])
    order = np.argsort(both)
    neighbours, values = (np.concatenate(each)[order] for each in zip(grown, whole, strict=True))
    return both[order], neighbours, values


@dataclass(frozen=True)
class _Cells:
    """Pairs whose count has changed, and the score each has now. fell: which of them count for less than before."""

    row: Ints
    column: Ints
    score: Floats
    fell: Bools
    matrix: sparse.csr_matrix


def _changed(evidence: Evidence, n: int, own: Floats, theirs: sparse.csr_matrix | None) -> _Cells:
    """Changes between the first `n` products: later ones wait for a rebuild, which numbers them anew."""
    change = evidence.counts.change()[:n, :n]
    row, column = np.repeat(np.arange(n), np.diff(change.indptr)), change.indices
    apart = row != column
    row, column = row[apart], column[apart]
    before = values_at(evidence.counts.base, row, column)
    after = weight(before + change.data[apart])
    value = after.astype(np.float32)
    value *= np.float32(_factor(evidence) / UNIT)
    if theirs is not None:
        value += values_at(theirs, row, column)
    score = value / _damped(own, row, column)
    return _Cells(row, column, score, after < weight(before), change)


def _merged(cells: _Cells, rows: Ints, index: Ints, scores: Floats) -> sparse.csr_matrix:
    """The lists of these rows with the changed pairs' scores put over them, and those added that were not there."""
    place = np.full(len(index), NOBODY, np.int64)
    place[rows] = np.arange(len(rows))
    kept = tops.matrix_of(index[rows], scores[rows], len(index)).tocoo()
    same = values_at(cells.matrix, rows[kept.row], kept.col) == 0
    mine = (place[cells.row] != NOBODY) & (cells.score > 0)
    data = np.concatenate([kept.data[same], cells.score[mine]])
    row = np.concatenate([kept.row[same], place[cells.row[mine]]])
    column = np.concatenate([kept.col[same], cells.column[mine]])
    return sparse.csr_matrix((data, (row, column)), shape=(len(rows), len(index)))


def _factor(evidence: Evidence) -> float:
    return float(0.5 ** (evidence.days_later / evidence.config.half_life_days))


def _damped(own: Floats, row: Ints, column: Ints) -> Floats:
    mine, theirs = (own.astype(np.float32) ** np.float32(power) for power in (OWN, OTHER))
    return mine[row] * theirs[column] + np.float32(SHRINK)


def ranked(pairs: sparse.csr_matrix, rows: Ints, own: Floats, width: int) -> tuple[Ints, Floats]:
    """The best of each of these rows of weighted counts. own: the weighted count of every product by itself."""
    return _below([_ranked(pairs[these], rows[these], own, width) for these in tops.spans(pairs.indptr)])


def _below(parts: Sequence[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
    return np.concatenate([index for index, _ in parts]), np.concatenate([scores for _, scores in parts])


def _ranked(pairs: sparse.csr_matrix, rows: Ints, own: Floats, width: int) -> tuple[Ints, Floats]:
    pairs.data /= _damped(own, np.repeat(rows, np.diff(pairs.indptr)), pairs.indices)
    return tops.best(pairs, width, diagonal=rows)
