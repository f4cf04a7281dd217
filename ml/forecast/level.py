"""The shop's total, and the scaling that makes products add up to it.

A total is far easier to forecast than its parts: the parts' errors cancel, and a gradient-boosted model that is right
about products falls short on a rising shop. The total without bulk orders is the mean of two plain views of it, which
err differently: a slowly moving level, and, with a year known, what the shop did next a year ago. Half a belief in one
year's season is what a year of it is worth: more or less did worse. Bulk orders come back as their recent share.

Settings were chosen on weekly origins from December 2010 to July 2011 of Online Retail II; see docs/models.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.calendars import festive_closures, open_days, weekdays
from ml.features import YEAR
from ml.forecast.bulk import ShopTotal, shop_total
from ml.frames import WINDOW
from ml.sales import Bools, DailySales, Floats, Ints

PROFILE_WEEKS = 13
RATE = 0.06
MEMORY = 120
"""Open days that the moving level looks back; older ones weigh under a thousandth."""
SEASON_BASE = 56
"""Days up to the origin that are held against the same days a year before."""
MIN_SEASON_BASE = 21
AROUND = 7
"""A year ago is a mean of this many days before and after: one year's single days are mostly chance."""
BULK_DAYS = 91
RECORD = 13
MIN_RECORD = 28
"""Days that must be known before a forecast of the total counts for its record."""
MOST_SCALE = 3.0
"""Products are never scaled by more than this; if their sum is further off, it is the total that gives way."""


@dataclass(frozen=True)
class Outlook:
    """Units of the whole shop: history per known day, and what is expected on each day ahead."""

    history: Floats
    ahead: Floats


def outlook(shop: DailySales, horizon: int) -> Outlook:
    """The outlook of the total of these series."""
    return Outlook(shop.total, total_days(shop_total(shop), horizon))


def total_days(total: ShopTotal, horizon: int) -> Floats:
    """Expected units of the whole shop on each of the `horizon` days ahead, float64 [horizon]."""
    known = len(total.units)
    is_open = open_days(total.units, total.first_on, horizon, total.country)
    if not total.units.any() or known < WINDOW:
        return np.where(is_open[known:], total.units.mean(), 0.0)
    weekday = weekdays(total.first_on, known + horizon)
    expected = _profile(total.usual, weekday[:known], is_open[:known])[weekday]
    # A public holiday is a lull and no accident: it counts as a day that was open and sold nothing.
    counted = is_open[:known] | festive_closures(total.units > 0, total.first_on, total.country)
    views = [np.full(horizon, _level(total.usual, expected[:known] * counted))]
    if known >= YEAR + MIN_SEASON_BASE:
        views.append(_like_last_year(total.usual, expected[:known] * counted, horizon))
    daily = np.mean(views, axis=0) * expected[known:] * _bulk_factor(total)
    return np.where(is_open[known:], daily, 0.0)


def naive_days(total: ShopTotal, horizon: int) -> Floats:
    """The last week of the shop again: the floor, in the shape of `total_days`."""
    if len(total.units) < WINDOW:
        return np.full(horizon, float(total.units.mean()))
    return np.asarray(total.units[-WINDOW:], np.float64)[np.arange(horizon) % WINDOW]


def track_record(sales: DailySales, horizon: int, *, is_naive: bool = False) -> tuple[Floats, Floats]:
    """What would have been forecast for the shop at up to 13 past origins a week apart, and what came.

    Both are [origins, horizon], the newest origin first; no rows when the history is too short. What counts as a
    bulk order is judged by what was known at the oldest of the origins.
    """
    view = naive_days if is_naive else total_days
    last, first = sales.days - horizon, max(MIN_RECORD, WINDOW)
    origins = [last - WINDOW * k for k in range(RECORD) if last - WINDOW * k >= first]
    if not origins:
        return np.zeros((0, horizon)), np.zeros((0, horizon))
    total = shop_total(sales, origins[-1])
    forecast = [view(total.until(origin), horizon) for origin in origins]
    return np.array(forecast), np.array([total.units[origin : origin + horizon] for origin in origins])


def scaled(daily: Floats, total: Floats) -> Floats:
    """The products' days [n, horizon] scaled so that each day adds up to `total` [horizon], within a factor of 3."""
    summed = daily.sum(axis=0)
    factor = np.divide(total, summed, out=np.ones_like(summed), where=summed > 0)
    return np.asarray(daily * np.clip(factor, 1 / MOST_SCALE, MOST_SCALE))


def _profile(units: Floats, weekday: Ints, is_open: Bools) -> Floats:
    """What each weekday sells relative to the others, from the last 13 open ones; 0 for a weekday never open."""
    lately = [units[(weekday == day) & is_open][-PROFILE_WEEKS:] for day in range(WINDOW)]
    means = np.array([values.mean() if len(values) else 0.0 for values in lately])
    return means / means[means > 0].mean() if means.any() else np.ones(WINDOW)


def _level(usual: Floats, expected: Floats) -> float:
    """Exponentially weighted level of the newest days.

    expected: what each day counts for: its weekday's share of an even day, 0 for days that are left out.
    """
    counted = expected > 0
    values = (usual[counted] / expected[counted])[-MEMORY:]
    if len(values) == 0:
        return 0.0
    level = float(values[: max(len(values) // 4, 1)].mean())
    for value in values:
        level += RATE * (float(value) - level)
    return level


def _like_last_year(usual: Floats, expected: Floats, horizon: int) -> Floats:
    """The level of each day ahead if the shop moves as it did a year ago."""
    known = len(usual)
    units, days = (np.concatenate([[0.0], np.cumsum(values)]) for values in (usual, expected))

    def level(a: Ints | int, b: Ints | int) -> Floats:
        return np.asarray((units[b] - units[a]) / np.maximum(days[b] - days[a], 1e-9))

    then, base = np.arange(known, known + horizon) - YEAR, min(SEASON_BASE, known - YEAR)
    around = level(np.maximum(then - AROUND, 0), np.minimum(then + AROUND + 1, known))
    growth = level(known - base, known) / np.maximum(level(known - YEAR - base, known - YEAR), 1e-9)
    return np.asarray(growth * around)


def _bulk_factor(total: ShopTotal) -> float:
    """All units of the last 91 days over the usual ones."""
    usual = total.usual[-BULK_DAYS:].sum()
    return float(total.units[-BULK_DAYS:].sum() / usual) if usual > 0 else 1.0
