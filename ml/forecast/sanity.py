"""The gate no forecast passes by being absurd: finite, not negative, at most three times what was ever sold."""

from __future__ import annotations

import numpy as np

from ml.errors import Implausible
from ml.frames import WINDOW
from ml.sales import Bools, DailySales, Floats, Ints, in_chunks

MOST = 3.0


def plausible_rows(sales: DailySales, rows: Ints, daily: Floats) -> Bools:
    """Which series' forecasts [len(rows), horizon] are finite and at most 3 x their own best week."""
    best = np.concatenate([np.zeros(0), *(best_week(sales.units[part]) for part in in_chunks(rows))])
    is_number = np.isfinite(daily).all(axis=1) & (daily >= 0).all(axis=1)
    return np.asarray(is_number & (most_per_week(daily) <= MOST * best + 1e-6))


def held(sales: DailySales, rows: Ints, daily: Floats) -> Floats:
    """The same forecasts, each series that scaling took above its limit brought down to it."""
    over = np.flatnonzero(~plausible_rows(sales, rows, daily))
    if len(over) == 0:
        return daily
    limit = MOST * best_week(sales.units[rows[over]])
    found = daily.copy()
    found[over] *= (limit / most_per_week(daily[over]))[:, None]
    return found


def check_total(total: Floats, daily: Floats) -> None:
    """Raise Implausible when the forecast of the total [horizon] is not finite or above 3 x its best week."""
    if not np.isfinite(daily).all() or (daily < 0).any():
        raise Implausible("the forecast of the shop's total is not a number")
    most, best = float(most_per_week(daily[None])[0]), float(best_week(total[None])[0])
    if most > MOST * best + 1e-6:
        raise Implausible(f"a week of {most:,.0f} units is forecast, more than three times the best ever ({best:,.0f})")


def best_week(units: Floats) -> Floats:
    """Most units of any seven days in a row, per row; with less than a week known, at the rate of what is known."""
    span = min(units.shape[1], WINDOW)
    sums = np.cumsum(units, axis=1, dtype=np.float64)
    sums[:, span:] -= sums[:, :-span].copy()
    return np.asarray(sums[:, span - 1 :].max(axis=1) * WINDOW / span)


def most_per_week(daily: Floats) -> Floats:
    """Highest forecast of a seven-day window, per row; a shorter horizon counts as what it is."""
    whole = daily.shape[1] // WINDOW * WINDOW
    if whole == 0:
        return np.asarray(daily.sum(axis=1))
    return np.asarray(daily[:, :whole].reshape(len(daily), -1, WINDOW).sum(axis=2).max(axis=1))
