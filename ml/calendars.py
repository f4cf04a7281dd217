"""The shop's trading calendar: which days it was open, and which of the coming days it will be."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np

from ml.errors import BadData
from ml.sales import Bools, Floats, Ints

LOOK_BACK = 8
"""A weekday counts as never open after this many of it in a row without a sale …"""
SURE = 0.01
"""… provided that chance alone would do that less often than this."""
BUSY = 0.95
"""On a shop that sells on at least this share of its open days, a day without any sale was a closure."""
LONG = 4
"""Closed for this many trading days in a row around a public holiday, a shop is expected to do so again next year."""


def weekdays(first_on: date, days: int) -> Ints:
    """Weekday (Monday is 0) of each of `days` days from `first_on`."""
    return (np.arange(days) + first_on.weekday()) % 7


def open_days(total: Floats, first_on: date, horizon: int, country: str | None = None) -> Bools:
    """Whether the shop trades on each known day and on each of the `horizon` days after them.

    total: units sold by the whole shop per known day. A shop with a few orders a week has many empty days and no
    closures; a shop that sells every day and nothing on Saturdays is closed on Saturdays. With a country, holidays
    on which the shop has mostly been closed are closures ahead, too, and so are last year's long closures around one.
    """
    known = len(total)
    weekday = weekdays(first_on, known + horizon)
    sold = np.asarray(total > 0)
    is_closed = closed_weekdays(sold, weekday[:known])
    trades = ~is_closed[weekday]
    is_open = trades.copy()
    away = _long_runs(sold, trades[:known])
    selling = sold[trades[:known] & ~away]
    is_busy = len(selling) >= LOOK_BACK and selling.mean() >= BUSY
    if is_busy:
        is_open[:known] &= sold
    if country:
        is_open[known:] &= ~_holiday_closures(sold, first_on, horizon, country, trades)
    if country and is_busy and away.any():
        is_open[known:] &= ~_returning(away & festive_closures(sold, first_on, country), first_on, horizon)
    return is_open


def closed_weekdays(sold: Bools, weekday: Ints) -> Bools:
    """For Monday to Sunday: whether the shop never trades on it.

    sold: whether each known day saw a sale. The busiest weekday says how unlikely an empty day is by chance.
    """
    lately = [sold[weekday == day][-LOOK_BACK:] for day in range(7)]
    busiest = max((days.sum() + 1) / (len(days) + 2) for days in lately)
    return np.array([len(days) > 0 and not days.any() and (1 - busiest) ** len(days) < SURE for days in lately])


def _holiday_closures(sold: Bools, first_on: date, horizon: int, country: str, trades: Bools) -> Bools:
    """Which of the coming days are holidays of a shop that mostly closed on its holidays so far."""
    known = len(sold)
    holiday = public_holidays(country, first_on, known + horizon)
    past = holiday[:known] & trades[:known]
    keeps = past.sum() >= 2 and sold[past].mean() < 0.5
    return holiday[known:] & bool(keeps)


def festive_closures(sold: Bools, first_on: date, country: str | None) -> Bools:
    """Which known days lie in a run without a sale that held a public holiday; none without a country."""
    inside = np.zeros(len(sold), dtype=bool)
    if country is None:
        return inside
    days = days_from(first_on, len(sold))
    for start, end in _runs(~sold):
        inside[start:end] = any(day in _holidays(country, day.year) for day in days[start:end])
    return inside


def _long_runs(sold: Bools, trades: Bools) -> Bools:
    """Which known days lie in a run without a sale of at least `LONG` trading days that has ended by now."""
    inside = np.zeros(len(sold), dtype=bool)
    for start, end in _runs(~sold):
        inside[start:end] = end < len(sold) and trades[start:end].sum() >= LONG
    return inside


def _runs(values: Bools) -> list[tuple[int, int]]:
    """First and behind-last position of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], values, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _returning(away: Bools, first_on: date, horizon: int) -> Bools:
    """Which of the coming days the shop was away a year before."""
    days = days_from(first_on, len(away) + horizon)
    gone = {days[k] for k in np.flatnonzero(away)}
    return np.array([_year_before(day) in gone for day in days[len(away) :]], dtype=bool)


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def days_from(first_on: date, days: int) -> list[date]:
    """`days` dates from `first_on` on."""
    return [first_on + timedelta(days=i) for i in range(days)]


def public_holidays(country: str, first_on: date, days: int) -> Bools:
    """Which of `days` days from `first_on` are public holidays."""
    return np.array([day in _holidays(country, day.year) for day in days_from(first_on, days)], dtype=bool)


def is_known(country: str) -> bool:
    """Whether the holidays of this country (ISO 3166 code) are known."""
    import holidays

    try:
        holidays.country_holidays(country.upper())
    except NotImplementedError:
        return False
    return True


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    """Public holidays of a country; those of England for GB."""
    import holidays

    code = country.upper()
    if not is_known(code):
        raise BadData(f"calendar: unknown country {country!r}; use an ISO 3166 code such as GB")
    return frozenset(holidays.country_holidays(code, subdiv="ENG" if code == "GB" else None, years=year))
