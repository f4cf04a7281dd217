"""What external signals do to a shop, and whether they are worth listening to.

A signal moves the whole shop by a factor: the log of a day's units, less its weekday and what the weeks around it are
like, is a straight line in the signal, less the same of it. Its effect is taken out of the past before anybody learns
from it and put onto the days ahead, so every member, the total and all bands go along without knowing.

Whether a signal is used is decided on past weeks: the total of the next seven days, forecast with it and without it
from weekly origins, each knowing only what came before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml.calendars import open_days, weekdays
from ml.compare import Verdict, better
from ml.forecast import level
from ml.forecast.bulk import ShopTotal, shop_total
from ml.frames import HORIZON, WINDOW
from ml.sales import DailySales, Floats
from ml.signals import Signals

AROUND = 14
"""Open days before and after that tell what a day would be like."""
ORIGINS, FEWEST_ORIGINS = 26, 8
LEARNING = 84
"""Days that must be known before an effect is learned."""
KNOWN = 0.9
"""Share of the last half year's days that a signal must be known on."""
LOOK_BACK = 182
SHY = 10.0
"""Open days' worth of doubt: with as many days a steady effect counts half."""
MOST_FACTOR = 3.0
SURE = 0.01
OUTLIER = 3.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Effects:
    """Per signal: log of the factor per unit, the value that counts as usual, and the least and most ever seen."""

    names: tuple[str, ...]
    slopes: tuple[float, ...]
    usual: tuple[float, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]

    def factors(self, signals: Signals | None, sales_first_on: Any, days: int) -> Floats:
        """By how much each day is moved, float64 [days]; 1 where nothing is known. Never beyond what was seen."""
        known = signals.only(self.names) if signals is not None else None
        logs = np.zeros(days)
        if known is None:
            return np.ones(days)
        for name, values in zip(known.names, known.on(sales_first_on, days), strict=True):
            k = self.names.index(name)
            seen = np.clip(values, self.least[k], self.most[k])
            logs += np.where(np.isnan(seen), 0.0, self.slopes[k] * (seen - self.usual[k]))
        return np.clip(np.exp(logs), 1 / MOST_FACTOR, MOST_FACTOR)

    def as_dict(self) -> dict[str, list[Any]]:
        """Plain values, for a bundle."""
        return {name: list(getattr(self, name)) for name in _FIELDS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Effects:
        """The effects that `as_dict` gave."""
        return cls(*(tuple(values.get(name, ())) for name in _FIELDS))


_FIELDS = ("names", "slopes", "usual", "least", "most")
NONE = Effects((), (), (), (), ())


def chosen(sales: DailySales, say: Say) -> tuple[DailySales, dict[str, Any] | None]:
    """The sales with only those signals that make forecasts surely better, and what became of each, for the bundle."""
    if sales.signals is None:
        return sales, None
    total, told = shop_total(sales), {}
    tried = {name: _try(total, sales, name) for name in sales.signals.names}
    used = [name for name, (is_used, _) in tried.items() if is_used]
    kept = replace(sales, signals=sales.signals.only(used))
    effects = learned(kept)
    for name, (is_used, why) in tried.items():
        slope = effects.slopes[effects.names.index(name)] if is_used else None
        told[name] = {"used": is_used, "because": why, **({"log_per_unit": slope} if is_used else {})}
        say(f"signal {name} is {'used' if is_used else 'held back'}: {why}")
    return kept, {"sha256": sales.signals.sha256, "signals": told}


def learned(sales: DailySales) -> Effects:
    """The effects of these sales' signals, all of them together."""
    return NONE if sales.signals is None else _learned(shop_total(sales), sales.signals)


def removed(sales: DailySales, effects: Effects, horizon: int = HORIZON) -> DailySales:
    """The sales as they would have been on usual days, with what to put onto the days ahead (`lift`)."""
    if not effects.names:
        return sales
    factors = effects.factors(sales.signals, sales.first_on, sales.days + horizon)
    past = factors[: sales.days].astype(np.float32)
    revenue = None if sales.revenue is None else sales.revenue / past
    return replace(sales, units=sales.units / past, revenue=revenue, lift=factors[sales.days :])


def _try(total: ShopTotal, sales: DailySales, name: str) -> tuple[bool, str]:
    """Whether a signal is used, and why."""
    assert sales.signals is not None
    signal = sales.signals.only([name])
    assert signal is not None
    known = len(total.units)
    origins = [known - WINDOW * k for k in range(1, ORIGINS + 1) if known - WINDOW * k >= LEARNING]
    if len(origins) < FEWEST_ORIGINS:
        return False, f"{known} days of history, {LEARNING + WINDOW * FEWEST_ORIGINS} are needed to judge it"
    values = signal.on(sales.first_on, known + HORIZON)[0]
    missing = np.flatnonzero(np.isnan(values[known:]))
    if len(missing):
        first = np.datetime64(sales.origin_on) + 1 + missing[0]
        return False, f"no value for {first}; all {HORIZON} days ahead are needed"
    lately = values[max(known - LOOK_BACK, 0) : known]
    if np.isfinite(lately).mean() < KNOWN:
        return (
            False,
            f"known on {np.isfinite(lately).mean():.0%} of the last {len(lately)} days, {KNOWN:.0%} are needed",
        )
    if np.nanstd(lately) == 0:
        return False, "it has not changed in half a year"
    errors = [_errors(total, signal, origin) for origin in sorted(origins)]
    plain, with_it = (np.concatenate(side) for side in zip(*errors, strict=True))
    test = better(plain, with_it, gain=0.0, alpha=SURE)
    if test.ratio is None or test.p is None:
        return False, test.told
    why = f"error of the shop's days {test.ratio:.2f} x that without it over {test.n} days (p = {test.p:.2g})"
    return test.verdict is Verdict.PASS, why


def _errors(total: ShopTotal, signal: Signals, origin: int) -> tuple[Floats, Floats]:
    """Units off on each of the seven days after an origin, without the signal and with it."""
    past, came = total.until(origin), total.units[origin : origin + WINDOW]
    factors = _learned(past, signal).factors(signal, total.first_on, origin + WINDOW)
    usual = replace(past, units=past.units / factors[:origin], usual=past.usual / factors[:origin])
    plain, lifted = level.total_days(past, WINDOW), level.total_days(usual, WINDOW) * factors[origin:]
    return np.abs(plain - came), np.abs(lifted - came)


def _learned(total: ShopTotal, signals: Signals) -> Effects:
    """Ridge regression of what is odd about each open day on what is odd about its signals."""
    known = len(total.usual)
    values = signals.on(total.first_on, known)
    open_on = open_days(total.units, total.first_on, 0, total.country) & (total.usual > 0)
    use = np.flatnonzero(open_on & np.isfinite(values).all(axis=0))
    if len(use) < 2 * AROUND:
        return NONE
    weekday = weekdays(total.first_on, known)[use]
    x = np.stack([_odd(row[use], weekday) for row in values])
    y = _odd(np.log(total.usual[use]), weekday)
    scale = np.maximum(x.std(axis=1), 1e-12)
    x = x / scale[:, None]
    slopes = _ridge(x, y)
    left = y - slopes @ x
    slopes = _ridge(x, y - left + np.clip(left, -OUTLIER * _spread(left), OUTLIER * _spread(left))) / scale
    seen = values[:, use]
    columns = (slopes, seen.mean(axis=1), seen.min(axis=1), seen.max(axis=1))
    return Effects(signals.names, *(tuple(float(f"{value:.6g}") for value in column) for column in columns))


def _odd(values: Floats, weekday: Any) -> Floats:
    """The values less what is usual on their weekday and in the weeks around them."""
    left = np.asarray(values, np.float64).copy()
    for day in range(WINDOW):
        if (weekday == day).any():
            left[weekday == day] -= left[weekday == day].mean()
    sums = np.concatenate([[0.0], np.cumsum(left)])
    at = np.arange(len(left))
    a, b = np.maximum(at - AROUND, 0), np.minimum(at + AROUND + 1, len(left))
    return np.asarray(left - (sums[b] - sums[a]) / (b - a))


def _ridge(x: Floats, y: Floats) -> Floats:
    return np.asarray(np.linalg.solve(x @ x.T + SHY * np.eye(len(x)), x @ y))


def _spread(values: Floats) -> float:
    """A standard deviation that a few wild days do not widen."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) + 1e-9
