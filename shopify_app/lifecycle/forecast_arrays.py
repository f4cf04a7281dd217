"""A stored forecast as arrays, for work on all products of a shop at once."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.reorder import Band
from shopify_app.lifecycle.forecasts import TOTAL
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class ForecastArrays:
    """A run's forecast of every product.

    product_ids: [n]. daily: mean units of each day after `origin_on` [n, horizon]. bands: windows that begin on the day
    after `origin_on`, each with arrays [n].
    """

    origin_on: date
    product_ids: Ints
    daily: Floats
    bands: tuple[Band, ...]

    def of(self, places: Ints) -> "ForecastArrays":
        """Only these products, in this order."""
        bands = tuple(Band(band.days, band.mean[places], band.p90[places]) for band in self.bands)
        return ForecastArrays(self.origin_on, self.product_ids[places], self.daily[places], bands)


def read(objects: Objects, run: ForecastRun) -> ForecastArrays:
    """Read both files of a run. No row becomes a Python object: a large shop's run has 280,000 of them."""
    ids, row, days = _keyed(_table(objects, run.days_sha256, ["series", "ds", "mean"]), "ds")
    first = _day_number(run.origin_on) + 1
    kept = (row >= 0) & (days["ds"] >= first)
    at = days["ds"][kept] - first
    daily = np.zeros((len(ids), int(at.max(initial=-1)) + 1))
    daily[row[kept], at] = days["mean"][kept]
    windows = _table(objects, run.windows_sha256, ["series", "first", "days", "mean", "p90"])
    return ForecastArrays(run.origin_on, ids, daily, _bands(ids, _keyed(windows, "first"), first))


def _bands(ids: Ints, keyed: tuple[Ints, Ints, dict[str, Any]], first: int) -> tuple[Band, ...]:
    own, row, columns = keyed
    place = np.searchsorted(ids, own)
    starts = (row >= 0) & (columns["first"] == first)
    found = []
    for length in np.unique(columns["days"][starts]):
        mine = starts & (columns["days"] == length)
        mean, p90 = (np.zeros(len(ids)) for _ in range(2))
        mean[place[row[mine]]], p90[place[row[mine]]] = columns["mean"][mine], columns["p90"][mine]
        found.append(Band(int(length), mean, p90))
    return tuple(found)


def _keyed(table: "pa.Table", day: str) -> tuple[Ints, Ints, dict[str, Any]]:
    """Sorted product ids, the place of each row's product among them (-1 for the total), and the other columns."""
    import pyarrow as pa

    series = table["series"].combine_chunks()
    names = series.dictionary.to_pylist()
    products = {n: int(name) for n, name in enumerate(names) if name != TOTAL}
    ids = np.array(sorted(products.values()), dtype=np.int64)
    place = np.full(len(names), -1, dtype=np.int64)
    place[list(products)] = np.searchsorted(ids, list(products.values()))
    columns = {name: table[name] for name in table.column_names if name != "series"}
    columns[day] = columns[day].cast(pa.date32()).cast(pa.int32())
    plain = {name: column.to_numpy() for name, column in columns.items()}
    return ids, place[series.indices.to_numpy()], plain


def _table(objects: Objects, name: str, columns: list[str]) -> "pa.Table":
    import pyarrow.parquet as pq

    file = pq.ParquetFile(objects.path(name), read_dictionary=["series"])
    return file.read(columns=columns, use_threads=False).unify_dictionaries()


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
