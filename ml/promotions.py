"""Promotions of single products, past and planned: a table of periods.

A file has columns `series, first, last`: a product's name in the sales (`*` for all of them) and the first and last day
of a promotion (YYYY-MM-DD). CSV, or Parquet with the same columns.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from ml import given
from ml.errors import BadData
from ml.frames import HORIZON
from ml.sales import Bools, DailySales

FILES = ("promotions.parquet", "promotions.csv")
"""What it is called in a dataset folder."""
EVERYTHING = "*"
LONGEST = 366


@dataclass(frozen=True)
class Promotions:
    """Periods as series, first and last day. sha256: that of the file they came from."""

    periods: tuple[tuple[str, date, date], ...]
    sha256: str


def read(file: Path) -> Promotions:
    """The promotions in a CSV or Parquet file. Raises BadData that names the line and the column of what is wrong."""
    table = given.read(file)
    if sorted(table.header) != ["first", "last", "series"]:
        raise BadData(f"{file}, line 1: needs the columns series, first and last, found {', '.join(table.header)}")
    place = {name: table.header.index(name) for name in table.header}
    periods = []
    for line, row in table.rows:
        where, series = f"{file}, line {line}", row[place["series"]].strip()
        first, last = (given.day(f"{where}, column {name}", row[place[name]]) for name in ("first", "last"))
        if not series:
            raise BadData(f"{where}, column series: empty; say {EVERYTHING} for every product")
        if not 0 <= (last - first).days < LONGEST:
            raise BadData(f"{where}, column last: {last} is not in the year from {first} on")
        periods.append((series, first, last))
    return Promotions(tuple(periods), table.sha256)


def write(promotions: Promotions, file: Path) -> None:
    """The promotions as Parquet; the same promotions give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = zip(*promotions.periods, strict=True) if promotions.periods else ((), (), ())
    types = (pa.string(), pa.date32(), pa.date32())
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, types, strict=True)]
    pq.write_table(pa.table(arrays, names=["series", "first", "last"]), file)


def planned(sales: DailySales, promotions: Promotions | None) -> DailySales:
    """The sales with these promotions beside those that their rows tell of, and those of the 28 days ahead."""
    if promotions is None:
        return sales
    days = _days(sales, promotions)
    known = days[:, : sales.days] if sales.is_promo is None else days[:, : sales.days] | sales.is_promo
    return replace(sales, is_promo=known, promo_ahead=days[:, sales.days :], plan_sha256=promotions.sha256)


def _days(sales: DailySales, promotions: Promotions) -> Bools:
    """Whether each series was or will be on promotion, [series, known days and those ahead]."""
    found = np.zeros((len(sales.series), sales.days + HORIZON), dtype=bool)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(sales.series):
        rows[name].append(row)
    for series, first, last in promotions.periods:
        start, end = ((on - sales.first_on).days for on in (first, last))
        if end >= 0:
            which = slice(None) if series == EVERYTHING else rows.get(series, [])
            found[which, max(start, 0) : end + 1] = True
    return found
