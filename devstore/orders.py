"""The orders of one shop as the API shows them now: never a version from the future of the business clock."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from devstore.clock import BusinessClock
from devstore.payloads import order_of
from devstore.sales.model import Event, Order, Sales

DAYS_KEPT = 16
"""Days of whole orders that stay in memory while pages are turned."""
WHOLE_ORDER = ("orders/updated", "orders/cancelled")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index knows about an order, under the names of `Order`."""

    order_id: int
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    test: bool


Wanted = Callable[[Order | Entry], bool]


class OrderBook:
    """Finds orders by id, filter and position without holding them; the source of sales is read again as needed."""

    def __init__(self, sales: Sales, clock: BusinessClock) -> None:
        self._sales, self._clock = sales, clock
        self._lock = threading.RLock()
        self._changed_on: date = clock.day
        self._changed: dict[int, Order] = {}
        self._entries: dict[int, Entry] = {}
        self._moved: dict[int, Entry] = {}
        """Every order that changed since this process started: the index must not forget it while it grows."""
        self._deleted: set[int] = set()
        self._indexed: tuple[date, date] | None = None
        self._days: OrderedDict[tuple[date, date], dict[int, Order]] = OrderedDict()
        for event in sales.day(clock.day)[: clock.sold] if clock.sold else ():
            self.observe(event)

    def observe(self, event: Event) -> None:
        """Remember the newest announced version of an order, until the source of sales knows it: after the day."""
        if event.topic == "orders/delete":
            self._deleted.add(int(event.payload["id"]))
        if event.topic not in WHOLE_ORDER:
            return
        changed = order_of(event.payload)
        with self._lock:
            if self._changed_on != self._clock.day:
                self._changed_on, self._changed = self._clock.day, {}
            self._changed[changed.order_id] = changed
            self._moved[changed.order_id] = _entry(changed)
            if changed.order_id in self._entries:
                self._entries[changed.order_id] = _entry(changed)

    def stream(self, since: datetime | None, wanted: Wanted) -> Iterator[Order]:
        """All matching orders created since then, oldest first, one at a time; the index learns from it."""
        now, start, end = self._clock.now, self._first_day(since), self._clock.day
        passed: list[Entry] = []
        for order in self._read(start, end):
            current = self._settle(order, max(now, order.created_at))
            passed.append(_entry(current))
            if order.order_id in self._deleted:
                continue
            if order.created_at <= now and (since is None or order.created_at >= since) and wanted(current):
                yield current
        self._learn(start, end, passed)

    def entries(self, since: datetime | None, wanted: Wanted) -> list[Entry]:
        """Index entries of all matching orders created since then, in no order."""
        now = self._clock.now
        with self._lock:
            self._index(self._first_day(since))
            known = [entry for entry in self._entries.values() if entry.order_id not in self._deleted]
        return [
            entry
            for entry in known
            if entry.created_at <= now and (since is None or entry.created_at >= since) and wanted(entry)
        ]

    def load(self, entry: Entry) -> Order:
        """The whole order of an index entry."""
        day = self._clock.local_day(entry.created_at)
        return self._settle(self._day(day)[entry.order_id], self._clock.now)

    def get(self, order_id: int, since: datetime | None) -> Order | None:
        """One order by id, None when there is none created since then."""
        with self._lock:
            self._index(self._first_day(since))
            entry = self._entries.get(order_id)
        if (
            entry is None
            or order_id in self._deleted
            or entry.created_at > self._clock.now
            or (since and entry.created_at < since)
        ):
            return None
        return self.load(entry)

    def _first_day(self, since: datetime | None) -> date:
        return max(self._sales.first_day, self._clock.local_day(since)) if since else self._sales.first_day

    def _read(self, start: date, end: date) -> Iterator[Order]:
        """Orders as they stood when the day in progress began."""
        return self._sales.orders(start, end, self._clock.day - timedelta(days=1))

    def _settle(self, order: Order, now: datetime) -> Order:
        if self._changed_on == self._clock.day and order.order_id in self._changed:
            return self._changed[order.order_id]
        return order if order.updated_at <= now else as_created(order)

    def _index(self, start: date) -> None:
        """Know every order from that day on. Reads only the days that are not known yet."""
        end, day = self._clock.day, timedelta(days=1)
        first, last = self._indexed or (end + day, end)
        if start < first:
            self._learn(start, first - day, map(_entry, self._read(start, first - day)))
        if end > last:
            self._learn(last + day, end, map(_entry, self._read(last + day, end)))

    def _learn(self, start: date, end: date, entries: Iterable[Entry]) -> None:
        """Take in all orders of some days, if they join on to the days that are known."""
        with self._lock:
            first, last = self._indexed or (start, end)
            if start > last + timedelta(days=1) or end < first - timedelta(days=1):
                return
            for entry in entries:
                self._entries.setdefault(entry.order_id, self._moved.get(entry.order_id, entry))
            self._indexed = (min(first, start), max(last, end))

    def _day(self, day: date) -> dict[int, Order]:
        with self._lock:
            key = (day, self._clock.day)
            kept = self._days.get(key)
            if kept is None:
                kept = self._days[key] = {order.order_id: order for order in self._read(day, day)}
                while len(self._days) > DAYS_KEPT:
                    self._days.popitem(last=False)
            return kept


def as_created(order: Order) -> Order:
    """The order before anything happened to it."""
    lines = tuple(replace(line, current_quantity=line.quantity) for line in order.lines)
    return replace(order, updated_at=order.created_at, cancelled_at=None, lines=lines, refunds=())


def _entry(order: Order) -> Entry:
    return Entry(order.order_id, order.created_at, order.updated_at, order.cancelled_at, order.test)
