"""When people buy: weekday, time of year, gift season, growth, and the ordinary restlessness of a shop."""

import math
from datetime import date, timedelta

import numpy as np

from devstore.sales.arrays import Floats
from devstore.sales.assortment import DEPARTMENTS
from devstore.sales.chance import Purpose, stream

WEEKDAY = (1.12, 1.02, 0.97, 0.98, 0.93, 0.86, 1.12)
"""Monday to Sunday; people buy from the sofa on Sunday and at the desk on Monday."""
HOUR_REACH = np.cumsum([2, 3, 5, 7, 8, 8, 8, 7, 6, 6, 6, 7, 8, 9, 8, 5, 3, 1])
"""Orders in each hour from six in the morning, cumulated; none at night, so no clock change is ever hit."""
OPENS = 6 * 3600
WEEK_SHAPE = 9.0
"""Gamma shape of a product's luck in a week: a coefficient of variation of a third."""
DAY_SHAPE = 60.0

_PEAKS = np.array([entry.peak_day for entry in DEPARTMENTS])
_SWINGS = np.array([entry.swing for entry in DEPARTMENTS])


def departments_on(on: date) -> Floats:
    """Yearly wave of each department, around one."""
    phase = 2 * np.pi * (on.timetuple().tm_yday - _PEAKS) / 365.25
    return np.asarray(1 + _SWINGS * np.cos(phase), dtype=np.float64)


def shop_on(on: date, opened: date) -> float:
    """How busy the whole shop is on that day against its average, without promotions."""
    return WEEKDAY[on.weekday()] * _time_of_year(on) * _black_friday(on) * _growth(on, opened)


def luck_of_week(seed: int, on: date, products: int) -> Floats:
    """A multiplier per product that lasts from Monday to Sunday: a mention in a magazine, a wet week."""
    week = on.toordinal() // 7
    return stream(seed, Purpose.WEEK, week).gamma(WEEK_SHAPE, 1 / WEEK_SHAPE, products)


def seconds_of_day(rng: np.random.Generator, orders: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Times of that many orders in seconds since midnight, ascending."""
    hours = np.searchsorted(HOUR_REACH, rng.random(orders) * HOUR_REACH[-1], side="right")
    return np.sort(OPENS + hours * 3600 + rng.integers(0, 3600, orders))


def _time_of_year(on: date) -> float:
    """Gift season peaks around the last of November, January is quiet, early summer lively."""
    if (on.month, on.day) == (12, 25):
        return 0.35
    return 0.87 + 0.88 * _bump(on, 11, 30, 15) + 0.14 * _bump(on, 6, 12, 28) - 0.12 * _bump(on, 1, 22, 18)


def _bump(on: date, month: int, day: int, width: float) -> float:
    gaps = (
        abs((on - date(year, month, day)).days) for year in (on.year - 1, on.year, on.year + 1) if 1 <= year <= 9999
    )
    return math.exp(-0.5 * (min(gaps) / width) ** 2)


def _black_friday(on: date) -> float:
    """The four days from Black Friday to Cyber Monday."""
    first = date(on.year, 11, 1)
    friday = first + timedelta(days=(3 - first.weekday()) % 7 + 22)
    return 1.7 if 0 <= (on - friday).days <= 3 else 1.0


def _growth(on: date, opened: date) -> float:
    """A few per cent a year, levelling off: a demo that runs for years must not drown."""
    years = (on - opened).days / 365.25
    return 1.13 + 0.12 * math.tanh(years / 2.5)
