"""Hint: EASE for a shopper who has shown little: one product's page, a cart of two or three.

The same regression as for full carts, as if every order had lost all its products but one: ridge grows with what the
shop's orders lose by that. In a shop of small orders that is little, in a wholesaler's much, and the less is known of a
cart, the nearer a weight comes to how often the one product is bought with the other. Above 0 only.

Source: Steck (2020), "Autoencoders that don't overfit towards the identity", from which the dropout.
"""

from __future__ import annotations

import numpy as np

from ml.recommend import ease
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NOBODY, NeighbourTable

NAME = "hint"
WIDTH = 100


def fit(evidence: Evidence) -> NeighbourTable:
    """The table of the largest weights; no neighbours for what hardly sells or above `deep_products`."""
    if not evidence.is_deep or not evidence.sold.any():
        return evidence.empty()
    head, weights = ease.regressed(evidence, lost(evidence))
    width = min(WIDTH, max(len(head) - 1, 1))
    index, scores = np.full((evidence.n, width), NOBODY, np.int32), np.zeros((evidence.n, width), np.float32)
    if len(head) > 1:
        places, found = ease.furthest(weights, width, np.copy)
        index[head] = np.where(found > 0, head[places], NOBODY)
        scores[head] = np.maximum(found, 0)
    return evidence.table(index, scores, np.zeros(index.shape, np.int32))


def lost(evidence: Evidence) -> float:
    """Products lost for each one shown: the mean order of two and more, less one."""
    sizes = evidence.baskets.sizes
    several = sizes[sizes > 1]
    return float(several.mean() - 1) if len(several) else 1.0
