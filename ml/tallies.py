"""Forecasts held against what then happened. The frames are pandas; the actuals need no row for a day without sales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ml import metrics
from ml.errors import BadData
from ml.frames import TOTAL
from ml.sales import Floats

if TYPE_CHECKING:
    import pandas as pd

Level = Literal["store", "product"]


@dataclass(frozen=True)
class Tally:
    """How one forecast did. n: how many values were compared; accuracy and bias are None when nothing was sold.

    accuracy = 1 - WAPE; bias = (forecast - actual) / actual; coverage = share of actuals inside the 80 % band.
    """

    accuracy: float | None
    bias: float | None
    coverage: float | None
    n: int


@dataclass(frozen=True)
class RunningErrors:
    """Errors of a forecast after each of its days: entry k belongs to the first k + 1 days together.

    error: WAPE of the products' sums since the first day, so that the noise of single days averages out.
    bias: of the shop's sum since the first day.
    concentration: root of the Herfindahl index of the units sold since then: 1 when one product sold all of them,
    1/sqrt(n) when n products sold alike. All three are NaN until something is sold.
    """

    error: Floats
    bias: Floats
    concentration: Floats


def tally(actual: pd.DataFrame, forecast: pd.DataFrame, level: Level = "product") -> Tally:
    """The tally of one window: all days in `forecast`, added up per series.

    actual: `series, ds, units`; other days are not looked at. forecast: `series, ds, mean[, p10, p90]`, one row per
    series and day. `product` compares each forecast product's sum; `store` compares the forecast of `__total__` (else
    the products' sum) with everything that was sold. Coverage is that of single days; for windows with a band of
    their own use `tally_windows`.
    """
    forecast, actual = _dated(forecast, "ds"), _dated(actual, "ds")
    sold = actual[actual["ds"].isin(forecast["ds"].unique()) & (actual["series"] != TOTAL)]
    rows = _of_level(forecast, level)
    daily = rows.merge(_units(sold, level, ["ds"]), on=["series", "ds"], how="left").fillna({"units": 0.0})
    sums = daily.groupby("series", as_index=False)[["mean", "units"]].sum()
    covered = _coverage(daily) if {"p10", "p90"} <= set(daily) else None
    return _tally(sums["units"].to_numpy(np.float64), sums["mean"].to_numpy(np.float64), None, covered)


def tally_windows(actual: pd.DataFrame, windows: pd.DataFrame, level: Level = "product") -> Tally:
    """The tally of windows with their own bands: `series, first, days, mean, p10, p50, p90`, all of them over.

    Products are judged on p50 (what absolute error rewards), the shop on the mean; bias always on the mean.
    """
    import pandas as pd

    sold = _dated(actual[actual["series"] != TOTAL], "ds")
    parts = []
    for _, rows in _of_level(_dated(windows, "first"), level).groupby(["first", "days"]):
        first, days = rows["first"].iloc[0], int(rows["days"].iloc[0])
        inside = sold[(sold["ds"] >= first) & (sold["ds"] < first + pd.Timedelta(days=days))]
        parts.append(rows.merge(_units(inside, level, []), on="series", how="left").fillna({"units": 0.0}))
    if not parts:
        return Tally(None, None, None, 0)
    table = pd.concat(parts, ignore_index=True)
    middle = table["p50" if level == "product" else "mean"].to_numpy(np.float64)
    mean = table["mean"].to_numpy(np.float64)
    return _tally(table["units"].to_numpy(np.float64), mean, middle, _coverage(table))


def running_errors(actual: pd.DataFrame, forecast: pd.DataFrame, series: Sequence[str] | None = None) -> RunningErrors:
    """Errors of `forecast` (`series, ds, mean`) after each of its days, in order of the days.

    A product that sold without being forecast counts as forecast zero, and the other way round. Give both versions
    the same `actual`, and they are paired. `series` restricts both to some products.
    """
    forecast, actual = _dated(forecast, "ds"), _dated(actual, "ds")
    products = forecast[forecast["series"] != TOTAL]
    sold = actual[(actual["series"] != TOTAL) & actual["ds"].isin(products["ds"].unique())]
    if series is not None:
        products, sold = (frame[frame["series"].isin(list(series))] for frame in (products, sold))
    days = sorted(products["ds"].unique())
    if not days:
        raise BadData("no day to tally: the forecast has no rows")
    names = sorted(set(products["series"]) | set(sold["series"]))

    def cube(frame: pd.DataFrame, value: str) -> Floats:
        table = frame.pivot_table(index="series", columns="ds", values=value, aggfunc="sum")
        return table.reindex(index=names, columns=days).fillna(0.0).to_numpy(np.float64).cumsum(axis=1)

    expected, came = cube(products, "mean"), cube(sold, "units")
    total = came.sum(axis=0)
    total = np.where(total > 0, total, np.nan)
    off, alike = expected - came, np.sqrt((came**2).sum(axis=0))
    return RunningErrors(np.abs(off).sum(axis=0) / total, off.sum(axis=0) / total, alike / total)


def _of_level(frame: pd.DataFrame, level: Level) -> pd.DataFrame:
    """The forecast rows of one level; a total that was not forecast is the sum of its products, without a band."""
    is_total = frame["series"] == TOTAL
    if level == "product":
        return frame[~is_total]
    if is_total.any():
        return frame[is_total]
    keys = [name for name in ("ds", "first", "days") if name in frame]
    return frame.groupby(keys, as_index=False)[["mean"]].sum().assign(series=TOTAL)


def _dated(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The frame with this column as calendar days of one type, whatever kind of day it came with."""
    import pandas as pd

    return frame.assign(**{column: pd.to_datetime(frame[column]).dt.normalize().astype("datetime64[s]")})


def _units(sold: pd.DataFrame, level: Level, keys: list[str]) -> pd.DataFrame:
    """Units per series (and key); at store level all of them are the total's."""
    named = sold.assign(series=TOTAL) if level == "store" else sold
    return named.groupby(["series", *keys], as_index=False)[["units"]].sum()


def _coverage(table: pd.DataFrame) -> float | None:
    if len(table) == 0 or not {"p10", "p90"} <= set(table):
        return None
    units, low, high = (table[name].to_numpy(np.float64) for name in ("units", "p10", "p90"))
    return metrics.coverage(units, low, high)


def _tally(units: Floats, mean: Floats, middle: Floats | None, coverage: float | None) -> Tally:
    if units.sum() <= 0:
        return Tally(None, None, coverage, len(units))
    return Tally(
        metrics.accuracy(units, mean if middle is None else middle), metrics.bias(units, mean), coverage, len(units)
    )
