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


def weekdays(first_on: date, days: int) -> Ints:
    """Weekday (Monday is 0) of each of `days` days from `first_on`."""
    return (np.arange(days) + first_on.weekday()) % 7


def open_days(total: Floats, first_on: date, horizon: int, country: str | None = None) -> Bools:
    """Whether the shop trades on each known day and on each of the `horizon` days after them.

    total: units sold by the whole shop per known day. A shop with a few orders a week has many empty days and no
    closures; a shop that sells every day and nothing on Saturdays is closed on Saturdays. With a country, holidays
    on which the shop has mostly been closed are closures ahead, too.
    """
    known = len(total)
    weekday = weekdays(first_on, known + horizon)
    sold = np.asarray(total > 0)
    is_closed = closed_weekdays(sold, weekday[:known])
    is_open = ~is_closed[weekday]
    selling = sold[is_open[:known]]
    if len(selling) >= LOOK_BACK and selling.mean() >= BUSY:
        is_open[:known] &= sold
    if country:
        is_open[known:] &= ~_holiday_closures(sold, first_on, horizon, country, ~is_closed[weekday])
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
    holiday = np.array([day in _holidays(country, day.year) for day in days_from(first_on, known + horizon)])
    past = holiday[:known] & trades[:known]
    keeps = past.sum() >= 2 and sold[past].mean() < 0.5
    return holiday[known:] & bool(keeps)


def days_from(first_on: date, days: int) -> list[date]:
    """`days` dates from `first_on` on."""
    return [first_on + timedelta(days=i) for i in range(days)]


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
