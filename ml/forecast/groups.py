"""Product types: what is expected of all products of one type together, and how far off that usually is.

A type's forecast is the sum of its products', so types add up to the total as products do. On the words that end the
names of Online Retail II's products, taken for types, the six largest were so wrong by .247 per week and .143 over 28
days (seven origins up to July 2011; .301 and .210 on the four of the bench); forecast by themselves as the total is,
Prophet among the views and each chosen on its type's own past, by .281 and .185 (.515 and .419). So no view of its own
leads a type.

Its range is no sum, because the errors of products cancel in part. It comes from how types' own sales would have been
forecast at past origins, per class of volume, measured when a model is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ml.forecast.bulk import shop_total
from ml.forecast.forecast import Forecast, Points, write_frame
from ml.forecast.intervals import LEVELS, MIN_IN_CLASS, UNTRIED, Bands, calibrate, conformal, spread
from ml.forecast.level import record_origins, total_days
from ml.frames import HORIZON, WINDOW
from ml.sales import DailySales, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

FILE: Final = "types.parquet"
MOST: Final = 100
"""Types told by name, those expected to sell most; the rest are one more."""
OTHERS: Final = "Other types"
NO_TYPE: Final = ""
JUDGED, EVERY = 24, 2
"""Ranges come from the largest types at every second origin of a record: more would take as long as a fit."""
LEAST_ERRORS = 13


def bands(sales: DailySales) -> dict[str, Bands]:
    """The ranges of types, by the length of a window in days as text; none for a shop with fewer than two.

    sales: with days out of stock filled, of the products' types by `kinds`.
    """
    types = _kinds(sales)
    origins = record_origins(sales.days, HORIZON)[::EVERY]
    if len(types) < 2 or not origins:
        return {}
    said, came = [], []
    for rows in types:
        total = shop_total(sales.rows(rows), origins[-1])
        said += [total_days(total.until(origin), HORIZON) for origin in origins]
        came += [total.units[origin : origin + HORIZON] for origin in origins]
    return {
        str(days): _bands(_sums(np.array(said), days), _sums(np.array(came), days)) for days in (1, WINDOW, HORIZON)
    }


def by_type(
    known: Mapping[str, Bands], forecast: Forecast, type_of: Mapping[str, str], most: int = MOST
) -> pd.DataFrame:
    """Rows `type, products, origin, first, days, mean, p10, p50, p90`: each day, each week and the whole horizon.

    known: ranges as `bands` gave them. type_of: the type of each product; those that are not in it have none. No rows
    unless there are at least two types: one would say what the total says.
    """
    import pandas as pd

    types = _types(forecast, type_of, most)
    if len(types) < 2:
        return pd.DataFrame()
    daily = np.stack([forecast.days.mean[places].sum(axis=0) for places in types.values()])
    spans = sorted({1, min(WINDOW, forecast.horizon), forecast.horizon})
    parts = [_points(known.get(str(days), UNTRIED), _sums(daily, days)) for days in spans]
    windows = [part.mean.shape[1] for part in parts]
    after = np.concatenate([np.arange(n) * days + 1 for n, days in zip(windows, spans, strict=True)])
    origin, times = np.datetime64(forecast.origin_on, "s"), sum(windows)
    keys = {
        "type": np.repeat(np.array(list(types), dtype=object), times),
        "products": np.repeat(np.array([len(places) for places in types.values()], np.int32), times),
        "origin": np.full(times * len(types), origin),
        "first": np.tile(origin + after * np.timedelta64(86_400, "s"), len(types)),
        "days": np.tile(np.repeat(np.array(spans, np.int32), windows), len(types)),
    }
    return pd.DataFrame({**keys, **reduce(Points.beside, parts).columns()})


def write(frame: pd.DataFrame, folder: Path) -> None:
    """Write the rows as Parquet beside the forecast that they add up; none for a shop without types."""
    if len(frame):
        write_frame(frame, folder / FILE)


def _kinds(sales: DailySales) -> list[Ints]:
    """The rows of each of the largest types, as the catalogue tells them."""
    rows: dict[str, list[int]] = {}
    for row, series in enumerate(sales.series):
        kind = next((word for word in sales.kinds.get(series, ()) if word.startswith("t:")), "")
        rows.setdefault(kind, []).append(row)
    lately = sales.units[:, -WINDOW * 13 :].sum(axis=1, dtype=np.float64)
    ranked = sorted(rows.items(), key=lambda one: (-lately[one[1]].sum(), one[0]))
    return [np.array(mine, dtype=np.int64) for _, mine in ranked[:JUDGED]]


def _bands(said: Floats, came: Floats) -> Bands:
    """Per class of volume where there are enough errors; of a few types, for all volumes alike."""
    if said.size >= MIN_IN_CLASS or said.size < LEAST_ERRORS:
        return calibrate(said, came)
    error = ((came - said) / spread(said)).ravel()
    low, middle, high = (float(f"{conformal(error, level):.6g}") for level in LEVELS)
    return Bands((), ((low, middle, high),))


def _types(forecast: Forecast, type_of: Mapping[str, str], most: int) -> dict[str, Ints]:
    """The places of each type's products in the forecast, the type that is expected to sell most first."""
    names = np.array([type_of.get(series, NO_TYPE) for series in forecast.series[:-1]], dtype=object)
    expected = forecast.whole.mean[:-1, 0]
    every, number = np.unique(names.astype(str), return_inverse=True)
    units = np.bincount(number, weights=expected, minlength=len(every))
    ranked: Sequence[int] = sorted(range(len(every)), key=lambda k: (-units[k], every[k]))
    found: dict[str, Ints] = {str(every[k]): np.flatnonzero(number == k) for k in ranked[:most]}
    rest = np.flatnonzero(np.isin(number, ranked[most:]))
    if len(rest):
        found[OTHERS] = np.union1d(rest, found.get(OTHERS, rest))
    return found


def _points(bands: Bands, mean: Floats) -> Points:
    """What is expected, with its range. One of another length than was measured is that of a count that wavers."""
    return Points(mean, *bands.around(mean))


def _sums(daily: Floats, days: int) -> Floats:
    """Sums of each full window of so many days, [n, windows]."""
    windows = daily.shape[1] // days
    return np.asarray(daily[:, : windows * days].reshape(len(daily), windows, days).sum(axis=2))
