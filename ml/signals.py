"""External signals: what a shop knows of each day besides its sales, such as campaigns or the weather.

A file has a column `date` (YYYY-MM-DD) and one or more columns of numbers, a row per day: CSV, or Parquet with the same
columns. An empty cell is a value nobody knows. Rows of days ahead are what is planned or expected for them.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from ml.errors import BadData
from ml.sales import Floats

FILES = ("signals.parquet", "signals.csv")
"""What it is called in a dataset folder."""
MOST_SIGNALS = 20
MOST_BYTES = 5_000_000
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
    if not file.is_file():
        raise BadData(f"{file}: no such file")
    data = file.read_bytes()
    if len(data) > MOST_BYTES:
        raise BadData(f"{file}: {len(data):,} bytes, more than {MOST_BYTES:,} are no table of days")
    header, rows = _of_parquet(file) if file.suffix == ".parquet" else _of_csv(file, data)
    names = _names(file, header)
    place = header.index("date")
    found: dict[date, list[float]] = {}
    for line, row in rows:
        where = f"{file}, line {line}"
        if len(row) != len(header):
            raise BadData(f"{where}: {len(row)} values, the first line has {len(header)}")
        on = _day(where, row[place])
        if on in found:
            raise BadData(f"{where}, column date: {on} for the second time")
        cells = zip(header, row, strict=True)
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
    return Signals(names, first, values, hashlib.sha256(data).hexdigest())


def write(signals: Signals, file: Path) -> None:
    """The signals as Parquet; the same signals give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    days = [signals.first_on + timedelta(days=k) for k in range(signals.values.shape[1])]
    columns = {
        name: pa.array(values, from_pandas=True) for name, values in zip(signals.names, signals.values, strict=True)
    }
    pq.write_table(pa.table({"date": pa.array(days, pa.date32()), **columns}), file)


Rows = list[tuple[int, list[str]]]


def _of_csv(file: Path, data: bytes) -> tuple[list[str], Rows]:
    try:
        lines = data.decode("utf-8-sig").splitlines()
        rows = [(number, row) for number, row in enumerate(csv.reader(lines, strict=True), start=1) if any(row)]
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise BadData(f"{file}: not CSV in UTF-8 ({wrong})") from wrong
    if not rows:
        raise BadData(f"{file}: empty")
    return [name.strip() for name in rows[0][1]], rows[1:]


def _of_parquet(file: Path) -> tuple[list[str], Rows]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except (pa.ArrowInvalid, OSError) as wrong:
        raise BadData(f"{file}: not a Parquet file ({wrong})") from wrong
    cells = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
    return table.column_names, [(line, list(row)) for line, row in enumerate(zip(*cells, strict=True), start=2)]


def _names(file: Path, header: list[str]) -> tuple[str, ...]:
    names = tuple(name for name in header if name != "date")
    if header.count("date") != 1:
        raise BadData(f"{file}, line 1: needs one column called date, found {', '.join(header)}")
    if not names or "" in names or len(set(names)) < len(names):
        raise BadData(f"{file}, line 1: needs columns of numbers beside date, each with a name of its own")
    if len(names) > MOST_SIGNALS:
        raise BadData(f"{file}, line 1: {len(names)} signals, at most {MOST_SIGNALS} can be told apart")
    return names


def _day(where: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise BadData(f"{where}, column date: {text!r} is no day such as 2026-03-01") from None


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
