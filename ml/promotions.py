"""Promotions of single products, past and planned: a table of periods.

A file has columns `series, first, last`: a product's name in the sales (`*` for all of them) and the first and last day
of a promotion (YYYY-MM-DD). CSV, or Parquet with the same columns.

A fourth column `code` may name the discount code of a promotion. A code for all products is a campaign: a signal of its
own (`ml.signals`), 1 on its days and 0 on others, so that it is used only when forecasts were better with it, and an
explanation tells what it contributed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np

from ml import table_files
from ml.errors import BadData
from ml.frames import HORIZON
from ml.sales import Bools, DailySales
from ml.signals import MOST_SIGNALS, Signals

FILES = ("promotions.parquet", "promotions.csv")
"""What it is called in a dataset folder."""
EVERYTHING = "*"
LONGEST = 366


@dataclass(frozen=True)
class Promotions:
    """Periods as series, first and last day. sha256: that of the file they came from.

    codes: of the periods that have one, by their place.
    """

    periods: tuple[tuple[str, date, date], ...]
    sha256: str
    codes: Mapping[int, str] = field(default_factory=dict)

    def campaigns(self) -> dict[str, list[tuple[date, date]]]:
        """The days of each code that is for all products, by the code as shops write it: in capitals."""
        found: dict[str, list[tuple[date, date]]] = defaultdict(list)
        for place, code in sorted(self.codes.items()):
            series, first, last = self.periods[place]
            if series == EVERYTHING:
                found[code.upper()].append((first, last))
        return dict(found)


def read(file: Path) -> Promotions:
    """The promotions in a CSV or Parquet file. Raises BadData that names the line and the column of what is wrong."""
    table = table_files.read(file)
    if sorted({*table.header} - {"code"}) != ["first", "last", "series"] or len(set(table.header)) < len(table.header):
        raise BadData(f"{file}, line 1: needs the columns series, first and last, found {', '.join(table.header)}")
    place = {name: table.header.index(name) for name in table.header}
    periods: list[tuple[str, date, date]] = []
    codes: dict[int, str] = {}
    for line, row in table.rows:
        where, series = f"{file}, line {line}", row[place["series"]].strip()
        first, last = (table_files.day(f"{where}, column {name}", row[place[name]]) for name in ("first", "last"))
        if not series:
            raise BadData(f"{where}, column series: empty; say {EVERYTHING} for every product")
        if not 0 <= (last - first).days < LONGEST:
            raise BadData(f"{where}, column last: {last} is not in the year from {first} on")
        if "code" in place and row[place["code"]].strip():
            codes[len(periods)] = row[place["code"]].strip()
        periods.append((series, first, last))
    found = Promotions(tuple(periods), table.sha256, codes)
    if len(found.campaigns()) > MOST_SIGNALS:
        raise BadData(f"{file}: {len(found.campaigns())} codes for all products, {MOST_SIGNALS} can be told apart")
    return found


def write(promotions: Promotions, file: Path) -> None:
    """The promotions as Parquet; the same promotions give the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = zip(*promotions.periods, strict=True) if promotions.periods else ((), (), ())
    types = (pa.string(), pa.date32(), pa.date32())
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, types, strict=True)]
    named = dict(zip(("series", "first", "last"), arrays, strict=True))
    if promotions.codes:
        named["code"] = pa.array([promotions.codes.get(place, "") for place in range(len(promotions.periods))])
    pq.write_table(pa.table(named), file)


def planned(sales: DailySales, promotions: Promotions | None) -> DailySales:
    """The sales with these promotions beside those that their rows tell of, and those of the 28 days ahead."""
    if promotions is None:
        return sales
    days = _days(sales, promotions)
    known = days[:, : sales.days] if sales.is_promo is None else days[:, : sales.days] | sales.is_promo
    told = replace(sales, is_promo=known, promo_ahead=days[:, sales.days :], plan_sha256=promotions.sha256)
    campaigns = _signals(promotions, sales.first_on, sales.days + HORIZON)
    return told if campaigns is None else replace(told, signals=_beside(sales.signals, campaigns, sales))


def _signals(promotions: Promotions, first_on: date, days: int) -> Signals | None:
    """A signal per code for all products; None without any. A day that the table does not name is one without."""
    campaigns = promotions.campaigns()
    if not campaigns:
        return None
    values = np.zeros((len(campaigns), days))
    for row, periods in zip(values, campaigns.values(), strict=True):
        for first, last in periods:
            row[max((first - first_on).days, 0) : max((last - first_on).days + 1, 0)] = 1.0
    return Signals(tuple(f"code {code}" for code in campaigns), first_on, values, promotions.sha256)


def _beside(given: Signals | None, campaigns: Signals, sales: DailySales) -> Signals:
    """Both kinds of signals over the same days; a column of the shop's own stays what it is."""
    if given is None:
        return campaigns
    new = campaigns.only([name for name in campaigns.names if name not in given.names])
    if new is None:
        return given
    values = np.concatenate([given.on(sales.first_on, sales.days + HORIZON), new.values])
    both = hashlib.sha256(f"{given.sha256} {new.sha256}".encode()).hexdigest()
    return Signals((*given.names, *new.names), sales.first_on, values, both)


def _days(sales: DailySales, promotions: Promotions) -> Bools:
    """Whether each series was or will be on promotion, [series, known days and those ahead]."""
    found = np.zeros((len(sales.series), sales.days + HORIZON), dtype=bool)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(sales.series):
        rows[name].append(row)
    for place, (series, first, last) in enumerate(promotions.periods):
        if series == EVERYTHING and place in promotions.codes:
            continue  # a campaign: told by its signal
        start, end = ((on - sales.first_on).days for on in (first, last))
        if end >= 0:
            which = slice(None) if series == EVERYTHING else rows.get(series, [])
            found[which, max(start, 0) : end + 1] = True
    return found
