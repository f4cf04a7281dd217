"""Product types and collections: what is expected of all products of one together, and how far off that usually is.

A group's forecast is the sum of its products', so types add up to the total as products do; collections overlap and do
not. On the words that end the names of Online Retail II's products, taken for types, the six largest were so wrong by
.247 per week and .143 over 28 days (seven origins up to July 2011; .301 and .210 on the four of the bench); forecast by
themselves as the total is, Prophet among the views and each chosen on its type's own past, by .281 and .185 (.515 and
.419). Of collections made of words in names it was .148 and .100 against .157 and .109 (.145 and .086 against .141 and
.074). So no view of its own leads a group.

Its range is no sum, because the errors of products cancel in part. It comes from how such groups' own sales would have
been forecast at past origins, per class of volume, measured when a model is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.forecast.bulk import shop_total
from ml.forecast.forecast import Forecast, Points, write_frame
from ml.forecast.intervals import LEVELS, MIN_IN_CLASS, Bands, calibrate, conformal, lumps, spread, untried_sums
from ml.forecast.level import record_origins, total_days
from ml.frames import HORIZON, WINDOW
from ml.sales import Collection, DailySales, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

TYPES_FILE: Final = "types.parquet"
COLLECTIONS_FILE: Final = "collections.parquet"
MOST: Final = 100
"""Groups told by name, those expected to sell most. Of types the rest are one more; of collections it is not told."""
OTHERS: Final = "Other types"
NO_TYPE: Final = ""
JUDGED, EVERY = 24, 2
"""Ranges come from so many groups at every second origin of a record: more would take as long as a fit."""
LEAST_ERRORS = 13


def type_bands(sales: DailySales) -> dict[str, Bands]:
    """The ranges of types, by the length of a window in days as text; none for a shop with fewer than two.

    sales: with days out of stock filled, of the products' types by `kinds`.
    """
    types = _ranked(sales, _rows_of_types(sales))
    return _measured(sales, types[:JUDGED]) if len(types) > 1 else {}


def collection_bands(sales: DailySales) -> dict[str, Bands]:
    """The same for the collections of `sales`, from some of each size; one is enough, being seldom the whole shop.

    They are many, and the smaller ones are harder: ranges from the largest held 59 % of all collections' weeks.
    """
    ranked = _ranked(sales, _places_of_collections(sales.collections, sales.series))
    step = max(len(ranked) / JUDGED, 1.0)
    return _measured(sales, [ranked[int(k * step)] for k in range(min(len(ranked), JUDGED))])


def by_type(
    known: Mapping[str, Bands], forecast: Forecast, type_of: Mapping[str, str], most: int = MOST
) -> pd.DataFrame:
    """Rows `type, products, origin, first, days, mean, p10, p50, p90`: each day, each week and the whole horizon.

    known: ranges as `type_bands` gave them. type_of: the type of each product; those that are not in it have none. No
    rows unless there are at least two types: one would say what the total says.
    """
    types = _types(forecast, type_of, most)
    names = {"type": np.array(list(types), dtype=object)}
    return _told(known, forecast, names, list(types.values()) if len(types) > 1 else [])


def by_collection(
    known: Mapping[str, Bands], forecast: Forecast, collections: Mapping[int, Collection], most: int = MOST
) -> pd.DataFrame:
    """Rows `collection, title, products, origin, …` as of types, for collections of which a product is forecast."""
    found = _collections(forecast, collections, most)
    titles = np.array([collections[number].title for number in found], dtype=object)
    names = {"collection": np.array(list(found), dtype=np.int64), "title": titles}
    return _told(known, forecast, names, list(found.values()))


def write(frame: pd.DataFrame, file: Path) -> None:
    """Write the rows as Parquet beside the forecast that they are sums of; none for a shop without such groups."""
    if len(frame):
        write_frame(frame, file)


def _rows_of_types(sales: DailySales) -> dict[str, list[int]]:
    """The rows of each type, as the catalogue tells them."""
    rows: dict[str, list[int]] = {}
    for row, series in enumerate(sales.series):
        kind = next((word for word in sales.kinds.get(series, ()) if word.startswith("t:")), "")
        rows.setdefault(kind, []).append(row)
    return rows


def _places_of_collections(collections: Mapping[int, Collection], series: Sequence[str]) -> dict[int, list[int]]:
    """Where the products of each collection are among these series; without collections of which none is there."""
    place_of = {name: place for place, name in enumerate(series)}
    found = {
        number: sorted(place_of[name] for name in one.series if name in place_of) for number, one in collections.items()
    }
    return {number: places for number, places in found.items() if places}


def _ranked(sales: DailySales, rows: Mapping[Any, list[int]]) -> list[Ints]:
    """The rows of each group, the one that sold most of late first."""
    lately = sales.units[:, -WINDOW * 13 :].sum(axis=1, dtype=np.float64)
    ranked = sorted(rows.items(), key=lambda one: (-lately[one[1]].sum(), one[0]))
    return [np.array(mine, dtype=np.int64) for _, mine in ranked]


def _measured(sales: DailySales, groups: Sequence[Ints]) -> dict[str, Bands]:
    """Ranges that would have held these groups' own sales at past origins; none without groups."""
    if not groups:
        return {}
    spans, otherwise = (1, WINDOW, HORIZON), untried_sums(lumps(sales.units))
    origins = record_origins(sales.days, HORIZON)[::EVERY]
    if not origins:
        return {str(days): otherwise for days in spans}
    units = replace(sales, revenue=None, is_out=None)
    said, came = [], []
    for rows in groups:
        total = shop_total(units.rows(rows), origins[-1])
        said += [total_days(total.until(origin), HORIZON) for origin in origins]
        came += [total.units[origin : origin + HORIZON] for origin in origins]
    return {str(days): _bands(_sums(np.array(said), days), _sums(np.array(came), days), otherwise) for days in spans}


def _bands(said: Floats, came: Floats, otherwise: Bands) -> Bands:
    """Per class of volume where there are enough errors; of a few groups, for all volumes alike."""
    if said.size >= MIN_IN_CLASS or said.size < LEAST_ERRORS:
        return calibrate(said, came, otherwise)
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


def _collections(forecast: Forecast, collections: Mapping[int, Collection], most: int) -> dict[int, Ints]:
    """The places of each collection's products in the forecast, the one that is expected to sell most first."""
    found = _places_of_collections(collections, forecast.series[:-1])
    expected = {number: forecast.whole.mean[places, 0].sum() for number, places in found.items()}
    ranked = sorted(expected, key=lambda number: (-expected[number], number))
    return {number: np.array(found[number], dtype=np.int64) for number in ranked[:most]}


def _told(
    known: Mapping[str, Bands], forecast: Forecast, names: Mapping[str, NDArray[Any]], groups: Sequence[Ints]
) -> pd.DataFrame:
    """Rows of each group's days, weeks and whole horizon; none without groups.

    names: columns that say which group it is, [groups]. groups: the places of their products in the forecast.
    """
    import pandas as pd

    if not groups:
        return pd.DataFrame()
    daily = np.stack([forecast.days.mean[places].sum(axis=0) for places in groups])
    spans = sorted({1, min(WINDOW, forecast.horizon), forecast.horizon})
    parts = [_points(known.get(str(days)) or untried_sums(), _sums(daily, days)) for days in spans]
    windows = [part.mean.shape[1] for part in parts]
    after = np.concatenate([np.arange(n) * days + 1 for n, days in zip(windows, spans, strict=True)])
    origin, times = np.datetime64(forecast.origin_on, "s"), sum(windows)
    keys = {
        **{name: np.repeat(values, times) for name, values in names.items()},
        "products": np.repeat(np.array([len(places) for places in groups], np.int32), times),
        "origin": np.full(times * len(groups), origin),
        "first": np.tile(origin + after * np.timedelta64(86_400, "s"), len(groups)),
        "days": np.tile(np.repeat(np.array(spans, np.int32), windows), len(groups)),
    }
    return pd.DataFrame({**keys, **reduce(Points.beside, parts).columns()})


def _points(bands: Bands, mean: Floats) -> Points:
    """What is expected, with its range. One of another length than was measured is that of a count that wavers."""
    return Points(mean, *bands.around(mean))


def _sums(daily: Floats, days: int) -> Floats:
    """Sums of each full window of so many days, [n, windows]."""
    windows = daily.shape[1] // days
    return np.asarray(daily[:, : windows * days].reshape(len(daily), windows, days).sum(axis=2))
