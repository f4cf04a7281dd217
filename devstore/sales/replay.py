"""A shop that sells what an order file says was sold, on the days it was sold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from devstore.sales import money, plain_format, retail_format
from devstore.sales.arrays import Ints, Small
from devstore.sales.ledger import NEVER
from devstore.sales.model import Event, Line, Order, Product, ShopFacts
from devstore.sales.moments import DAY, moment
from devstore.sales.order_file import OrderFile
from devstore.sales.orders import LINE_BASE
from devstore.sales.payloads import order_payload, product_payload
from devstore.sales.shelf import Shelf, stocked
from devstore.sales.sold_lines import SoldLines

FACTS = ShopFacts(name="Replayed Orders", currency="GBP", time_zone="Europe/London", country="GB")
AVAILABLE = 999
"""An order file knows no stock: a replayed shop is never sold out."""
LIVE_DAYS = 91
"""Days at the end of the file that are still to come when nobody says how far the history goes."""


@dataclass(frozen=True)
class _Orders:
    """Orders by time as columns; `line_start` has one entry more than there are orders."""

    order_id: Ints
    customer: Ints
    created: Ints
    total: Ints
    line_start: Ints
    product: Small
    """Position on the shelf."""
    units: Small
    cents: Small


class ReplayedSales:
    """Sales of an order file, Parquet or CSV.

    Understands the columns of Online Retail II (cleaned as `retail_format` says) and plain ones (`order_file.PLAIN`).
    Times without a zone are the shop's own. Orders never change: the file's returns are left out. Stock is endless.
    Raises ValueError with one line when the file or `history_until` does not fit.
    """

    def __init__(self, path: Path | str, history_until: date | None = None, facts: ShopFacts = FACTS) -> None:
        file = OrderFile(Path(path))
        lines = (retail_format if file.retail else plain_format).sold(file, facts.time_zone)
        pa.default_memory_pool().release_unused()
        if not len(lines):
            raise ValueError(f"{path} holds no line that was sold")
        self.facts = facts
        self._zone = ZoneInfo(facts.time_zone)
        self._shelf = stocked(lines, self._zone)
        self._orders = _sorted(lines, self._shelf)
        self._by_id = {product.product_id: index for index, product in enumerate(self._shelf.products)}
        self.first_day = date.fromordinal(int(self._orders.created[0]) // DAY)
        self.last_day: date | None = date.fromordinal(int(self._orders.created[-1]) // DAY)
        self.history_until = self._history_until(history_until, self.last_day)

    def products(self, on: date) -> list[Product]:
        """All products sold up to that day."""
        return [self._shelf.products[index] for index in np.flatnonzero(self._shelf.first_day <= on.toordinal())]

    def available(self, product_id: int, on: date) -> int:
        """The same for every product and day; KeyError when the file has no such product."""
        del on
        self._by_id[product_id]
        return AVAILABLE

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        """Orders created on the days start..end, oldest first; one day's worth in memory at a time."""
        del as_of  # Nothing of a replayed order ever changes.
        days = range(max(start, self.first_day).toordinal(), end.toordinal() + 1)
        for ordinal in days:
            yield from self._orders_of(ordinal)

    def day(self, on: date) -> list[Event]:
        """Products first sold that day, then its orders in order of time."""
        return [*self._launches(on.toordinal()), *self._sales(on.toordinal())]

    def _launches(self, ordinal: int) -> Iterator[Event]:
        for index in np.flatnonzero(self._shelf.first_day == ordinal):
            product = self._shelf.products[index]
            yield Event("products/create", product.created_at, product_payload(product, AVAILABLE))

    def _sales(self, ordinal: int) -> Iterator[Event]:
        for order in self._orders_of(ordinal):
            yield Event("orders/create", order.created_at, order_payload(order, self.facts))

    def _orders_of(self, ordinal: int) -> Iterator[Order]:
        columns = self._orders
        first, last = np.searchsorted(columns.created, [ordinal * DAY, (ordinal + 1) * DAY]).tolist()
        starts = columns.line_start[first : last + 1].tolist()
        lines = self._lines(starts[0], starts[-1]) if starts else []
        for position in range(first, last):
            customer = columns.customer.item(position)
            created = moment(columns.created.item(position), self._zone)
            start, end = starts[position - first], starts[position - first + 1]
            yield Order(
                order_id=columns.order_id.item(position),
                customer_id=None if customer == NEVER else customer,
                created_at=created,
                updated_at=created,
                cancelled_at=None,
                test=False,
                total_price=money.text(columns.total.item(position)),
                lines=tuple(lines[start - starts[0] : end - starts[0]]),
            )

    def _lines(self, start: int, end: int) -> list[Line]:
        """Lines of one day; positional arguments because a million of them are made."""
        shelf, columns = self._shelf.products, self._orders
        sold = zip(
            range(start, end),
            columns.product[start:end].tolist(),
            columns.units[start:end].tolist(),
            columns.cents[start:end].tolist(),
            strict=True,
        )
        return [_line(LINE_BASE + number, shelf[index], units, cents) for number, index, units, cents in sold]

    def _history_until(self, wanted: date | None, last_day: date) -> date:
        until = wanted or max(last_day - timedelta(days=LIVE_DAYS), self.first_day)
        if not self.first_day <= until <= last_day:
            raise ValueError(f"the orders run from {self.first_day} to {last_day}; history cannot end on {until}")
        return until


def _line(line_id: int, product: Product, units: int, cents: int) -> Line:
    return Line(
        line_id, product.product_id, product.variant_id, product.sku, product.title, units, units, money.text(cents)
    )


def _sorted(lines: SoldLines, shelf: Shelf) -> _Orders:
    """Orders by time (then id); an order whose lines carry several times was placed at the first of them."""
    created = np.full(len(lines.order.ids), np.iinfo(np.int64).max)
    np.minimum.at(created, lines.order.position, lines.created)
    sequence = np.lexsort((lines.order.ids, created))[: len(np.unique(lines.order.position))]
    place = np.zeros(len(created), dtype=np.int32)
    place[sequence] = np.arange(len(sequence))
    order = place[lines.order.position]
    by_time = np.argsort(order, kind="stable")
    line_start = np.concatenate([[0], np.cumsum(np.bincount(order))])
    return _Orders(
        order_id=lines.order.ids[sequence],
        customer=lines.customer.ids[lines.customer.position[by_time[line_start[:-1]]]],
        created=created[sequence],
        total=np.bincount(order, lines.units.astype(np.float64) * lines.cents).astype(np.int64),
        line_start=line_start,
        product=shelf.position[by_time],
        units=lines.units[by_time],
        cents=lines.cents[by_time],
    )
