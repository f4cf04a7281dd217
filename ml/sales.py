"""Daily sales as one matrix: a row per series, a column per day, cut at the origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.errors import BadData, NothingSold
from ml.frames import SALES, check

if TYPE_CHECKING:
    import pandas as pd

    from ml.signals import Signals

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

MOST_UNITS = 1_000_000
"""Units in one row above this are a typing error, not an order: the largest real order line we know holds 80,995."""
TYPING_ERROR, NEVER_ONE = 1_000, 10_000
"""Units in one row above so many times the shop's 99th percentile are one too, unless they are few: such a row would
decide every figure of the whole shop."""
MOST_PRICE = 1e9
MOST_DAYS = 1096
"""Three years back is as far as any model here looks; it also bounds the memory of a shop with a wrong date."""
SOME_NAMES = 5
CHUNK = 2_000
"""Series worked on at once: bounds the memory of a large catalogue."""


class Collection(NamedTuple):
    """A merchant's selection of products, which may be in several; `series` are theirs."""

    title: str
    series: tuple[str, ...]


@dataclass(frozen=True)
class DailySales:
    """Units sold per series and day, up to and including the origin.

    units: float32 [series, days]; column 0 is `first_on`. Of the same shape, or None when nothing is known of it:
    revenue; is_out, days on which the series could not be bought; is_promo, days on which it was on offer.
    promo_ahead: the same for the days ahead, [series, 28], and the hash of the plan's file; None when nobody plans.
    orders: how many orders are behind it (0 when unknown). refused: series left out, with the reason.
    kinds: what a series is, in words that others may share (its type, vendor and tags); those without are not in it.
    collections: the shop's collections by number; they may name series that are not here.
    signals: what is known of each day besides, days ahead included. lift: when their effect was taken out of the units,
    the factor by which it comes back on each of the days ahead.
    """

    series: tuple[str, ...]
    first_on: date
    units: Floats
    revenue: Floats | None = None
    orders: int = 0
    country: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    is_out: Bools | None = None
    is_promo: Bools | None = None
    promo_ahead: Bools | None = None
    plan_sha256: str = ""
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    collections: Mapping[int, Collection] = field(default_factory=dict)
    signals: Signals | None = None
    lift: Floats | None = None

    @property
    def days(self) -> int:
        """How many days are known."""
        return int(self.units.shape[1])

    @property
    def origin_on(self) -> date:
        """The last known day."""
        return self.first_on + timedelta(days=self.days - 1)

    @cached_property
    def total(self) -> Floats:
        """Units of all series together, float64 [days]."""
        return np.asarray(self.units.sum(axis=0, dtype=np.float64))

    @cached_property
    def born(self) -> Ints:
        """Column of each series' first sale; `days` for a series that never sold."""
        found = np.full(len(self.series), self.days)
        for rows in in_chunks(np.arange(len(self.series))):
            sold = self.units[rows[0] : rows[-1] + 1] > 0
            found[rows] = np.where(sold.any(axis=1), sold.argmax(axis=1), self.days)
        return found

    def until(self, days: int) -> DailySales:
        """The same shop as it was known after its first `days` days."""
        if self.is_promo is None or self.promo_ahead is None:
            return self._cut(np.s_[:, :days])
        planned = np.concatenate([self.is_promo, self.promo_ahead], axis=1)[:, days : days + self.promo_ahead.shape[1]]
        return replace(self._cut(np.s_[:, :days]), promo_ahead=planned)

    def rows(self, index: Ints) -> DailySales:
        """Only the series with these row numbers, in this order."""
        ahead = None if self.promo_ahead is None else self.promo_ahead[index]
        return replace(self._cut(index), series=tuple(self.series[i] for i in index), promo_ahead=ahead)

    def sold_lately(self, days: int) -> Ints:
        """Row numbers of the series with a sale in the last `days` days."""
        return np.flatnonzero(self.units[:, -days:].any(axis=1))

    def _cut(self, part: Any) -> DailySales:
        """The same with this part of every matrix."""
        known = {name: getattr(self, name) for name in ("units", "revenue", "is_out", "is_promo")}
        return replace(self, **{name: matrix[part] for name, matrix in known.items() if matrix is not None})


def in_chunks(rows: Ints) -> list[Ints]:
    """The same row numbers, at most `CHUNK` at a time."""
    return [rows[k : k + CHUNK] for k in range(0, len(rows), CHUNK)]


def from_frame(frame: pd.DataFrame, origin_on: date | None = None, country: str | None = None) -> DailySales:
    """Daily sales from rows `series, ds, units[, price, in_stock, promo]`; nothing after `origin_on` is looked at.

    Several rows of one series and day are added up; one that says "out of stock" or "promotion" says it for the day.
    Days without a row are zero. Series with impossible rows are
    left out and named in `refused`; raises BadData when a column is wrong or no series remains.
    """
    import pandas as pd

    check(frame, SALES)
    days = pd.to_datetime(frame["ds"])
    if days.isna().any():
        raise BadData(f"sales: {int(days.isna().sum())} rows have no day in ds")
    if origin_on is not None:
        known = (days.dt.tz_localize(None) < pd.Timestamp(origin_on) + pd.Timedelta(days=1)).to_numpy()
        frame, days = frame[known], days[known]
    if len(frame) == 0:
        raise BadData("sales: no rows" + (f" up to {origin_on}" if origin_on else ""))
    serial = days.dt.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)
    codes, names = pd.factorize(frame["series"].astype(str), sort=True)
    price = frame["price"].to_numpy(np.float64) if "price" in frame else None
    units = frame["units"].to_numpy(np.float64)
    last = int(np.datetime64(origin_on, "D").astype(np.int64)) if origin_on else int(serial.max())
    out, promo = _flagged(frame, "in_stock", False), _flagged(frame, "promo", True)
    return from_arrays(
        [str(n) for n in names], codes, serial, units, price, last_day=last, country=country, is_out=out, is_promo=promo
    )


def _flagged(frame: pd.DataFrame, column: str, value: bool) -> Bools | None:
    """Rows whose column holds this value; None without the column."""
    return np.asarray(frame[column] == value, dtype=bool) if column in frame else None


def from_arrays(
    names: Sequence[str],
    codes: Ints,
    day: Ints,
    units: Floats,
    price: Floats | None,
    *,
    last_day: int,
    orders: int = 0,
    country: str | None = None,
    is_out: Bools | None = None,
    is_promo: Bools | None = None,
) -> DailySales:
    """Daily sales from parallel arrays of rows: series number, day (since 1970), units and price of each."""
    price = None if price is None else _filled_in(codes, units, price)
    refused = _refusals(names, codes, units, price)
    recent = (day <= last_day) & (day > last_day - MOST_DAYS)
    codes, day, units = codes[recent], day[recent], _possible(units[recent], MOST_UNITS)
    if len(day) == 0:
        raise NothingSold("sales: no rows in the last three years before the cutoff")
    first = int(day.min())
    shape = (len(names), last_day - first + 1)
    cell = codes * shape[1] + (day - first)
    sums = _Sums(cell, shape)
    matrix = sums.of(units)
    revenue = None if price is None else sums.of(units * _possible(price[recent], MOST_PRICE))
    never = {names[int(i)]: "sold nothing" for i in np.flatnonzero(matrix.sum(axis=1) <= 0)}
    refused = {**never, **refused}
    kept = np.array([i for i, name in enumerate(names) if name not in refused], dtype=np.int64)
    if len(kept) == 0:
        raise BadData("sales: no series can be forecast. " + listed(refused))
    first_on = date(1970, 1, 1) + timedelta(days=first)
    out, promo = (None if flag is None else _any_of(cell[flag[recent]], shape) for flag in (is_out, is_promo))
    why = dict(sorted(refused.items()))
    sales = DailySales(tuple(names), first_on, matrix, revenue, orders, country, why, out, promo)
    return sales if len(kept) == len(names) else sales.rows(kept)


def listed(refused: Mapping[str, str]) -> str:
    """The first few refused series and their reasons, in one line."""
    shown = [f"{name}: {why}" for name, why in list(refused.items())[:SOME_NAMES]]
    more = len(refused) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


class _Sums:
    """Rows added up into the cells of a matrix. cell: which one each row belongs to, rows by columns."""

    def __init__(self, cell: Ints, shape: tuple[int, int]) -> None:
        self._order, self._shape = np.argsort(cell, kind="stable"), shape
        self._cell = cell[self._order]
        self._first = np.flatnonzero(np.diff(self._cell, prepend=-1))

    def of(self, values: Floats) -> Floats:
        """The sums of these values of the rows, float32; 0 where there is none."""
        # Added up in double precision before it enters: at 100,000 products a second matrix is what does not fit.
        matrix = np.zeros(self._shape, dtype=np.float32)
        matrix.ravel()[self._cell[self._first]] = np.add.reduceat(values[self._order], self._first)
        return matrix


def _any_of(cell: Ints, shape: tuple[int, int]) -> Bools:
    matrix = np.zeros(shape, dtype=bool)
    matrix.ravel()[cell] = True
    return matrix


def _filled_in(codes: Ints, units: Floats, price: Floats) -> Floats:
    """The prices, with the mean of its series in place of one that is not known: unknown is no gift."""
    known = ~np.isnan(price)
    if known.all() or not len(codes):
        return price
    weight = np.where(known, _possible(units, MOST_UNITS), 0.0)
    sold = np.bincount(codes, weight)
    paid = np.bincount(codes, weight * np.where(known, price, 0.0))
    return np.where(known, price, np.divide(paid, sold, out=np.zeros_like(paid), where=sold > 0)[codes])


def _possible(values: Floats, most: float) -> Floats:
    """The values, with zero for those of series that are refused anyway: nothing may overflow on the way there."""
    return np.where((values >= 0) & (values <= most), values, 0.0)


def _refusals(names: Sequence[str], codes: Ints, units: Floats, price: Floats | None) -> dict[str, str]:
    """The first impossible thing found about each series, by name."""
    sold = units[(units > 0) & (units <= MOST_UNITS)]
    usual = max(TYPING_ERROR * float(np.quantile(sold, 0.99)), NEVER_ONE) if len(sold) else NEVER_ONE
    rules: list[tuple[Bools, str]] = [
        (~np.isfinite(units), "units are missing or not a number"),
        (units < 0, "negative units"),
        (units > MOST_UNITS, f"more than {MOST_UNITS:,} units in one row"),
        (units > usual, f"more than {usual:,.0f} units in one row of a shop that sells far less of everything"),
    ]
    if price is not None:
        rules += [(price > MOST_PRICE, "an impossible price"), (price < 0, "negative price")]
    refused: dict[str, str] = {}
    for broken, why in rules:
        for code in np.unique(codes[broken]):
            refused.setdefault(names[int(code)], why)
    return refused
