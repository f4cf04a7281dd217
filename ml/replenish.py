"""Replay of reorder advice on what was really sold: how often was there enough, and how much stock does a level need?

Every evening each product is looked at and ordered as advised; the order arrives when the lead time is over. An order
was in time when the shelf was not empty before it arrived. What is not on the shelf is sold later: nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.reorder import TAIL, WORTH, Terms, point
from ml.sales import Floats

MIN_ORDERS = 100
"""With fewer replayed orders a shop has not told how much stock its own sales need."""
BOUNDS = (0.8, 4.5)
STEPS = 10
GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Evenings:
    """What was expected on evenings that follow each other, and what was sold on the day after each; [evenings, n].

    lead_time: expected units of the lead time, NaN for a product that was not forecast then. factor: the 90 % point
    over it. cover: expected units of the days that an order should last.
    """

    lead_time: Floats
    factor: Floats
    cover: Floats
    sold: Floats


@dataclass(frozen=True)
class Replayed:
    """orders: how many arrived. kept: the share of them in time; None without any. stock: mean units on the shelf."""

    orders: int
    kept: float | None
    stock: float


def replay(evenings: Evenings, terms: Terms, tail: float | Floats = TAIL, count_from: int = 0) -> Replayed:
    """Order as advised from the first evening on, and count the orders that arrive from day `count_from` on.

    tail: the same on all evenings, or one for each.
    Products begin at different places between two orders, else all of them would be ordered in the same week.
    """
    days, n = evenings.sold.shape
    start = (np.arange(n) * GOLDEN) % 1
    shelf, way = np.full(n, np.nan), np.zeros(n)
    coming = np.zeros((days + terms.lead_days, n))
    arrived = in_time = 0
    held, tails = 0.0, np.broadcast_to(tail, days)
    for day in range(days):
        lead, cover = evenings.lead_time[day], evenings.cover[day]
        enough = point(lead, evenings.factor[day], terms, float(tails[day]))
        shelf = np.where(np.isnan(shelf), np.ceil(enough + cover * start), shelf)
        due = (shelf + way <= enough) & (lead + cover >= WORTH)
        bought = np.where(due, np.ceil(enough + cover - shelf - way), 0.0)
        coming[day + terms.lead_days] = bought
        here = coming[day] > 0
        if day >= count_from:
            arrived, in_time = arrived + int(here.sum()), in_time + int((shelf[here] >= 0).sum())
        way += bought - coming[day]
        shelf += coming[day] - evenings.sold[day]
        held += float(np.nansum(np.maximum(shelf, 0)) / max(np.isfinite(shelf).sum(), 1))
    return Replayed(arrived, in_time / arrived if arrived else None, held / max(days, 1))


def learned(evenings: Evenings, terms: Terms) -> float | None:
    """The tail with which the replayed orders would have kept the service level; None when there were too few."""
    if replay(evenings, terms).orders < MIN_ORDERS:
        return None
    low, high = BOUNDS
    for _ in range(STEPS):
        middle = (low + high) / 2
        kept = replay(evenings, terms, middle).kept
        low, high = (middle, high) if kept is not None and kept < terms.service_level else (low, middle)
    return round((low + high) / 2, 3)
