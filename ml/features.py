"""What the global model looks at: one row per series, origin and week ahead, all from cumulative sums.

A row is named by (i, t, w): series number, number of known days, week ahead (0 is the first). Nothing of day `t` or
later enters a row, except the calendar. Levels are units per open day, so that a closure is no drop in demand.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

import numpy as np

from ml.frames import WINDOW
from ml.sales import Bools, DailySales, Floats, Ints

SPANS = (7, 14, 28, 56, 91, 182, 364)
YEAR = 364
"""52 weeks: the same weekdays a year ago."""
FORGOTTEN = 365
ROWS = 500
"""Series summed up at once."""


class SalesFeatures:
    """Feature rows of some series of one shop, whose total per known day is `total`.

    is_open covers the known days and the weeks ahead that will be asked for.
    """

    def __init__(self, sales: DailySales, is_open: Bools, total: Floats) -> None:
        self.sales = sales
        self.born = sales.born
        self.units = _running(sales.units)
        self.promo = None if sales.is_promo is None else _running(_with_plan(sales.is_promo, sales.promo_ahead))
        self.shop = np.concatenate([[0.0], np.cumsum(total)])
        self.open = np.concatenate([[0.0], np.cumsum(is_open)])
        day = np.where(sales.units > 0, np.arange(sales.days, dtype=np.int16), np.int16(-1))
        self.last_sale = np.maximum.accumulate(day, axis=1)

    def target(self, i: Ints, t: Ints, w: Ints) -> tuple[Floats, Floats]:
        """What is to be forecast, units per open day of the week, and how many open days that week has."""
        a = t + WINDOW * w
        days = self.open[a + WINDOW] - self.open[a]
        return (self.units[i, a + WINDOW] - self.units[i, a]) / np.maximum(days, 1), days

    def level(self, i: Ints, t: Ints) -> Floats:
        """Units per open day lately, never zero: the last 28 days weigh three times the 63 before them."""
        near, far = self._known(i, t, 28), self._known(i, t, 91)
        units = self.units[i, t] - self.units[i, near] + 0.5 * (self.units[i, t] - self.units[i, far])
        days = self.open[t] - self.open[near] + 0.5 * (self.open[t] - self.open[far])
        return np.asarray((units + 0.1) / (days + 3))

    def rows(self, i: Ints, t: Ints, w: Ints) -> Floats:
        """Feature rows, float32 [len(i), features]; NaN where a series is too young to know."""
        level = self.level(i, t)
        columns = [*self._recent(i, t, level), *self._rhythm(i, t, level), *self._price(i, t), *self._promo(i, t, w)]
        columns += [*self._last_year(i, t, w, level), *self._calendar(t, w)]
        return np.stack([np.asarray(column, np.float32) for column in columns], axis=1)

    @property
    def families(self) -> tuple[str, ...]:
        """What each feature of a row tells about: its part in an explanation (`ml.explain.PARTS`)."""
        price = 0 if self.sales.revenue is None else 2
        promo = 0 if self.promo is None else 3 if self.sales.promo_ahead is None else 4
        counts = (("trend", 17), ("price", price), ("promotion", promo), ("season", 3), ("trend", 2), ("season", 3))
        return tuple(family for family, count in counts for _ in range(count))

    def _known(self, i: Ints, t: Ints, span: int) -> Ints:
        """Where a span of days ending at `t` begins, no earlier than the series itself."""
        return np.maximum(np.maximum(t - span, 0), np.minimum(self.born[i], t))

    def _mean(self, i: Ints, a: Ints, b: Ints) -> Floats:
        """Units per open day from day a up to (not including) b, counted from the first sale on."""
        a = np.maximum(np.maximum(a, 0), np.minimum(self.born[i], b))
        return np.asarray((self.units[i, b] - self.units[i, a]) / np.maximum(self.open[b] - self.open[a], 1))

    def _shop_mean(self, a: Ints, b: Ints) -> Floats:
        a = np.maximum(a, 0)
        return np.asarray((self.shop[b] - self.shop[a]) / np.maximum(self.open[b] - self.open[a], 1))

    def _recent(self, i: Ints, t: Ints, level: Floats) -> list[Floats]:
        """Mean levels over growing spans and single past weeks, relative to the level, and the level itself."""
        spans = [self._mean(i, t - span, t) / level for span in SPANS]
        weeks = [self._mean(i, t - WINDOW * (k + 1), t - WINDOW * k) / level for k in (1, 2, 3)]
        return [np.log(level), *spans, *weeks]

    def _rhythm(self, i: Ints, t: Ints, level: Floats) -> list[Floats]:
        """How regularly it sells: share of selling days, spread, size of a selling day, days since, age."""
        ago = [np.maximum(t - span, 0) for span in (28, 91, 182)]
        counts = [self.selling[i, t] - self.selling[i, a] for a in ago]
        share = [n / np.maximum(self.open[t] - self.open[a], 1) for n, a in zip(counts[:2], ago[:2], strict=True)]
        mean = (self.units[i, t] - self.units[i, ago[1]]) / 91
        square = (self.squares[i, t] - self.squares[i, ago[1]]) / 91
        spread = np.sqrt(np.maximum(square - mean**2, 0)) / level
        size = (self.units[i, t] - self.units[i, ago[2]]) / np.maximum(counts[2], 1)
        since = np.minimum(t - 1 - self.last_sale[i, t - 1], FORGOTTEN)
        return [*share, spread, size, since, np.minimum(t - self.born[i], 2 * FORGOTTEN)]

    def _price(self, i: Ints, t: Ints) -> list[Floats]:
        """Mean price of the last 182 days, and that of the last 28 relative to it; NaN without sales or prices."""
        if self.sales.revenue is None:
            return []
        near, far = np.maximum(t - 28, 0), np.maximum(t - 182, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            usual = (self.revenue[i, t] - self.revenue[i, far]) / (self.units[i, t] - self.units[i, far])
            lately = (self.revenue[i, t] - self.revenue[i, near]) / (self.units[i, t] - self.units[i, near])
            return [np.where(np.isfinite(x), x, np.nan) for x in (np.log1p(usual), lately / usual)]

    def _promo(self, i: Ints, t: Ints, w: Ints) -> list[Floats]:
        """Share of the last 7, 28 and 91 days on promotion: a level that was bought is not one that stays.

        Where promotions are planned, also the share of the week ahead: the only thing of it that is known by then.
        """
        if self.promo is None:
            return []
        ago = [np.maximum(t - span, 0) for span in (7, 28, 91)]
        past: list[Floats] = [(self.promo[i, t] - self.promo[i, a]) / np.maximum(t - a, 1) for a in ago]
        if self.sales.promo_ahead is None:
            return past
        start = t + WINDOW * w
        return [*past, (self.promo[i, start + WINDOW] - self.promo[i, start]) / WINDOW]

    @cached_property
    def revenue(self) -> Floats:
        """Revenue up to each day."""
        assert self.sales.revenue is not None
        return _running(self.sales.revenue)

    @cached_property
    def squares(self) -> Floats:
        """Sums of squared units up to each day."""
        return _running(self.sales.units, power=2)

    @cached_property
    def selling(self) -> Ints:
        """Days with a sale up to each day."""
        return np.pad(np.cumsum(self.sales.units > 0, axis=1, dtype=np.int16), ((0, 0), (1, 0)))

    def _last_year(self, i: Ints, t: Ints, w: Ints, level: Floats) -> list[Floats]:
        """The fortnight around the same week a year ago: the series against its level now and its level then, and
        the whole shop against its level then."""
        a, b = t + WINDOW * w - YEAR, np.maximum(t - YEAR, 1)
        start, end = np.maximum(a - 3, 0), np.maximum(a + 11, 1)
        then = self._mean(i, start, end)
        before = self._mean(i, np.maximum(b - 56, 0), b)
        shop = self._shop_mean(start, end) / np.maximum(self._shop_mean(b - 56, b), 1e-9)
        knows = a - 28 >= self.born[i]
        ratio = np.minimum((then + 0.05) / (before + 0.05), 20)
        return [np.where(knows, then / level, np.nan), np.where(knows, ratio, np.nan), np.where(a >= 28, shop, np.nan)]

    def _calendar(self, t: Ints, w: Ints) -> list[Floats]:
        """The shop's trend, week of the year, days to Christmas, week ahead."""
        week, month = self._shop_mean(t - 7, t), self._shop_mean(t - 28, t)
        trend = [week / np.maximum(month, 1e-9), month / np.maximum(self._shop_mean(t - 91, t), 1e-9)]
        middle = t + WINDOW * w + 3
        return [*trend, self._weeks[middle], self._to_christmas[middle], w.astype(np.float64)]

    @cached_property
    def _dates(self) -> list[tuple[int, int]]:
        """(week of the year, days to Christmas) of every known day and those ahead."""
        days = [self.sales.first_on + timedelta(days=k) for k in range(len(self.open))]
        return [(d.isocalendar().week, (d.replace(month=12, day=25) - d).days) for d in days]

    @cached_property
    def _weeks(self) -> Floats:
        return np.array([week for week, _ in self._dates], dtype=np.float64)

    @cached_property
    def _to_christmas(self) -> Floats:
        return np.clip(np.array([days for _, days in self._dates], dtype=np.float64), -7, 90)


def _with_plan(known: Bools, ahead: Bools | None) -> Bools:
    return known if ahead is None else np.concatenate([known, ahead], axis=1)


def recent_level(units: Floats, born: Ints, is_open: Bools) -> Floats:
    """What `SalesFeatures.level` is after the last known day, without its sums over all days before; float64 [series].

    is_open: the known days, or more.
    """
    t = units.shape[1]
    opened = np.concatenate([[0], np.cumsum(is_open[:t])])
    near, far = (np.maximum(max(t - span, 0), np.minimum(born, t)) for span in (28, 91))
    sold = units[:, -28:].sum(axis=1, dtype=np.float64) + 0.5 * units[:, -91:].sum(axis=1, dtype=np.float64)
    return np.asarray((sold + 0.1) / (opened[t] - opened[near] + 0.5 * (opened[t] - opened[far]) + 3))


def _running(values: Floats | Bools, power: int = 1) -> Floats:
    """Sums up to each day: column t holds the sum of the first t days' values, or of their powers."""
    out = np.zeros((values.shape[0], values.shape[1] + 1))
    for first in range(0, len(out), ROWS):
        part = values[first : first + ROWS].astype(np.float64) ** power
        np.cumsum(part, axis=1, out=out[first : first + ROWS, 1:])
    return out
