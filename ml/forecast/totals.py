"""Views of a shop's total: each says, from the days known, at what level the shop sells on every day ahead.

A total is far easier to forecast than its parts, because their errors cancel. What is hard is that most shops know one
year at best, so a season has been seen once, with all its accidents. The views differ in how far they trust it.

A *level* is units of an even day: without bulk orders, and divided by what the weekday counts for.
Settings were chosen on earlier origins of Online Retail II; see docs/models.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.calendars import festive_closures, open_days, weekdays
from ml.features import YEAR
from ml.forecast.bulk import ShopTotal
from ml.frames import WINDOW
from ml.sales import Bools, Floats, Ints

PROFILE_WEEKS = 13
RATE = 0.06
MEMORY = 120
"""Open days that a moving level looks back; older ones weigh little."""
GROWTH_BASE = 56
"""Days up to the origin that are held against the same days a year before."""
MIN_SEASON = 21
"""Days known beyond a year before anything is said about seasons."""
AROUND = 7
"""A year ago is a mean of this many days before and after: one year's single days are mostly chance."""
YEARLY_RATE, YEARLY_AROUND, YEARLY_BASE = 0.03, 5, 28
CHANCE = 0.2
"""How far (as a logarithm) a fortnight strays by chance: a season counts as far as it was larger than that."""
LEAST_SEEN = 0.5
"""Even days that a level around a day needs."""
BULK_DAYS = 91


@dataclass(frozen=True)
class EvenDays:
    """A shop's days, known and ahead, on one scale.

    usual: units without bulk orders per known day. counts: what each known day counts for, its weekday's share of an
    even day; 0 for a surprising closure, while a public holiday counts in full: it is a lull and no accident.
    traded: the same with 0 for every day the shop was closed. ahead: that for the days ahead.
    is_promo: the share of the shop that was on offer, per known day, or None.
    """

    usual: Floats
    counts: Floats
    traded: Floats
    ahead: Floats
    bulk: float
    first_on: date
    country: str | None = None
    promo: Floats | None = None

    @property
    def known(self) -> int:
        """How many days are known."""
        return len(self.usual)

    @property
    def horizon(self) -> int:
        """How many days ahead."""
        return len(self.ahead)

    @property
    def knows_seasons(self) -> bool:
        """Whether a year and a little more is known."""
        return self.known >= YEAR + MIN_SEASON

    def units(self, level: Floats) -> Floats:
        """Units of each day ahead at these levels, bulk orders at their usual share included."""
        return np.asarray(level * self.ahead * self.bulk)


def even_days(total: ShopTotal, horizon: int) -> EvenDays:
    """The days of a total that is at least a week old."""
    known = len(total.units)
    is_open = open_days(total.units, total.first_on, horizon, total.country)
    weekday = weekdays(total.first_on, known + horizon)
    expected = _profile(total.usual, weekday[:known], is_open[:known])[weekday]
    counted = is_open[:known] | festive_closures(total.units > 0, total.first_on, total.country)
    usual = total.usual[-BULK_DAYS:].sum()
    bulk = float(total.units[-BULK_DAYS:].sum() / usual) if usual > 0 else 1.0
    ahead = np.where(is_open[known:], expected[known:], 0.0)
    return EvenDays(
        usual=total.usual,
        counts=expected[:known] * counted,
        traded=expected[:known] * is_open[:known],
        ahead=ahead,
        bulk=bulk,
        first_on=total.first_on,
        country=total.country,
        promo=total.promo,
    )


def steady(days: EvenDays) -> Floats | None:
    """The newest level goes on."""
    return np.full(days.horizon, moving_level(days.usual, days.counts, RATE))


def echo(days: EvenDays) -> Floats | None:
    """What came a year ago, times how much more the last eight weeks sold than the same weeks then."""
    if not days.knows_seasons:
        return None
    known, mean = days.known, _means(days)
    then, base = np.arange(known, known + days.horizon) - YEAR, min(GROWTH_BASE, known - YEAR)
    around = mean(np.maximum(then - AROUND, 0), np.minimum(then + AROUND + 1, known))
    growth = mean(known - base, known) / np.maximum(mean(known - YEAR - base, known - YEAR), 1e-9)
    return np.asarray(growth * around)


def yearly(days: EvenDays) -> Floats | None:
    """The level without its season goes on, and the season of a year ago returns as far as it was no chance.

    A change of g (as a logarithm) a year ago is believed by g² / (g² + chance²): small ones are mostly noise, a
    Christmas is not. The same curve takes the season out of the known days, so that the level can move slowly.
    """
    if not days.knows_seasons or not days.usual[days.traded > 0].any():
        return None
    known = days.known
    change = np.log(_around(days.usual, days.traded))[: known + days.horizon - YEAR]
    change = np.pad(change, (0, known + days.horizon - YEAR - len(change)), mode="edge")
    change -= np.median(change[max(known - YEAR - YEARLY_BASE, 0) : known - YEAR])
    season = np.exp(change**3 / (change**2 + CHANCE**2))
    since = max(known - MEMORY * WINDOW // 6, YEAR)
    counts = days.counts[since:] * season[since - YEAR : known - YEAR]
    return np.asarray(moving_level(days.usual[since:], counts, YEARLY_RATE) * season[known - YEAR :])


def blend(days: EvenDays) -> Floats | None:
    """The mean of the others: they err differently."""
    said = [levels for view in (steady, echo, yearly) if (levels := view(days)) is not None]
    return np.asarray(np.mean(said, axis=0)) if len(said) == 3 else None


VIEWS: Mapping[str, Callable[[EvenDays], Floats | None]] = {
    "steady": steady,
    "echo": echo,
    "yearly": yearly,
    "blend": blend,
}
"""Views that need nothing but the days; None from one that has too few of them."""


def moving_level(usual: Floats, counts: Floats, rate: float) -> float:
    """Exponentially weighted level of the newest days that count for something."""
    counted = counts > 0
    values = (usual[counted] / counts[counted])[-MEMORY:]
    if len(values) == 0:
        return 0.0
    level = float(values[: max(len(values) // 4, 1)].mean())
    for value in values:
        level += rate * (float(value) - level)
    return level


def _means(days: EvenDays) -> Callable[[Ints | int, Ints | int], Floats]:
    """The mean level from day a up to before day b."""
    units, counts = (np.concatenate([[0.0], np.cumsum(values)]) for values in (days.usual, days.counts))
    return lambda a, b: np.asarray((units[b] - units[a]) / np.maximum(counts[b] - counts[a], 1e-9))


def _around(usual: Floats, traded: Floats) -> Floats:
    """The level around each day, from the trading days next to it; in a longer closure, on the line across it."""
    units, counts = (np.pad(np.cumsum(values), (1, 0)) for values in (usual, traded))
    day = np.arange(len(usual))
    first, behind = np.maximum(day - YEARLY_AROUND, 0), np.minimum(day + YEARLY_AROUND + 1, len(usual))
    sold, seen = units[behind] - units[first], counts[behind] - counts[first]
    is_told = (seen > LEAST_SEEN) & (sold > 0)
    return np.asarray(np.interp(day, day[is_told], sold[is_told] / seen[is_told]))


def _profile(units: Floats, weekday: Ints, is_open: Bools) -> Floats:
    """What each weekday sells relative to the others, from the last 13 open ones; 0 for a weekday never open."""
    lately = [units[(weekday == day) & is_open][-PROFILE_WEEKS:] for day in range(WINDOW)]
    means = np.array([values.mean() if len(values) else 0.0 for values in lately])
    return means / means[means > 0].mean() if means.any() else np.ones(WINDOW)
