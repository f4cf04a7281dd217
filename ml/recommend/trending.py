"""Trending: what sells now more than it used to. For a visitor about whom nothing is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ml.recommend.evidence import LONGEST, Evidence
from ml.recommend.neighbours import NeighbourTable
from ml.sales import Floats, Ints

NAME = "trending"
FAST, SLOW = 7.0, 56.0
"""Half-lives in days of what sells now and of what used to sell."""
DOUBT = 2.0
"""Orders a day short of which a rise is taken for chance."""


def fit(evidence: Evidence) -> NeighbourTable:
    """A table without neighbours whose popular list is the trending one."""
    return replace(evidence.empty(), popular=rank(evidence))


def rank(evidence: Evidence) -> Ints:
    """Product ids, most trending first, at most 200: orders of late times the root of their rise."""
    fast, slow = (_rate(evidence, half_life) for half_life in (FAST, SLOW))
    score = fast * np.sqrt((fast + DOUBT) / (slow + DOUBT))
    order = np.lexsort((evidence.baskets.products, -evidence.sold, -score))
    order = order[evidence.sold[order] > 0]
    return np.asarray(evidence.baskets.products[order[:LONGEST]].astype(np.int64))


def _rate(evidence: Evidence, half_life: float) -> Floats:
    """Orders a day of each product, older days counting less."""
    weight = np.repeat(0.5 ** (evidence.baskets.age / half_life), evidence.baskets.sizes)
    total = np.bincount(evidence.baskets.items, weights=weight, minlength=evidence.n)
    return np.asarray(total * np.log(2) / half_life)
