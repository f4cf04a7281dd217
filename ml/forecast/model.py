"""A forecast model: the member in charge, its bands, and the way from sales to a forecast."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ml.errors import BadBundle, NothingSold
from ml.forecast import effects, level, sanity, weekday
from ml.forecast.effects import Effects
from ml.forecast.forecast import Forecast, Points
from ml.forecast.intervals import Bands
from ml.forecast.intervals import Points as Ratios
from ml.forecast.level import USUAL, Lead, Outlook
from ml.forecast.member import Member, forecaster
from ml.forecast.stockouts import uncensored
from ml.frames import HORIZON, TOTAL, WINDOW
from ml.sales import DailySales, Floats, Ints, in_chunks

FILE = "profile.json"


@dataclass(frozen=True)
class ForecastModel:
    """Everything a forecast needs besides the sales. bands: for `day`, `week` and `whole`. lead: of the total."""

    member: Member
    bands: Mapping[str, Bands]
    sold_within_days: int
    cap_quantile: float
    effects: Effects = effects.NONE
    lead: Lead = USUAL
    type_bands: Mapping[str, Bands] = field(default_factory=dict)
    collection_bands: Mapping[str, Bands] = field(default_factory=dict)
    """Ranges of product types and of collections (`ml.forecast.groups`)."""

    def forecast(self, sales: DailySales, horizon: int = HORIZON, only: Sequence[str] | None = None) -> Forecast:
        """The days after the last known one, for products sold lately (or exactly those in `only`) and their total.

        Raises Implausible when the total fails its sanity gate, BadData when there is nothing to forecast.
        """
        sales = effects.removed(uncensored(sales), self.effects, horizon)
        rows = sales.sold_lately(self.sold_within_days) if only is None else _named(sales, only)
        if len(rows) == 0:
            raise NothingSold(f"no product sold in the {self.sold_within_days} days up to {sales.origin_on}")
        shop = sales if only is None else sales.rows(rows)
        daily = mean_days(self.member, sales, rows, level.outlook(shop, horizon, self.lead), self.cap_quantile)
        total = self._total(shop, daily.sum(axis=0), self._total_points(shop, horizon, is_shop=only is None))
        names = (*(sales.series[i] for i in rows), TOTAL)
        points = (self._points(kind, window_sums(daily, days)) for kind, days in _kinds(horizon))
        days, weeks, whole = (mine.above(all_) for mine, all_ in zip(points, total, strict=True))
        return Forecast(names, sales.origin_on, days, weeks, whole)

    def _points(self, kind: str, mean: Floats) -> Points:
        points = np.empty((3, *mean.shape))
        for rows in in_chunks(np.arange(len(mean))):
            points[:, rows] = self.bands[kind].around(mean[rows])
        return Points(mean, *points)

    def _total(self, shop: DailySales, daily: Floats, of: Mapping[str, Ratios]) -> list[Points]:
        """The total of what is forecast, with bands from how well such totals were forecast before.

        No ratio makes a range of nothing, so then it ends at what weeks and months have held so far.
        """
        points = []
        for kind, days in _kinds(len(daily)):
            mean, (low, middle, high) = window_sums(daily[None], days), of[kind]
            most = mean * max(high, 1.0) if days == 1 or daily.any() else mean + level.held_before(shop.total, days)
            points.append(Points(mean, mean * min(low, 1.0), mean * middle, most))
        return points

    def _total_points(self, shop: DailySales, horizon: int, *, is_shop: bool) -> Mapping[str, Ratios]:
        """How far off the total usually is: as measured when the model was fitted, or now for any other total."""
        if self.lead.points and is_shop and horizon == HORIZON:
            return self.lead.points
        return level.points_of(level.track_record(shop, horizon, self.lead), shop)

    def files(self) -> dict[str, bytes]:
        """What must be kept to load it again, by file name; the same model gives the same bytes."""
        profile = {
            "member": self.member.name,
            "sold_within_days": self.sold_within_days,
            "cap_quantile": self.cap_quantile,
            "bands": _plain(self.bands),
            "effects": self.effects.as_dict(),
            "total": self.lead.as_dict(),
            "types": _plain(self.type_bands),
        }
        if self.collection_bands:
            profile["collections"] = _plain(self.collection_bands)
        own = json.dumps(profile, sort_keys=True, indent=1).encode()
        return {FILE: own, **self.member.files(), **self.lead.files()}


def load(files: Mapping[str, bytes]) -> ForecastModel:
    """The model whose `files()` these are."""
    try:
        profile = json.loads(files[FILE])
        member = forecaster(profile["member"]).load(files)
        bands = _bands(profile["bands"])
        days, quantile = int(profile["sold_within_days"]), float(profile["cap_quantile"])
        moved = Effects.from_dict(profile.get("effects", {}))
        # Bundles of before views of the total were compared name none.
        lead = Lead.from_dict(profile["total"], files) if "total" in profile else USUAL
        groups = (_bands(profile.get(name, {})) for name in ("types", "collections"))
        return ForecastModel(member, bands, days, quantile, moved, lead, *groups)
    except (KeyError, ValueError, TypeError, ModuleNotFoundError) as wrong:
        raise BadBundle(f"{FILE}: not a forecast model ({wrong!r})") from wrong


def _plain(bands: Mapping[str, Bands]) -> dict[str, Any]:
    return {kind: one.as_dict() for kind, one in bands.items()}


def _bands(values: Mapping[str, Any]) -> dict[str, Bands]:
    return {kind: Bands.from_dict(one) for kind, one in values.items()}


def mean_days(member: Member, sales: DailySales, rows: Ints, total: Outlook, cap_quantile: float) -> Floats:
    """Mean units per day ahead, [len(rows), horizon], through the sanity gate and scaled to the shop's total.

    total: the outlook of the total that these rows add up to. A single absurd series falls back to its weekday
    average; an absurd total raises Implausible.
    """
    horizon = len(total.ahead)
    daily = member.daily(sales, rows, horizon)
    absurd = ~sanity.plausible_rows(sales, rows, daily)
    if absurd.any():
        daily[absurd] = weekday.WeekdayAverage(cap_quantile).daily(sales, rows[absurd], horizon)
    if member.is_scaled:
        daily = level.scaled(daily, total.ahead)
    if sales.lift is not None:
        daily = daily * sales.lift[:horizon]
    if member.is_scaled or sales.lift is not None:
        daily = sanity.held(sales, rows, daily)
    sanity.check_total(total.history, daily.sum(axis=0))
    return daily


def window_sums(daily: Floats, days: int) -> Floats:
    """Sums of each full window of `days` days, [n, windows]; what is left over at the end is not counted."""
    windows = daily.shape[1] // days
    return np.asarray(daily[:, : windows * days].reshape(len(daily), windows, days).sum(axis=2, dtype=np.float64))


def _kinds(horizon: int) -> list[tuple[str, int]]:
    return [("day", 1), ("week", WINDOW), ("whole", horizon)]


def _named(sales: DailySales, only: Sequence[str]) -> Ints:
    """Row numbers of these series, in the order of `sales`; those without any usable sale are left out."""
    wanted = set(only)
    return np.array([i for i, name in enumerate(sales.series) if name in wanted], dtype=np.int64)
