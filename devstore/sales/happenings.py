"""What a synthetic day sends out: the webhooks that Shopify would have fired, oldest first."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np

from devstore.sales.ledger import NEVER, Day, Ledger
from devstore.sales.model import Event, Order, ShopFacts
from devstore.sales.moments import DAY, moment
from devstore.sales.orders import Clerk
from devstore.sales.payloads import inventory_level_payload, order_payload, product_payload, refund_payload


def of_day(ledger: Ledger, day: Day, clerk: Clerk, facts: ShopFacts) -> list[Event]:
    """Every event of that day. Stock levels are sent once per product and day, after its last movement."""
    events = [
        *_products(ledger, day, clerk),
        *_new_orders(day, clerk, facts),
        *_changed_orders(ledger, day, clerk, facts),
    ]
    events.extend(_stock(day, clerk, ZoneInfo(facts.time_zone)))
    return sorted(events, key=lambda event: event.at)


def _products(ledger: Ledger, day: Day, clerk: Clerk) -> Iterator[Event]:
    """Launches and price changes; the first day of the history brings none, its catalogue was there before."""
    if day.ordinal == ledger.first_ordinal:
        return
    before = ledger.day(day.ordinal - 1)
    for index in np.flatnonzero(day.live & (day.priced_on == day.ordinal)):
        product = clerk.product(day, int(index))
        topic = "products/update" if before.live[index] else "products/create"
        yield Event(topic, clerk.morning(day.ordinal, int(index)), product_payload(product, int(before.on_hand[index])))


def _new_orders(day: Day, clerk: Clerk, facts: ShopFacts) -> Iterator[Event]:
    for position, created in enumerate(day.created):
        order = clerk.order(day, position, int(created))
        yield Event("orders/create", order.created_at, order_payload(order, facts))


def _changed_orders(ledger: Ledger, day: Day, clerk: Clerk, facts: ShopFacts) -> Iterator[Event]:
    """Cancellations, refunds and notes; Shopify sends `orders/updated` along with the first two."""
    for origin, position in ledger.changes.get(day.ordinal, ()):
        sold = ledger.day(origin)
        for column in (sold.cancelled, sold.refunded, sold.noted):
            when = int(column[position])
            if when != NEVER and when // DAY == day.ordinal:
                yield from _change(clerk.order(sold, position, when), column is sold.noted, facts)


def _change(order: Order, only_a_note: bool, facts: ShopFacts) -> Iterator[Event]:
    payload, when = order_payload(order, facts), order.updated_at
    if not only_a_note:
        if order.cancelled_at:
            yield Event("orders/cancelled", when, payload)
        yield Event("refunds/create", when, refund_payload(order.refunds[-1], order, facts))
    yield Event("orders/updated", when, payload)


def _stock(day: Day, clerk: Clerk, zone: ZoneInfo) -> Iterator[Event]:
    for index in np.flatnonzero(day.moved != NEVER):
        when, available = moment(int(day.moved[index]), zone), int(day.on_hand[index])
        product = clerk.product(day, int(index))
        yield Event("inventory_levels/update", when, inventory_level_payload(product, available, when))
