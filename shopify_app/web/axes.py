"""Scales and ticks of our charts: round numbers on the left, days, weeks or months below."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Frame:
    """The drawing area inside a picture, in its own units, and what it shows."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    first: date
    last: date
    low: float
    high: float

    def x(self, day: date, part: float = 0.0) -> float:
        """Where a day is; `part` moves within it (0.5 is halfway to the next)."""
        span = max((self.last - self.first).days, 1)
        return self.left + ((day - self.first).days + part) / span * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Where a value is; values outside are drawn at the edge."""
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from at most `low` to at least `high`: at most `most` steps of 1, 2, 2.5 or 5 times 10ⁿ."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if _steps(low, high, factor * power) <= most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def _steps(low: float, high: float, step: float) -> int:
    return math.ceil(high / step - 1e-9) - math.floor(low / step + 1e-9)


def day_ticks(first: date, last: date, room: int) -> list[tuple[date, str]]:
    """At most `room` labelled days: every day, Mondays, or the first of months, whatever fits."""
    span = (last - first).days + 1
    days = [first + timedelta(days=n) for n in range(span)]
    for step in (1, 2):
        if span <= room * step:
            return [(day, day_label(day)) for day in days[::step]]
    mondays = [day for day in days if day.weekday() == 0]
    for step in (1, 2, 4):
        if len(mondays) <= room * step:
            return [(day, day_label(day)) for day in mondays[::step]]
    starts = [day for day in days if day.day == 1]
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 240) if len(starts) <= room * step)
    return [(day, _month_label(day, first)) for day in starts if (12 * day.year + day.month - 1) % step == 0]


def day_label(day: date) -> str:
    """A day as people write it in a calendar: 7 Nov."""
    return f"{day.day} {MONTHS[day.month - 1]}"


def short(value: float) -> str:
    """A tick's figure: 1,200 or 0.5, never 1200.0."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")


def columns(values: Sequence[float | None], limit: int = 450) -> list[int]:
    """Which positions to draw so that at most `limit` columns keep their lowest and highest value."""
    if len(values) <= limit:
        return list(range(len(values)))
    kept: set[int] = {0, len(values) - 1}
    for column in range(limit):
        start, stop = column * len(values) // limit, (column + 1) * len(values) // limit
        known = [n for n in range(start, stop) if values[n] is not None]
        if known:
            kept |= {min(known, key=lambda n: values[n] or 0.0), max(known, key=lambda n: values[n] or 0.0)}
    return sorted(kept)


def _month_label(day: date, first: date) -> str:
    is_new_year = day.month == 1 or (day - first).days < 31
    return f"{MONTHS[day.month - 1]} {day.year}" if is_new_year else MONTHS[day.month - 1]
