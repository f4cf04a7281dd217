"""External signals: what a shop knows of each day besides its sales, such as campaigns or the weather.

A file has a column `date` (YYYY-MM-DD) and one or more columns of numbers, a row per day: CSV, or Parquet with the same
columns. An empty cell is a value nobody knows. Rows of days ahead are what is planned or expected for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from ml import table_files
from ml.errors import BadData
from ml.sales import Floats

FILES = ("signals.parquet", "signals.csv")
"""What it is called in a dataset folder."""
MOST_SIGNALS = 20
MOST_DAYS = 20_000
BIGGEST = 1e12


@dataclass(frozen=True)
class Signals:
    """One value per signal and day from `first_on` on, NaN where it is not known; values: float64 [names, days].

    sha256: that of the file they came from.
    """

    names: tuple[str, ...]
    first_on: date
    values: Floats
    sha256: str

    def only(self, names: Sequence[str]) -> Signals | None:
        """The same with these signals alone; None without any."""
        kept = [k for k, name in enumerate(self.names) if name in names]
        return replace(self, names=tuple(self.names[k] for k in kept), values=self.values[kept]) if kept else None

    def on(self, first_on: date, days: int) -> Floats:
        """Values of `days` days from `first_on` on, [names, days]; NaN outside of the file."""
        found = np.full((len(self.names), days), np.nan)
        offset = (first_on - self.first_on).days
        start, end = max(-offset, 0), min(self.values.shape[1] - offset, days)
        if end > start:
            found[:, start:end] = self.values[:, start + offset : end + offset]
        return found


def read(file: Path) -> Signals:
    """The signals in a CSV or Parquet file. Raises BadData that names the line and the column of what is wrong."""
    table = table_files.read(file)
    names, place = _names(file, table.header), table.header.index("date")
    found: dict[date, list[float]] = {}
    for line, row in table.rows:
        where = f"{file}, line {line}"
        on = table_files.day(f"{where}, column date", row[place])
        if on in found:
            raise BadData(f"{where}, column date: {on} for the second time")
        cells = zip(table.header, row, strict=True)
        found[on] = [_number(f"{where}, column {name}", cell) for name, cell in cells if name != "date"]
    if not found:
        raise BadData(f"{file}: not one day below the first line")
    first, last = min(found), max(found)
    days = (last - first).days + 1
    if days > MOST_DAYS:
        raise BadData(f"{file}: days from {first} to {last}; one of them is a typing error")
    values = np.full((len(names), days), np.nan)
    for on, cell in found.items():
        values[:, (on - first).days] = cell
    return Signals(names, first, values, table.sha256)


def write(signals: Signals, file: Path) -> None:
    """The signals as Parquet; the same signals give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    days = [signals.first_on + timedelta(days=k) for k in range(signals.values.shape[1])]
    columns = {
        name: pa.array(values, from_pandas=True) for name, values in zip(signals.names, signals.values, strict=True)
    }
    pq.write_table(pa.table({"date": pa.array(days, pa.date32()), **columns}), file)


def _names(file: Path, header: list[str]) -> tuple[str, ...]:
    names = tuple(name for name in header if name != "date")
    if header.count("date") != 1:
        raise BadData(f"{file}, line 1: needs one column called date, found {', '.join(header)}")
    if not names or "" in names or len(set(names)) < len(names):
        raise BadData(f"{file}, line 1: needs columns of numbers beside date, each with a name of its own")
    if len(names) > MOST_SIGNALS:
        raise BadData(f"{file}, line 1: {len(names)} signals, at most {MOST_SIGNALS} can be told apart")
    return names


def _number(where: str, text: str) -> float:
    """A cell's number; NaN for an empty one."""
    text = text.strip()
    if not text:
        return math.nan
    try:
        number = float({"true": "1", "false": "0"}.get(text.lower(), text))
    except ValueError:
        raise BadData(f"{where}: {text!r} is not a number") from None
    if not abs(number) <= BIGGEST:
        raise BadData(f"{where}: {text!r} is not a number that can be used")
    return number
