"""Days out of stock are demand that was not seen, not demand that was not there.

Such a day is filled with what the product sold per even day while it could be bought, in the weeks before, times what
the shop's weekday counts for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ml.calendars import open_days, weekdays
from ml.frames import WINDOW
from ml.sales import DailySales, Floats, in_chunks

SPANS = (56, 182)
"""Days before that tell the rate; the longer span is used where the shorter one holds too little."""
LONGEST = 42
"""Days without stock after which a product counts as given up: its empty days are zeros again."""
ENOUGH = 10.0
"""Days in stock that make a rate; with fewer in both spans the day stays as it was."""


def uncensored(sales: DailySales) -> DailySales:
    """The same sales with days out of stock filled with expected demand, never with less than was sold."""
    if sales.is_out is None or not sales.is_out.any():
        return sales
    counts = _even_days(sales)
    units = sales.units.copy()
    for rows in in_chunks(np.flatnonzero(sales.is_out.any(axis=1))):
        units[rows] = _filled(sales.rows(rows), counts)
    return replace(sales, units=units)


def _even_days(sales: DailySales) -> Floats:
    """What each known day counts for: 1 for a day of the shop's mean, less on its quiet weekdays, 0 when closed."""
    is_open = open_days(sales.total, sales.first_on, 0, sales.country)
    weekday = weekdays(sales.first_on, sales.days)
    means = [sales.total[is_open & (weekday == day)] for day in range(WINDOW)]
    profile = np.array([values.mean() if len(values) else 0.0 for values in means])
    even = profile[profile > 0].mean() if profile.any() else 1.0
    return np.where(is_open, profile[weekday] / even, 0.0)


def _filled(sales: DailySales, counts: Floats) -> Floats:
    assert sales.is_out is not None
    known = ~sales.is_out & (np.arange(sales.days) >= sales.born[:, None])
    last_in = np.maximum.accumulate(np.where(sales.is_out, 0, np.arange(sales.days)), axis=1)
    is_filled = sales.is_out & (np.arange(sales.days) - last_in <= LONGEST)
    row, day = np.nonzero(is_filled & (np.arange(sales.days) > sales.born[:, None]))
    sold, seen = (
        np.pad(np.cumsum(part * known, axis=1, dtype=np.float64), ((0, 0), (1, 0))) for part in (sales.units, counts)
    )
    rate = np.zeros(len(row))
    for span in reversed(SPANS):
        start = np.maximum(day - span, 0)
        days = seen[row, day] - seen[row, start]
        rate = np.where(days >= ENOUGH, (sold[row, day] - sold[row, start]) / np.maximum(days, ENOUGH), rate)
    units = sales.units.copy()
    units[row, day] = np.maximum(units[row, day], rate * counts[day])
    return units
