"""A dataset folder: what a snapshot materialises to, read into daily sales and baskets.

dataset.json      cutoff_on, time_zone, country, currency, snapshot_id
lines/*.parquet   order lines (the contract `frames.LINES`)
products.parquet  the catalogue (the contract `frames.PRODUCTS`)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml import calendars
from ml.baskets import Baskets
from ml.errors import BadData
from ml.frames import LINES
from ml.sales import DailySales, Ints, from_arrays

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Dataset:
    """One frozen shop. `cutoff_on` is its last complete business day; later lines are not looked at."""

    folder: Path
    cutoff_on: date
    country: str | None = None
    time_zone: str = "UTC"
    currency: str = ""
    snapshot_id: str = ""

    @property
    def cutoff_day(self) -> int:
        """The cutoff as days since 1970."""
        return _day_number(self.cutoff_on)

    def lines(self, columns: list[str]) -> pa.Table:
        """These columns of every order line up to the cutoff, in the order of the file names."""
        files = sorted((self.folder / "lines").glob("*.parquet"))
        if not files:
            raise BadData(f"{self.folder / 'lines'}: no Parquet file with order lines")
        table = pa.concat_tables([_read(file, [*columns, "created_on"]) for file in files])
        if table.num_rows == 0:
            raise BadData(f"{self.folder / 'lines'}: not one order line")
        return table

    def sales(self) -> DailySales:
        """Units per product and day up to the cutoff; series are the product ids as text."""
        table = self.lines(["order_id", "product_id", "units", "price"])
        day = table["created_on"].cast(pa.int32()).to_numpy().astype(np.int64)
        ids, codes = np.unique(table["product_id"].to_numpy(), return_inverse=True)
        ids_seen = np.sort(table["order_id"].to_numpy()[day <= self.cutoff_day])
        orders = int((np.diff(ids_seen) > 0).sum() + (len(ids_seen) > 0))
        country = self.country if self.country and calendars.is_known(self.country) else None
        return from_arrays(
            [str(i) for i in ids],
            codes,
            day,
            table["units"].to_numpy().astype(np.float64),
            table["price"].to_numpy().astype(np.float64),
            last_day=self.cutoff_day,
            orders=orders,
            country=country,
        )

    def baskets(self) -> Baskets:
        """Which products were bought together, order by order, up to the cutoff."""
        table = self.lines(["order_id", "product_id", "created_at"])
        known = table["created_on"].cast(pa.int32()).to_numpy() <= self.cutoff_day
        seconds = table["created_at"].cast(pa.timestamp("s", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()
        order, product = (table[name].to_numpy()[known] for name in ("order_id", "product_id"))
        end = (self.cutoff_day + 1) * DAY_SECONDS
        return Baskets.of(order, product, age_days(seconds[known], end))


def age_days(seconds: Ints, end: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Age of each line in days, seen from `end` (both in seconds since 1970); never negative."""
    return np.maximum((end - seconds) / DAY_SECONDS, 0.0)


def read_dataset(folder: Path) -> Dataset:
    """The dataset in this folder. Raises BadData naming the file and what is wrong with it."""
    about = folder / "dataset.json"
    if not about.is_file():
        raise BadData(f"{folder}: not a dataset, dataset.json is missing")
    try:
        facts = json.loads(about.read_text())
        cutoff = date.fromisoformat(facts["cutoff_on"])
    except (ValueError, KeyError, TypeError) as wrong:
        raise BadData(f'{about}: needs "cutoff_on": "YYYY-MM-DD" ({wrong})') from wrong
    text = {key: facts.get(key) or "" for key in ("time_zone", "currency", "snapshot_id")}
    return Dataset(folder, cutoff, facts.get("country") or None, **text)


def _read(file: Path, columns: list[str]) -> pa.Table:
    """Some columns of one file of lines; of a type every file shares, so that they can be joined."""
    try:
        table = pq.ParquetFile(file).read(columns=columns)
    except (pa.ArrowInvalid, OSError) as wrong:
        raise BadData(f"{file}: not a Parquet file ({wrong})") from wrong
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise BadData(f"{file}: missing {', '.join(missing)}")
    types = {"integer": pa.int64(), "number": pa.float64(), "day": pa.date32(), "time": pa.timestamp("us", tz="UTC")}
    try:
        return table.cast(pa.schema([(name, types[LINES.required[name]]) for name in table.column_names]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as wrong:
        raise BadData(f"{file}: a column has the wrong type ({wrong})") from wrong


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
