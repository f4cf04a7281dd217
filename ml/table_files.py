"""Tables that a person made: CSV, or Parquet with the same columns. Errors name the line and column."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ml.errors import BadData

MOST_BYTES = 5_000_000
PARQUET = b"PAR1"
"""How a Parquet file begins, whatever its name."""


@dataclass(frozen=True)
class TableFile:
    """A table as text: its first line, the rows below it with their line numbers, and the hash of the file."""

    header: list[str]
    rows: list[tuple[int, list[str]]]
    sha256: str


def read(file: Path) -> TableFile:
    """The table in a file. Raises BadData when there is none, or a row is longer or shorter than the first line."""
    if not file.is_file():
        raise BadData(f"{file}: no such file")
    data = file.read_bytes()
    if len(data) > MOST_BYTES:
        raise BadData(f"{file}: {len(data):,} bytes, at most {MOST_BYTES:,} can be read")
    is_parquet = file.suffix == ".parquet" or data.startswith(PARQUET)
    header, rows = _of_parquet(file) if is_parquet else _of_csv(file, data)
    for line, row in rows:
        if len(row) != len(header):
            raise BadData(f"{file}, line {line}: {len(row)} values, the first line has {len(header)}")
    return TableFile(header, rows, hashlib.sha256(data).hexdigest())


def day(where: str, text: str) -> date:
    """The day in a cell. Raises BadData, whose text begins with `where`."""
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise BadData(f"{where}: {text!r} is no day such as 2026-03-01") from None


def _of_csv(file: Path, data: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        lines = data.decode("utf-8-sig").splitlines()
        rows = [(number, row) for number, row in enumerate(csv.reader(lines, strict=True), start=1) if any(row)]
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise BadData(f"{file}: not CSV in UTF-8 ({wrong})") from wrong
    if not rows:
        raise BadData(f"{file}: empty")
    return [name.strip() for name in rows[0][1]], rows[1:]


def _of_parquet(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except (pa.ArrowInvalid, OSError) as wrong:
        raise BadData(f"{file}: not a Parquet file ({wrong})") from wrong
    cells = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
    return table.column_names, [(line, list(row)) for line, row in enumerate(zip(*cells, strict=True), start=2)]
