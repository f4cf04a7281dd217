"""EASE: every product explains every other at once, so that what two have in common with a third counts once.

A product's weight for another is the regression of the one on all others, with a ridge that grows with how much the
product sells: as if each cart had lost a share of its products and the rest had to find them. Products described alike
count as if some orders had held both, so that one that hardly sells leans on its kind and a new one is not forgotten.
The most sold products only; the answer to a full cart is the sum of its rows, in which negative weights matter, so
these are kept, too.

Sources: Steck (2019), "Embarrassingly shallow autoencoders for sparse data"; Steck (2020), "Autoencoders that don't
overfit towards the identity"; Jeunen, Van Balen & Goethals (2020), "Closed-form models for collaborative filtering with
side-information".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

from ml.recommend import content
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.sales import Floats, Ints

NAME = "ease"
ROWS = 250
"""Rows sorted at once."""


def fit(evidence: Evidence) -> NeighbourTable:
    """The table of the weights furthest from 0; no neighbours for what hardly sells or above `deep_products`."""
    if not evidence.is_deep or not evidence.sold.any():
        return evidence.empty()
    head, weights = regressed(evidence, evidence.config.ease_dropout)
    width = min(evidence.config.ease_neighbours, max(len(head) - 1, 1))
    index, scores = np.full((evidence.n, width), NOBODY, np.int32), np.zeros((evidence.n, width), np.float32)
    if len(head) > 1:
        places, scores[head] = furthest(weights, width, np.abs)
        index[head] = head[places]
    return evidence.table(index, scores, np.zeros(index.shape, np.int32))


def regressed(evidence: Evidence, dropout: float) -> tuple[Ints, Floats]:
    """The most sold products, ascending, and the weight of each (row) for each other (column), float32.

    dropout: ridge as a share of a product's own count.
    """
    config, own = evidence.config, evidence.own
    if evidence.catalogue is not None:
        own = own + np.float32(config.ease_content) * np.array([len(terms) > 0 for terms in evidence.catalogue.terms])
    head = np.sort(np.lexsort((np.arange(evidence.n), -own))[: config.ease_products])
    head = head[own[head] > 0]
    weights = _inverse(lambda: _gram(evidence, head, dropout))
    weights /= -np.diag(weights).copy()
    np.fill_diagonal(weights, 0)
    return head, weights


def _gram(evidence: Evidence, head: Ints, dropout: float) -> Floats:
    """What these products have in common, float32, some rows at a time: sparse copies would take twice its memory."""
    config = evidence.config
    gram = np.empty((len(head), len(head)), np.float32)
    alike = content.likeness(evidence.catalogue, head) if evidence.catalogue is not None else None
    for first in range(0, len(head), ROWS):
        rows = slice(first, first + ROWS)
        shared = evidence.affinity(head[rows]).toarray()
        gram[rows] = shared if len(head) == evidence.n else shared[:, head]
        if alike is not None:
            gram[rows] += np.float32(config.ease_content) * alike[rows].toarray()
    gram[np.diag_indices(len(head))] *= np.float32(1 + dropout)
    gram[np.diag_indices(len(head))] += np.float32(config.ease_ridge)
    return gram


def furthest(weights: Floats, width: int, by: Callable[[Floats], Floats]) -> tuple[Ints, Floats]:
    """Places and values of the weights of each row that are largest `by` something, largest value first.

    The product itself is never one. Some rows at a time, because sorting needs three times the memory of what it sorts.
    """
    parts = [_furthest_of(weights[first : first + ROWS], first, width, by) for first in range(0, len(weights), ROWS)]
    return np.concatenate([places for places, _ in parts]), np.concatenate([found for _, found in parts])


def _furthest_of(weights: Floats, first: int, width: int, by: Callable[[Floats], Floats]) -> tuple[Ints, Floats]:
    size, rows = by(weights), np.arange(len(weights))
    size[rows, first + rows] = -np.inf
    places = np.argpartition(size, -width, axis=1)[:, -width:].astype(np.int32)
    found = np.take_along_axis(weights, places, 1)
    order = np.argsort(-found, axis=1, kind="stable")
    return np.take_along_axis(places, order, 1), np.take_along_axis(found, order, 1)


def _inverse(gram: Callable[[], Floats]) -> Floats:
    """Of a symmetric positive definite matrix, in its own memory; in double precision when single does not do."""
    factor, failed = lapack.spotrf(gram().T, lower=1, overwrite_a=1)
    if failed:
        return np.linalg.inv(gram().astype(np.float64)).astype(np.float32)
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    for row in range(len(inverse)):
        inverse[row, row + 1 :] = inverse[row + 1 :, row]
    return np.asarray(inverse.T)
