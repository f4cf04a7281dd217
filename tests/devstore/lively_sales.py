"""A small shop in whose first live days everything happens to orders and products that can."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from devstore.sales.edits import order_edit_payload
from devstore.sales.model import Event, Order, Product
from devstore.sales.payloads import inventory_level_payload, order_payload, product_payload
from tests.devstore.few_sales import FewSales, at

EDITED, DELETED, PRICED, CANCELLED, TEST, GONE = (date(2026, 5, day) for day in range(2, 8))


@dataclass
class LivelySales(FewSales):
    """On EDITED the first order loses a line and gets more of another; on DELETED the day's first order is deleted.

    On PRICED the first product gets cheaper, on CANCELLED an order is cancelled, on TEST one is a test, and on GONE the
    third product is deleted. The stock of every product is told each day.
    """

    def products(self, on: date) -> list[Product]:
        shown = [one for one in super().products(on) if one.product_id != 3 or on < GONE]
        cheaper = replace(shown[0], price="8.25", updated_at=at(PRICED, 10))
        return [cheaper if on >= PRICED else shown[0], *shown[1:]]

    def available(self, product_id: int, on: date) -> int:
        return 0 if product_id == 2 and on == TEST else super().available(product_id, on) + product_id

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        known = as_of or max(end, self.history_until)
        for order in super().orders(start, end, as_of):
            if not (known >= DELETED and self._is_first(order, DELETED)):
                yield self._as_of(order, known)

    def day(self, on: date) -> list[Event]:
        events = [event for event in super().day(on) if event.topic != "orders/create"]
        for placed in (self._order(on, place, on - timedelta(days=1)) for place in range(self.per_day)):
            order = replace(placed, test=on == TEST and self._is_first(placed, TEST))
            events.append(Event("orders/create", order.created_at, order_payload(order, self.facts)))
            events += self._later(order, on)
        events += [self._level(product, on) for product in self.products(on)]
        if on == PRICED:
            events.append(Event("products/update", at(on, 10), product_payload(self.products(on)[0], 7)))
        if on == GONE:
            events.append(Event("products/delete", at(on, 11), {"id": 3}))
        return sorted(events, key=lambda event: event.at)

    def _later(self, order: Order, on: date) -> Iterator[Event]:
        if on == DELETED and self._is_first(order, DELETED):
            yield Event("orders/delete", at(on, 20), {"id": order.order_id})
        elif (changed := self._as_of(order, on)) != order:
            payload = order_payload(changed, self.facts)
            if changed.cancelled_at:
                yield Event("orders/cancelled", changed.updated_at, payload)
            else:
                edit = order_edit_payload(order.order_id + 900_000, order, changed)
                yield Event("orders/edited", changed.updated_at, edit)
            yield Event("orders/updated", changed.updated_at, payload)

    def _as_of(self, order: Order, known: date) -> Order:
        if known >= EDITED and self._is_first(order, EDITED):
            first, second, *others = order.lines
            lines = (replace(first, current_quantity=0), replace(second, current_quantity=9), *others)
            return replace(order, updated_at=at(EDITED, 13), lines=lines)
        if known >= CANCELLED and self._is_first(order, CANCELLED):
            return replace(order, updated_at=at(CANCELLED, 14), cancelled_at=at(CANCELLED, 14))
        return replace(order, test=True) if self._is_first(order, TEST) else order

    def _is_first(self, order: Order, on: date) -> bool:
        return order.created_at == at(on, 9)

    def _level(self, product: Product, on: date) -> Event:
        when = at(on, 21)
        payload = inventory_level_payload(product, self.available(product.product_id, on), when)
        return Event("inventory_levels/update", when, payload)
