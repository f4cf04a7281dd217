"""The shop's total, and the scaling that makes products add up to it.

A total is far easier to forecast than its parts: the parts' errors cancel, and a gradient-boosted model that is right
about products falls short on a rising shop. The total is the mean of four plain views of it, which err differently:
last week again, a fast and a slow moving level on the weekday profile, and, with a year known, last year's shape.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from ml.calendars import open_days, weekdays
from ml.features import YEAR
from ml.frames import WINDOW
from ml.sales import Bools, Floats, Ints

PROFILE_WEEKS = 13
FAST, SLOW = 0.12, 0.06
MEMORY = 120
"""Open days that a moving level looks back; older ones weigh under a thousandth."""
RECORD = 13
MIN_RECORD = 28
"""Days that must be known before a forecast of the total counts for its record."""
MOST_SCALE = 3.0
"""Products are never scaled by more than this; if their sum is further off, it is the total that gives way."""


def total_days(total: Floats, first_on: date, horizon: int, country: str | None = None) -> Floats:
    """Expected units of the whole shop on each of the `horizon` days ahead, float64 [horizon]."""
    known = len(total)
    is_open = open_days(total, first_on, horizon, country)
    weekday = weekdays(first_on, known + horizon)
    if not total.any() or known < WINDOW:
        return np.where(is_open[known:], total.mean(), 0.0)
    views = _views(np.asarray(total, np.float64), weekday, is_open, horizon)
    return np.where(is_open[known:], np.mean(views, axis=0), 0.0)


def naive_days(total: Floats, first_on: date, horizon: int, country: str | None = None) -> Floats:
    """The last week of the shop again: the floor, in the shape of `total_days`."""
    if len(total) < WINDOW:
        return np.full(horizon, float(total.mean()))
    return np.asarray(total[-WINDOW:], np.float64)[np.arange(horizon) % WINDOW]


def track_record(
    total: Floats, first_on: date, horizon: int, country: str | None = None, *, is_naive: bool = False
) -> tuple[Floats, Floats]:
    """What would have been forecast for the shop at up to 13 past origins a week apart, and what came.

    Both are [origins, horizon], the newest origin first; no rows when the history is too short.
    """
    view = naive_days if is_naive else total_days
    last, first = len(total) - horizon, max(MIN_RECORD, WINDOW)
    origins = [last - WINDOW * k for k in range(RECORD) if last - WINDOW * k >= first]
    forecast = [view(total[:origin], first_on, horizon, country) for origin in origins]
    actual = [np.asarray(total[origin : origin + horizon], np.float64) for origin in origins]
    empty = np.zeros((0, horizon))
    return np.array(forecast) if origins else empty, np.array(actual) if origins else empty


def scaled(daily: Floats, total: Floats) -> Floats:
    """The products' days [n, horizon] scaled so that each day adds up to `total` [horizon], within a factor of 3."""
    summed = daily.sum(axis=0)
    factor = np.divide(total, summed, out=np.ones_like(summed), where=summed > 0)
    return np.asarray(daily * np.clip(factor, 1 / MOST_SCALE, MOST_SCALE))


def _views(total: Floats, weekday: Ints, is_open: Bools, horizon: int) -> list[Floats]:
    """The plain views of the total, each [horizon]."""
    known = len(total)
    ahead = weekday[known:]
    last_week = _weekday_means(total, weekday[:known], is_open[:known], 1)
    profile = _weekday_means(total, weekday[:known], is_open[:known], PROFILE_WEEKS)
    profile = profile / max(profile[profile > 0].mean(), 1e-9) if profile.any() else np.ones(WINDOW)
    counted = is_open[:known] & (profile[weekday[:known]] > 0)
    even = total[counted] / profile[weekday[:known][counted]]
    views = [last_week[ahead], *(_moving_level(even, rate) * profile[ahead] for rate in (FAST, SLOW))]
    if known >= YEAR + 56:
        views.append(_last_year(total, is_open, horizon) * profile[ahead])
    return views


def _weekday_means(total: Floats, weekday: Ints, is_open: Bools, weeks: int) -> Floats:
    """Mean of the last `weeks` open days of each weekday; 0 for a weekday never open."""
    lately = [total[(weekday == day) & is_open][-weeks:] for day in range(WINDOW)]
    return np.array([values.mean() if len(values) else 0.0 for values in lately])


def _moving_level(values: Floats, rate: float) -> float:
    """Exponentially weighted level of the newest values."""
    values = values[-MEMORY:]
    if len(values) == 0:
        return 0.0
    level = float(values[: max(len(values) // 4, 1)].mean())
    for value in values:
        level += rate * (float(value) - level)
    return level


def _last_year(total: Floats, is_open: Bools, horizon: int) -> Floats:
    """The level of each day ahead if the shop moves as it did a year ago: mean over a 28- and a 56-day base."""
    known = len(total)
    units = np.concatenate([[0.0], np.cumsum(total)])
    days = np.concatenate([[0], np.cumsum(is_open[:known])])

    def level(a: Ints | int, b: Ints | int) -> Floats:
        return np.asarray((units[b] - units[a]) / np.maximum(days[b] - days[a], 1))

    then = np.arange(known, known + horizon) - YEAR
    around = level(np.maximum(then - 7, 0), np.minimum(then + 8, known))
    ratios = [
        level(known - base, known) * around / np.maximum(level(max(known - YEAR - base, 0), known - YEAR), 1e-9)
        for base in (28, 56)
    ]
    return np.asarray(np.mean(ratios, axis=0))
