"""A member on trial: forecasts from past origins against what came, and the figures that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np

from ml import metrics
from ml.errors import BadData, Implausible
from ml.forecast import effects, level
from ml.forecast.config import ForecastConfig
from ml.forecast.intervals import Bands, Points, calibrate, every, ratio_points
from ml.forecast.level import Outlook, Record
from ml.forecast.member import Member, forecaster
from ml.forecast.model import mean_days, window_sums
from ml.frames import HORIZON, WINDOW
from ml.sales import DailySales, Floats, Ints, in_chunks

MOST_ORIGINS = 3
"""Windows of 28 days on trial, end to end up to the cutoff: 84 days, each forecast once from before it began."""
MIN_LEARNING = 56
KINDS = (("day", 1), ("week", WINDOW), ("whole", HORIZON))


@dataclass(frozen=True)
class Trial:
    """What is kept of one member's forecasts and of the actuals at each origin on trial, oldest first.

    forecast, actual: units per product and week, [products, weeks] each; rows: the row numbers of those products.
    days: forecast and actual of single days, flat, of a large catalogue only every third, fifth … product's. off: for
    each day on trial from the seventh on, units that the last seven days' sums per product were off by. shop: units
    the whole shop sold in each of these windows, launches included, [origins, HORIZON].
    """

    name: str
    rows: Sequence[Ints]
    forecast: Sequence[Floats]
    actual: Sequence[Floats]
    days: tuple[Floats, Floats]
    off: Floats
    shop: Floats

    def sums(self, days: int) -> tuple[Floats, Floats]:
        """Forecast and actual sums of windows of `days` days (a day, a week, all), over all origins and products."""
        if days == 1:
            return self.days[0].astype(np.float64), self.days[1].astype(np.float64)
        both = (self.forecast, self.actual)
        forecast, actual = (np.concatenate([weeks_summed(part, days).ravel() for part in parts]) for parts in both)
        return forecast, actual

    @property
    def error(self) -> float:
        """What members are ranked by: the mean of WAPE per product-week and WAPE per product and 28 days."""
        wapes = [metrics.wape(actual, forecast) for forecast, actual in (self.sums(WINDOW), self.sums(HORIZON))]
        return sum(wapes) / 2

    @property
    def bias(self) -> float:
        """Shop bias over all origins."""
        forecast = np.array([part.sum() for part in self.forecast])
        return metrics.bias(self.shop.sum(axis=1), forecast)

    @property
    def shop_error(self) -> float:
        """WAPE of the shop's weeks."""
        forecast = np.array([part.sum(axis=0) for part in self.forecast])
        return metrics.wape(window_sums(self.shop, WINDOW), forecast)


def trial_origins(days: int) -> list[int]:
    """Days known at each origin on trial, oldest first; none when the history is too short to hold out 28 days."""
    windows = min(MOST_ORIGINS, (days - MIN_LEARNING) // HORIZON)
    if windows < 1:
        return [days - HORIZON] if days - HORIZON >= WINDOW else []
    return [days - HORIZON * k for k in range(windows, 0, -1)]


@dataclass(frozen=True)
class Stage:
    """One origin on trial: what was known by then, the products forecast from it, what all then sold ([series,
    HORIZON]), and the outlook of the total."""

    past: DailySales
    rows: Ints
    after: Floats
    total: Outlook

    @property
    def origin(self) -> int:
        """Days known."""
        return self.past.days

    @property
    def came(self) -> Floats:
        """Units that the products sold, [products, HORIZON]."""
        return self.after[self.rows]

    @cached_property
    def weeks(self) -> Floats:
        """The same per week, [products, weeks]."""
        return window_sums(self.came, WINDOW)


def stages(sales: DailySales, config: ForecastConfig, total: Record) -> list[Stage]:
    """Where members are tried, oldest first; the same for all of them.

    total: the record of the total's leader, which holds what it would have said at each of these origins.
    """
    found = []
    said = dict(zip(level.record_origins(sales.days, HORIZON), total[0], strict=False))
    for origin in trial_origins(sales.days):
        past = sales.until(origin)
        past = effects.removed(past, effects.learned(past))
        rows = past.sold_lately(config.sold_within_days)
        after = sales.units[:, origin : origin + HORIZON]
        outlook = Outlook(past.total, said[origin]) if origin in said else level.outlook(past, HORIZON)
        found.append(Stage(past, rows, after, outlook))
    return found


def put_on_trial(name: str, sales: DailySales, on: Sequence[Stage], config: ForecastConfig, seed: int) -> Trial | str:
    """How this member would have done; or, when it cannot take part, the reason."""
    try:
        member = forecaster(name).fit(on[0].past, config, seed)
        return judged(name, on, (_from_stage(member, stage, config) for stage in on))
    except (BadData, Implausible) as why:
        return str(why)


def judged(name: str, on: Sequence[Stage], forecasts: Iterable[Floats]) -> Trial:
    """The trial of a member that forecast these daily means, [products, HORIZON] at each stage.

    Days themselves are let go as soon as their sums are known: four members' of a large catalogue are too many to keep.
    """
    thin = every(sum(len(stage.rows) for stage in on) * HORIZON)
    off = np.zeros((len(on[0].after), HORIZON * len(on)), dtype=np.float32)
    weeks, days, shop = [], [], []
    for k, (stage, forecast) in enumerate(zip(on, forecasts, strict=True)):
        came = stage.came
        off[stage.rows, HORIZON * k : HORIZON * (k + 1)] = forecast - came
        weeks.append(window_sums(forecast, WINDOW))
        days.append((forecast[::thin].ravel(), came[::thin].ravel()))
        shop.append(stage.after.sum(axis=0, dtype=np.float64))
    said, sold = (np.concatenate(part) for part in zip(*days, strict=True))
    rows, actual = [stage.rows for stage in on], [stage.weeks for stage in on]
    return Trial(name, rows, weeks, actual, (said, sold), _weekly_errors(off), np.array(shop))


def bands_of(trial: Trial, otherwise: Mapping[int, Bands]) -> dict[str, Bands]:
    """The bands that this trial's errors give, for days, weeks and the whole horizon; `otherwise` where too few."""
    return {kind: calibrate(*trial.sums(days), otherwise[days]) for kind, days in KINDS}


def product_figures(trial: Trial, naive: Trial, days: int, otherwise: Bands) -> dict[str, Any]:
    """Accuracy of the medians, bias of the means and coverage of the 80 % band, for product windows of `days` days.

    Bands are judged on origins (or, with a single one, on products) that they were not made from.
    """
    forecast, actual = trial.sums(days)
    low, middle, high = _held_out_points(trial, days, otherwise)
    return {
        "accuracy": metrics.accuracy(actual, middle),
        "naive_accuracy": metrics.accuracy(*reversed(naive.sums(days))),
        "bias": metrics.bias(actual, forecast),
        "coverage": metrics.coverage(actual, low, high),
        "n": len(actual),
    }


def shop_figures(
    record: tuple[Floats, Floats], naive: tuple[Floats, Floats], days: int, otherwise: Points
) -> dict[str, Any] | None:
    """The same for the shop's total of the first `days` days, from its track records; None when too young."""
    forecast, actual = (part[:, :days].sum(axis=1) for part in record)
    if len(actual) == 0 or actual.sum() == 0:
        return None
    error = np.abs(forecast - actual)
    return {
        "accuracy": metrics.accuracy(actual, forecast),
        "naive_accuracy": metrics.accuracy(naive[1][:, :days].sum(axis=1), naive[0][:, :days].sum(axis=1)),
        "standard_error": float(error.std() / actual.mean() / np.sqrt(len(actual))),
        "bias": metrics.bias(actual, forecast),
        "coverage": _left_out_coverage(forecast, actual, otherwise),
        "n": len(actual),
    }


def trial_days(sales: DailySales, trial: Trial, naive: Trial) -> dict[str, Any]:
    """Units off per day, leader and naive, for paired comparisons between versions; see `ml.compare.paired_days`."""
    first = sales.first_on + timedelta(days=trial_origins(sales.days)[0] + WINDOW - 1)
    errors = {"error": trial.off, "naive_error": naive.off}
    return {"first_on": first.isoformat(), **{name: [round(x, 1) for x in part] for name, part in errors.items()}}


def weeks_summed(weeks: Floats, days: int) -> Floats:
    """Sums of windows of `days` days, a whole number of weeks, from sums of weeks."""
    return window_sums(weeks, days // WINDOW)


def _weekly_errors(off: Floats) -> Floats:
    """Units that the sums of the last seven days were off by, over all rows, from the seventh column on."""
    sums = np.zeros(off.shape[1] - WINDOW + 1)
    for rows in in_chunks(np.arange(len(off))):
        running = np.cumsum(np.pad(off[rows], ((0, 0), (1, 0))), axis=1, dtype=np.float64)
        sums += np.abs(running[:, WINDOW:] - running[:, :-WINDOW]).sum(axis=0)
    return sums


def _from_stage(member: Member, stage: Stage, config: ForecastConfig) -> Floats:
    if len(stage.rows) == 0:
        raise BadData(f"nothing sold before {stage.past.origin_on}")
    # Single precision is as much as a trial needs, and half the memory of a large catalogue.
    return mean_days(member, stage.past, stage.rows, stage.total, config.cap_quantile).astype(np.float32)


def _held_out_points(trial: Trial, days: int, otherwise: Bands) -> tuple[Floats, Floats, Floats]:
    """p10, p50, p90 of every window on trial, each from bands made without its own origin (or half of products)."""
    parts = [(weeks_summed(f, days), weeks_summed(a, days)) for f, a in zip(trial.forecast, trial.actual, strict=True)]
    if len(parts) == 1:
        # One origin: every second product learns from the others.
        (forecast, actual), odd = parts[0], np.arange(len(parts[0][0])) % 2 == 1
        points = np.zeros((3, *forecast.shape))
        for mine in (odd, ~odd):
            points[:, mine] = calibrate(forecast[~mine], actual[~mine], otherwise).around(forecast[mine])
        return points[0].ravel(), points[1].ravel(), points[2].ravel()
    found = []
    for k, (forecast, _) in enumerate(parts):
        others = [part for j, part in enumerate(parts) if j != k]
        said, came = (np.concatenate([part[side].ravel() for part in others]) for side in (0, 1))
        bands = calibrate(said, came, otherwise)
        found.append(bands.around(forecast))
    low, middle, high = (np.concatenate([points[side].ravel() for points in found]) for side in range(3))
    return low, middle, high


def _left_out_coverage(forecast: Floats, actual: Floats, otherwise: Points) -> float | None:
    """Share of the totals inside the band that all the other origins give."""
    if len(actual) < 5:
        return None
    inside = []
    for k in range(len(actual)):
        others = np.arange(len(actual)) != k
        low, _, high = ratio_points(forecast[others], actual[others], level.trust_in(len(actual)), otherwise)
        inside.append(forecast[k] * low <= actual[k] <= forecast[k] * high)
    return float(np.mean(inside))
