"""A forecast made elsewhere, served as it was given: the way in for any other tool, and for a forecast by hand."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.bundles import Trained, seal
from ml.errors import BadBundle, BadData
from ml.forecast.forecast import FORECASTS_FILE, Forecast, Points, write_frame
from ml.forecast.intervals import Bands
from ml.forecast.model import window_sums
from ml.frames import TOTAL, WINDOW, Contract, check
from ml.sales import Floats

if TYPE_CHECKING:
    import pandas as pd

NAME = "table"
GIVEN = Contract(
    "forecast table",
    {"series": "text", "ds": "day", "mean": "number"},
    {"p10": "number", "p50": "number", "p90": "number"},
)
WIDTH = Bands((), ((-1.3, -0.2, 1.6),))
"""Band of a product's day that was not given: somewhat wider than a pure count."""
TOTAL_WIDTH = (0.7, 1.4)
"""Band of a total that was not given, as factors of the sum of its products."""


def write(
    out: Path, forecasts: pd.DataFrame, *, cutoff_on: date | None = None, because: str = "a forecast made elsewhere"
) -> Trained:
    """A bundle of algorithm `table` from rows `series, ds, mean[, p10, p50, p90]`, one per series and day.

    Every series must have the same days, without gaps. Points not given are those of a count; a missing total is
    the sum. Raises BadData naming the first series that is wrong.
    """
    check(forecasts, GIVEN)
    table = _complete(forecasts)
    out.mkdir(parents=True, exist_ok=True)
    write_frame(table, out / FORECASTS_FILE)
    n = table["series"].nunique() - 1
    metrics = {"n_products": n, "product_week": None, "product_28d": None, "store_week": None, "store_28d": None}
    return seal(Trained(out, "forecast", NAME, {}, 0, cutoff_on, metrics, because))


def forecast(files: Mapping[str, bytes], origin_on: date, horizon: int) -> Forecast:
    """The table's days after `origin_on`; past its end its last week goes on, before its start its first one."""
    import pandas as pd

    try:
        table = pd.read_parquet(io.BytesIO(files[FORECASTS_FILE]))
    except (KeyError, OSError, ValueError) as wrong:
        raise BadBundle(f"{FORECASTS_FILE}: not a forecast table ({wrong!r})") from wrong
    cube, names, first_on = _cube(table)
    column = _columns((origin_on - first_on).days + 1, horizon, cube.shape[2])
    given = Points(*cube[:, :, column])
    kinds = (1, WINDOW, horizon)
    days, weeks, whole = (_windows(given, length) for length in kinds)
    return Forecast(tuple(names), origin_on, days, weeks, whole)


def _complete(forecasts: pd.DataFrame) -> pd.DataFrame:
    """The table with every point and the total, checked, sorted, series by series."""
    import pandas as pd

    table = forecasts.assign(ds=pd.to_datetime(forecasts["ds"]).dt.normalize()).sort_values(["series", "ds"])
    _check_rows(table)
    mean = table["mean"].to_numpy(np.float64)
    points = zip(("p10", "p50", "p90"), WIDTH.around(mean), strict=True)
    table = table.assign(**{name: values for name, values in points if name not in table})
    columns = ["series", "ds", "mean", "p10", "p50", "p90"]
    if not (table["series"] == TOTAL).any():
        summed = table.groupby("ds", as_index=False)[["mean"]].sum().assign(series=TOTAL)
        low, high = (summed["mean"] * factor for factor in TOTAL_WIDTH)
        table = pd.concat([table, summed.assign(p10=low, p50=summed["mean"], p90=high)], ignore_index=True)
    whole: pd.DataFrame = table[columns]
    return whole


def _check_rows(table: pd.DataFrame) -> None:
    if not (table["series"] != TOTAL).any():
        raise BadData("forecast table: no series in it")
    values = table[[name for name in ("mean", "p10", "p50", "p90") if name in table]].to_numpy(np.float64)
    bad = ~np.isfinite(values).all(axis=1) | (values < 0).any(axis=1)
    if bad.any():
        raise BadData(f"forecast table: series {table['series'].to_numpy()[bad][0]} has a value below 0 or none at all")
    days = table["ds"].drop_duplicates()
    span = (days.max() - days.min()).days + 1
    rows = table.groupby("series")["ds"].agg(["size", "nunique"])
    short = rows[(rows["size"] != span) | (rows["nunique"] != span)]
    if len(short):
        raise BadData(f"forecast table: series {short.index[0]} has not exactly one row for each of the {span} days")


def _cube(table: pd.DataFrame) -> tuple[Floats, list[str], date]:
    """[point, series, day] with the names of the series, the total last, and the first day."""
    import pandas as pd

    table = table.assign(is_total=table["series"] == TOTAL, ds=pd.to_datetime(table["ds"]))
    table = table.sort_values(["is_total", "series", "ds"])
    names = list(dict.fromkeys(table["series"]))
    values = table[["mean", "p10", "p50", "p90"]].to_numpy(np.float64).T
    return values.reshape(4, len(names), -1), names, table["ds"].min().date()


def _columns(offset: int, horizon: int, days: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Which of the table's days stand for the days ahead, the first of which is `offset` days after its start."""
    wanted = np.arange(offset, offset + horizon)
    if days < WINDOW:
        return np.clip(wanted, 0, days - 1)
    past_end, before = wanted >= days, wanted < 0
    wanted[past_end] = days - WINDOW + (wanted[past_end] - days) % WINDOW
    wanted[before] = wanted[before] % WINDOW
    return wanted


def _windows(days: Points, length: int) -> Points:
    """Points of windows from those of days, as if the days' errors were independent."""
    if length == 1:
        return days
    mean = window_sums(days.mean, length)
    down, up = (np.sqrt(window_sums((side - days.mean) ** 2, length)) for side in (days.p10, days.p90))
    return Points(mean, np.maximum(mean - down, 0), mean, mean + up)
