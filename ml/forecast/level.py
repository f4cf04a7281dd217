"""The shop's total, who forecasts it, and the scaling that makes products add up to it.

A gradient-boosted model that is right about products falls short on a rising shop, so the total is forecast by itself
(`ml.forecast.totals`, `ml.forecast.prophet`) and products are scaled to it. Which view leads is settled by how each
would have done on the shop's own past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from ml import metrics
from ml.calendars import open_days
from ml.errors import BadData
from ml.forecast import prophet
from ml.forecast.bulk import ShopTotal, shop_total
from ml.forecast.intervals import Points, conformal, lumps, ratio_points, untried_ratios
from ml.forecast.prophet import Curve
from ml.forecast.totals import VIEWS, EvenDays, even_days, steady
from ml.frames import HORIZON, WINDOW
from ml.sales import DailySales, Floats

NAIVE, PROPHET, BOTH = "naive", "prophet", "both"
RECORD = 13
MIN_RECORD = 28
"""Days that must be known before a forecast of the total counts for its record."""
MARGIN = 0.2
"""Another view leads when its error was lower than the usual one's by this much. Thirteen origins overlap and tell
little: on earlier origins every smaller margin chose worse than no choice at all."""
CURVE_WEEKS = 4
"""Prophet is fitted at every fourth origin of the record only, and its curve used on, as a version in charge does."""
MOST_SCALE = 3.0
"""Products are never scaled by more than this; if their sum is further off, it is the total that gives way."""

Record = tuple[Floats, Floats]
"""What would have been forecast at past origins, and what came: [origins, horizon] each, the newest origin first."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Lead:
    """Who forecasts the total: a view's name ("" is the usual one for a shop of this age), and Prophet's curve.

    points: actual / forecast at the 10, 50 and 90 % points for `day`, `week` and `whole`; empty when not known.
    model: Prophet's JSON, that the curve was made from.
    """

    view: str = ""
    curve: Curve | None = None
    points: Mapping[str, Points] = field(default_factory=dict)
    model: bytes | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a bundle; Prophet's model is a file of its own."""
        told = {"view": self.view, "points": {kind: list(points) for kind, points in self.points.items()}}
        if self.curve is None:
            return told
        return {**told, "curve": {"first_on": self.curve.first_on.isoformat(), "heights": list(self.curve.heights)}}

    def files(self) -> dict[str, bytes]:
        """Prophet's model, by file name."""
        return {} if self.model is None else {prophet.FILE: self.model}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], files: Mapping[str, bytes]) -> Lead:
        """The lead that `as_dict` and `files` gave. Prophet's model is not parsed: nothing is forecast from it."""
        points = {kind: (float(a), float(b), float(c)) for kind, (a, b, c) in values["points"].items()}
        told = values.get("curve")
        curve = told and Curve(date.fromisoformat(told["first_on"]), tuple(float(x) for x in told["heights"]))
        return cls(str(values["view"]), curve, points, files[prophet.FILE] if curve else None)


USUAL = Lead()


@dataclass(frozen=True)
class Outlook:
    """Units of the whole shop: history per known day, and what is expected on each day ahead."""

    history: Floats
    ahead: Floats


@dataclass(frozen=True)
class Chosen:
    """Who leads the total, why, its record, and the lineage: the error of each view on trial."""

    lead: Lead
    because: str
    record: Record
    lineage: Mapping[str, float]


def outlook(shop: DailySales, horizon: int, lead: Lead = USUAL) -> Outlook:
    """The outlook of the total of these series."""
    return Outlook(shop.total, total_days(shop_total(shop), horizon, lead))


def total_days(total: ShopTotal, horizon: int, lead: Lead = USUAL) -> Floats:
    """Expected units of the whole shop on each of the `horizon` days ahead, float64 [horizon]."""
    if lead.view == NAIVE:
        return _last_week(total, horizon)
    if len(total.units) < WINDOW:
        is_open = open_days(total.units, total.first_on, horizon, total.country)
        return np.where(is_open[len(total.units) :], total.units.mean(), 0.0)
    days = even_days(total, horizon)
    return days.units(_levels(lead.view or usual_view(days), days, lead.curve))


def usual_view(days: EvenDays, *, has_curve: bool = False) -> str:
    """Who leads when nobody was clearly better."""
    if not days.knows_seasons:
        return "steady"
    return BOTH if has_curve else "yearly"


def choose(sales: DailySales, views: Sequence[str], seed: int, say: Say) -> Chosen:
    """The view of the total to serve: the usual one, unless another would have been clearly better on the past."""
    origins = record_origins(sales.days, HORIZON)
    if not origins:
        return Chosen(USUAL, "too few days to compare views of the total", _nothing(HORIZON), {})
    total = shop_total(sales, origins[-1])
    came, known = _came(total, origins, HORIZON), [even_days(total.until(origin), HORIZON) for origin in origins]
    curves = _curves(known, seed, say) if {PROPHET, BOTH} & set(views) else None
    usual = usual_view(even_days(total, HORIZON), has_curve=curves is not None and BOTH in views)
    names = dict.fromkeys((usual, *(name for name in views if curves is not None or name in VIEWS)))
    forecasts = {name: _at_each(name, known, curves or [None] * len(known)) for name in names}
    if came.sum() == 0:
        return Chosen(USUAL, "nothing was sold in the weeks that views are compared on", (forecasts[usual], came), {})
    errors = {name: _error(forecast, came) for name, forecast in forecasts.items()}
    leader, because = _best(errors, usual)
    told = ", ".join(f"{name} {error:.3f}" for name, error in errors.items())
    record = forecasts[leader], came
    lead = Lead(leader, points=points_of(record, sales))
    if leader in (PROPHET, BOTH):
        days = even_days(shop_total(sales), HORIZON)
        model = prophet.fit(days, seed)
        lead = replace(lead, curve=prophet.curve_of(model, days), model=model)
    return Chosen(lead, f"{because} over {len(origins)} past origin{'s' * (len(origins) != 1)}: {told}", record, errors)


def track_record(sales: DailySales, horizon: int, lead: Lead = USUAL) -> Record:
    """What would have been forecast for these series' total at up to 13 past origins a week apart, and what came.

    No rows when the history is too short. What counts as a bulk order is judged by what was known at the oldest of the
    origins. A Prophet's curve has seen these days, so the usual view stands in for it.
    """
    origins = record_origins(sales.days, horizon)
    if not origins:
        return _nothing(horizon)
    total, honest = shop_total(sales, origins[-1]), USUAL if lead.curve is not None else lead
    forecast = [total_days(total.until(origin), horizon, honest) for origin in origins]
    return np.array(forecast), _came(total, origins, horizon)


def record_origins(days: int, horizon: int) -> list[int]:
    """Days known at each origin of a track record, the newest first."""
    last, first = days - horizon, max(MIN_RECORD, WINDOW)
    return [last - WINDOW * k for k in range(RECORD) if last - WINDOW * k >= first]


def points_of(record: Record, sales: DailySales) -> dict[str, Points]:
    """Actual / forecast at the 10, 50 and 90 % points of the total of these sales: of days, weeks, the whole horizon.

    record: of this total.
    """
    forecast, actual = record
    origins, horizon = forecast.shape
    spans = {"day": 1, "week": WINDOW, "whole": horizon}
    trust = trust_in(origins)
    return {
        kind: ratio_points(_sums(forecast, days), _sums(actual, days), trust, untried(sales, days))
        for kind, days in spans.items()
    }


def untried(sales: DailySales, days: int) -> Points:
    """The same for windows of this total as long as it was never forecast."""
    return untried_ratios(float(sales.total[-HORIZON:].mean()), days, lumps(sales.units))


def trust_in(origins: int) -> float:
    """How much of a full record so many origins are."""
    return min(origins / RECORD, 1.0)


def held_before(history: Floats, days: int) -> float:
    """The 90 % point of what so many days in a row have held; of a shorter history, its rate."""
    if len(history) < days:
        return float(history.mean() * days)
    return conformal(np.convolve(history, np.ones(days), "valid"), 0.9)


def scaled(daily: Floats, total: Floats) -> Floats:
    """The products' days [n, horizon] scaled so that each day adds up to `total` [horizon], within a factor of 3."""
    summed = daily.sum(axis=0)
    factor = np.divide(total, summed, out=np.ones_like(summed), where=summed > 0)
    return np.asarray(daily * np.clip(factor, 1 / MOST_SCALE, MOST_SCALE))


def _levels(view: str, days: EvenDays, curve: Curve | None = None) -> Floats:
    """What a view says; the plain level where it says nothing."""
    if view == PROPHET and curve is not None:
        return prophet.levels(curve, days)
    if view == BOTH and curve is not None:
        return (_levels("yearly", days) + prophet.levels(curve, days)) / 2
    levels = VIEWS[view](days)
    return levels if levels is not None else np.asarray(steady(days))


def _curves(known: Sequence[EvenDays], seed: int, say: Say) -> list[Curve] | None:
    """Prophet's curve for each origin, fitted by then, at most three weeks before; None when it cannot take part."""
    try:
        curves: list[Curve] = []
        for place in reversed(range(len(known))):
            if not curves or place % CURVE_WEEKS == 0:
                curves.append(prophet.curve_of(prophet.fit(known[place], seed), known[place]))
            else:
                curves.append(curves[-1])
        return curves[::-1]
    except BadData as why:
        say(f"prophet takes no part in the total: {why}")
        return None


def _at_each(view: str, known: Sequence[EvenDays], curves: Sequence[Curve | None]) -> Floats:
    return np.array([days.units(_levels(view, days, curve)) for days, curve in zip(known, curves, strict=True)])


def _last_week(total: ShopTotal, horizon: int) -> Floats:
    """The last week of the shop again: the floor."""
    if len(total.units) < WINDOW:
        return np.full(horizon, float(total.units.mean()))
    return np.asarray(total.units[-WINDOW:], np.float64)[np.arange(horizon) % WINDOW]


def _came(total: ShopTotal, origins: Sequence[int], horizon: int) -> Floats:
    return np.array([total.units[origin : origin + horizon] for origin in origins])


def _nothing(horizon: int) -> Record:
    return np.zeros((0, horizon)), np.zeros((0, horizon))


def _error(forecast: Floats, came: Floats) -> float:
    """What views are ranked by: the mean of WAPE per week and WAPE per 28 days."""
    wapes = [metrics.wape(_sums(came, days), _sums(forecast, days)) for days in (WINDOW, HORIZON)]
    return sum(wapes) / len(wapes)


def _best(errors: Mapping[str, float], usual: str) -> tuple[str, str]:
    """The view with the lowest error if it is clearly lower than the usual one's, and the reason in words."""
    best = min(errors, key=lambda name: (errors[name], name != usual))
    if best == usual or errors[best] > (1 - MARGIN) * errors[usual]:
        return usual, f"{usual} leads the total, nobody is {MARGIN:.0%} better"
    return best, f"{best} leads the total, {1 - errors[best] / errors[usual]:.0%} better than {usual}"


def _sums(days: Floats, span: int) -> Floats:
    """Sums of each full window of `span` days, flat."""
    windows = days.shape[1] // span
    return np.asarray(days[:, : windows * span].reshape(len(days), windows, span).sum(axis=2).ravel())
