"""How a week's sales spread over its days."""

from __future__ import annotations

import numpy as np

from ml.calendars import weekdays
from ml.frames import WINDOW
from ml.sales import Bools, DailySales, Floats

SPAN = 91
TRUST = 30.0
"""Units a product must have sold in the last 91 days for its own rhythm to weigh as much as the shop's."""


def day_shares(sales: DailySales, is_open: Bools, total: Floats) -> Floats:
    """Share of each coming day in its week, [series, days ahead]; a whole number of weeks ahead.

    is_open: the known days and those ahead. total: units of the whole shop per known day. Shares of a week add up to 1,
    or to 0 when the shop is closed all week.
    A product's own weekdays over the last 91 days are shrunk towards the shop's.
    """
    ahead = is_open[sales.days :]
    weekday = weekdays(sales.first_on, len(is_open))
    past = weekday[: sales.days][-SPAN:]
    one_hot = (past[:, None] == np.arange(WINDOW)).astype(np.float64)
    own = sales.units[:, -SPAN:].astype(np.float64) @ one_hot
    shop = total[-SPAN:] @ one_hot
    shop = shop / shop.sum() if shop.sum() > 0 else np.full(WINDOW, 1 / WINDOW)
    habit = (own + TRUST * shop) / (own.sum(axis=1, keepdims=True) + TRUST)
    # A weekday that is open ahead but never sold yet still gets a little, so that an open week is never empty.
    days = (habit[:, weekday[sales.days :]] + 1e-9) * ahead
    weeks = days.reshape(len(days), -1, WINDOW)
    sums = weeks.sum(axis=2, keepdims=True)
    shares = np.divide(weeks, sums, out=np.zeros_like(weeks), where=sums > 0)
    return np.asarray(shares.reshape(len(days), -1))
