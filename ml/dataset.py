"""A dataset folder: what a snapshot materialises to, read into daily sales and baskets.

dataset.json      cutoff_on, time_zone, country, currency, snapshot_id
lines/*.parquet   order lines (the contract `frames.LINES`)
products.parquet  the catalogue (the contract `frames.PRODUCTS`)
collections.parquet  the products of each collection (the contract `frames.COLLECTIONS`); may be missing
views.parquet     which product pages were opened after which, by week (the contract `frames.VIEWS`); may be missing
stock.parquet     when stock ran out or came back or a price changed (the contract `frames.STOCK`); may be missing
signals.csv       external signals by day (`ml.signals`), or the same as signals.parquet; may be missing
promotions.csv    past and planned promotions of products (`ml.promotions`), or promotions.parquet; may be missing
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ml import calendars, promotions, signals
from ml.baskets import Baskets
from ml.errors import BadData, NothingSold
from ml.frames import COLLECTIONS, LINES, PRODUCTS, STOCK, VIEWS, Contract, check
from ml.numbering import numbered
from ml.recommend.catalogue import Catalogue
from ml.recommend.steps import Steps
from ml.sales import Bools, Collection, DailySales, Ints, from_arrays

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
    signals_file: Path | None = None
    promotions_file: Path | None = None
    """Signals and promotions from here instead of the folder's own."""

    @property
    def cutoff_day(self) -> int:
        """The cutoff as days since 1970."""
        return _day_number(self.cutoff_on)

    def lines(self, columns: list[str]) -> pa.Table:
        """These columns of every order line up to the cutoff, in the order of the file names."""
        files = sorted((self.folder / "lines").glob("*.parquet"))
        if not files:
            raise NothingSold(f"{self.folder / 'lines'}: no Parquet file with order lines")
        table = pa.concat_tables([self._known(_read(file, [*columns, "created_on"])) for file in files])
        if table.num_rows == 0:
            raise NothingSold(f"{self.folder / 'lines'}: not one order line")
        return table

    def _known(self, table: pa.Table) -> pa.Table:
        """The lines up to the cutoff: a later one may not even decide which products are refused."""
        return table.filter(pc.less_equal(table["created_on"], pa.scalar(self.cutoff_on, pa.date32())))

    def sales(self) -> DailySales:
        """Units per product and day up to the cutoff; series are the product ids as text. Read once per dataset."""
        return self._sales

    @cached_property
    def _sales(self) -> DailySales:
        table = self.lines(["order_id", "product_id", "units", "price"])
        day = table["created_on"].cast(pa.int32()).to_numpy().astype(np.int64)
        ids, codes = numbered(table["product_id"].to_numpy())
        orders = len(numbered(table["order_id"].to_numpy())[0])
        country = self.country if self.country and calendars.is_known(self.country) else None
        sales = from_arrays(
            [str(i) for i in ids],
            codes,
            day,
            table["units"].to_numpy().astype(np.float64),
            table["price"].to_numpy().astype(np.float64),
            last_day=self.cutoff_day,
            orders=orders,
            country=country,
        )
        sales = replace(sales, is_out=self._out_of_stock(sales), kinds=self._kinds(), collections=self._collections())
        table, plan = self._given(self.signals_file, signals.FILES), self._given(self.promotions_file, promotions.FILES)
        sales = replace(sales, signals=signals.read(table) if table else None)
        return promotions.planned(sales, promotions.read(plan) if plan else None)

    def _given(self, named: Path | None, names: tuple[str, ...]) -> Path | None:
        """The file that was named, or else the one that lies in the folder."""
        return named or next((self.folder / name for name in names if (self.folder / name).is_file()), None)

    def _kinds(self) -> dict[str, tuple[str, ...]]:
        """Type, vendor and tags of each product, told apart by a letter; none without a catalogue."""
        file = self.folder / "products.parquet"
        if not file.is_file():
            return {}
        table = _columns(file, ["product_id", "product_type", "vendor", "tags"], PRODUCTS)
        return {
            str(row["product_id"]): _kinds_of(row["product_type"], row["vendor"], row["tags"])
            for row in table.to_pylist()
        }

    def types(self) -> dict[str, str]:
        """The type of each product that has one, by its number as text; none without a catalogue."""
        file = self.folder / "products.parquet"
        if not file.is_file():
            return {}
        table = _columns(file, ["product_id", "product_type"], PRODUCTS)
        told = zip(table["product_id"].to_pylist(), table["product_type"].to_pylist(), strict=True)
        return {str(number): kind.strip() for number, kind in told if kind and kind.strip()}

    def _collections(self) -> dict[int, Collection]:
        """The shop's collections by number, with their products; none when nobody told of them."""
        file = self.folder / "collections.parquet"
        if not file.is_file():
            return {}
        table = _columns(file, list(COLLECTIONS.required), COLLECTIONS)
        products: dict[int, list[str]] = defaultdict(list)
        titles: dict[int, str] = {}
        for product_id, number, title in zip(*(table[name].to_pylist() for name in COLLECTIONS.required), strict=True):
            products[number].append(str(product_id))
            titles[number] = title or ""
        return {number: Collection(titles[number], tuple(products[number])) for number in sorted(products)}

    def _out_of_stock(self, sales: DailySales) -> Bools | None:
        """Days at whose end a product was known to be out of stock, in the shape of the units; None without history."""
        file = self.folder / "stock.parquet"
        if not file.is_file():
            return None
        table = _columns(file, ["product_id", "changed_on", "is_in_stock"], STOCK)
        row_of = {name: row for row, name in enumerate(sales.series)}
        first = _day_number(sales.first_on)
        is_out = np.zeros(sales.units.shape, dtype=bool)
        changes = zip(*(table[name].to_pylist() for name in ("product_id", "changed_on", "is_in_stock")), strict=True)
        for product_id, changed_on, is_in_stock in changes:  # by product and day: each holds until the next
            row = row_of.get(str(product_id))
            if row is not None:
                is_out[row, max(_day_number(changed_on) - first, 0) :] = is_in_stock is False
        return is_out

    def baskets(self) -> Baskets:
        """Which products were bought together, order by order, up to the cutoff."""
        table = self.lines(["order_id", "product_id", "created_at", "customer"])
        seconds = table["created_at"].cast(pa.timestamp("s", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()
        order, product = (table[name].to_numpy() for name in ("order_id", "product_id"))
        return Baskets.of(order, product, age_days(seconds, self.looked_at), _numbered(table["customer"]))

    @property
    def looked_at(self) -> int:
        """The end of the cutoff day, in seconds since 1970: the moment that ages of orders are seen from."""
        return (self.cutoff_day + 1) * DAY_SECONDS

    def customers(self) -> NDArray[np.str_]:
        """The customers' pseudonyms, each at the number that `baskets` gives them."""
        names = self.lines(["customer"])["customer"].combine_chunks().dictionary_encode().dictionary
        return np.sort(names.to_numpy(zero_copy_only=False)).astype(np.str_)

    def steps(self) -> Steps | None:
        """Which product pages were opened after which, in weeks over by the cutoff; None when nobody told of views."""
        file = self.folder / "views.parquet"
        if not file.is_file():
            return None
        table = _columns(file, list(VIEWS.required), VIEWS)
        ends = table["week_on"].cast(pa.int32()).to_numpy().astype(np.float64) + 6
        age = self.cutoff_day - ends
        first, then, browsers = (table[name].to_numpy()[age >= 0] for name in ("product_id", "next_id", "browsers"))
        return Steps.of(first, then, age[age >= 0], browsers)

    def catalogue(self) -> Catalogue | None:
        """The products on sale with what describes them; None when the dataset has no catalogue."""
        file = self.folder / "products.parquet"
        if not file.is_file():
            return None
        try:
            products = pq.read_table(file).to_pandas()
        except pa.ArrowInvalid as wrong:
            raise BadData(f"{file}: not a Parquet file") from wrong
        check(products, PRODUCTS, str(file))
        return Catalogue.of(products[products["status"] == "active"])


def _kinds_of(product_type: str | None, vendor: str | None, tags: str | None) -> tuple[str, ...]:
    """What a product shares with others, the same however it is spelt."""
    named = [("t", product_type or ""), ("v", vendor or ""), *(("g", tag) for tag in (tags or "").split(","))]
    return tuple(f"{letter}:{' '.join(text.lower().split())}" for letter, text in named if text.strip())


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
    zone, currency, snapshot_id = (str(facts.get(key) or "") for key in ("time_zone", "currency", "snapshot_id"))
    return Dataset(folder, cutoff, facts.get("country") or None, zone, currency, snapshot_id)


def _read(file: Path, columns: list[str]) -> pa.Table:
    """Some columns of one file of lines; of a type every file shares, so that they can be joined."""
    return _columns(file, columns, LINES)


def _columns(file: Path, columns: list[str], contract: Contract) -> pa.Table:
    """Some columns of a file, of the types that its contract asks for."""
    try:
        table = pq.ParquetFile(file).read(columns=columns, use_threads=False)  # a worker has one core
    except (pa.ArrowInvalid, OSError) as wrong:
        raise BadData(f"{file}: not a Parquet file ({wrong})") from wrong
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise BadData(f"{file}: missing {', '.join(missing)}")
    types = {
        "any": pa.string(),
        "text": pa.string(),
        "flag": pa.bool_(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "day": pa.date32(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    try:
        return table.cast(pa.schema([(name, types[contract.required[name]]) for name in table.column_names]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as wrong:
        raise BadData(f"{file}: a column has the wrong type ({wrong})") from wrong


def _numbered(names: pa.ChunkedArray) -> Ints:
    """A number for each name, in alphabetical order so that the order of the lines does not matter; -1 for none."""
    encoded = names.combine_chunks().dictionary_encode()
    rank = np.argsort(np.argsort(encoded.dictionary.to_numpy(zero_copy_only=False)))
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.where(codes < 0, -1, np.append(rank, -1)[codes])


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days
