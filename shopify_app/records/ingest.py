"""From a payload to rows: one function per topic. The newest version wins, repeated ones change nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.records import days, facts, feeds, jobs, orders, own, payloads, products, shops
from shopify_app.records.days import open_day
from shopify_app.records.goods import ProductRecord
from shopify_app.records.inbox import WHOLE_ORDER, WHOLE_PRODUCT
from shopify_app.records.payloads import OrderRecord, StockRecord
from shopify_app.tables import Shop, ShopState

__all__ = ["apply", "apply_backfill", "apply_orders", "apply_products", "open_day"]

READING = ("backfill", "catalogue", "mailing", "reconcile")
"""Jobs that read from Shopify."""
SCOPES = "scopes"
"""The feed that remembers when the known scopes were told."""


@dataclass(frozen=True)
class Incoming:
    """One event on its way to rows. `at` is the real time Shopify triggered it."""

    db: Session
    shop: Shop
    topic: str
    payload: Mapping[str, Any]
    at: datetime
    business_clock: str
    told_at: datetime | None = None
    """The same, but None when Shopify did not say when."""


def apply(
    db: Session,
    shop: Shop,
    topic: str,
    payload: Mapping[str, Any],
    *,
    business_clock: str,
    at: datetime | None = None,
    told_at: datetime | None = None,
) -> None:
    """Make rows of one event, with all that follows from it, in the caller's transaction.

    Raises ValueError for a payload or topic that cannot be understood. Privacy requests are `privacy.comply`'s.
    """
    read = TOPICS.get(topic)
    if read is None:
        raise ValueError(f"nothing here reads the topic {topic!r}")
    if shop.state != ShopState.UNINSTALLED:
        checked = payloads.mapping(payload, "the payload")
        read(Incoming(db, shop, topic, checked, at or clock.now(), business_clock, told_at))


def apply_orders(db: Session, shop: Shop, records: Sequence[OrderRecord], *, business_clock: str) -> None:
    """What `apply` does for each of several orders in a row, at once: far fewer statements, the same rows."""
    if not records or shop.state == ShopState.UNINSTALLED:
        return
    stored = orders.store(db, shop, records)
    first = {record.order_id: record for record in reversed(records)}
    counted = sum(first[order_id].counts for order_id in stored.new)
    days.advance(db, shop, _moments(records), new_orders=counted, business_clock=business_clock)


def restore_orders(db: Session, shop: Shop, records: Sequence[OrderRecord], *, business_clock: str) -> None:
    """The same for orders that the app read by itself because no webhook brought them; the archive keeps them."""
    apply_orders(db, shop, records, business_clock=business_clock)
    own.keep_orders(db, shop, records, is_history=False)


def apply_backfill(db: Session, shop: Shop, records: Sequence[OrderRecord], *, business_clock: str) -> int:
    """Store a piece of the shop's history; how many orders of it were new or newer. A second time stores none.

    History counts towards no retrain and has no nights, but the shop's business time moves on to its newest moment.
    """
    if not records:
        return 0
    stored = orders.store(db, shop, records, is_backfilled=True)
    own.keep_orders(db, shop, records, is_history=True)
    days.advance(db, shop, _moments(records))
    if business_clock == "data":
        days.settle(db, shop)
    return len(stored.written)


def apply_products(db: Session, shop: Shop, records: Sequence[ProductRecord]) -> None:
    """Store products of the catalogue where no newer version is here; the archive keeps those that were news."""
    own.keep_products(db, shop, products.store(db, shop, records))


def apply_stock(db: Session, shop: Shop, records: Sequence[StockRecord]) -> None:
    """Store what places have, as the app read it by itself; the archive keeps what was news."""
    own.keep_stock(db, shop, products.count_stock(db, shop, records))


def erase_orders(db: Session, shop: Shop, numbers: Sequence[int]) -> int:
    """Erase orders that Shopify no longer has; how many of them were here."""
    own.keep_gone(db, shop, facts.OWN_ORDERS_GONE, numbers)
    return sum(orders.erase(db, shop, number) for number in numbers)


def delete_products(db: Session, shop: Shop, numbers: Sequence[int]) -> None:
    """Mark products as gone that Shopify no longer has."""
    at = own.keep_gone(db, shop, facts.OWN_PRODUCTS_GONE, numbers)
    for number in numbers:
        products.delete(db, shop, number, at)


def _moments(records: Sequence[OrderRecord]) -> list[datetime]:
    return [max(record.created_at, record.updated_at) for record in records]


def _order(event: Incoming) -> None:
    apply_orders(
        event.db, event.shop, [payloads.order(event.payload, event.told_at)], business_clock=event.business_clock
    )


def _refund(event: Incoming) -> None:
    record = payloads.refund(event.payload)
    orders.take_back(event.db, event.shop, record)
    days.advance(event.db, event.shop, [record.created_at], business_clock=event.business_clock)


def _order_gone(event: Incoming) -> None:
    orders.erase(event.db, event.shop, payloads.whole(event.payload, "id"))


def _product(event: Incoming) -> None:
    record = payloads.product(event.payload)
    products.store(event.db, event.shop, [record])
    if not record.is_whole:
        jobs.ask(event.db, event.shop.id, "catalogue", "a product has more variants than a webhook tells")


def _product_gone(event: Incoming) -> None:
    products.delete(event.db, event.shop, payloads.whole(event.payload, "id"), event.at)


def _stock(event: Incoming) -> None:
    record = payloads.stock_level(event.payload)
    if record is not None:
        products.count_stock(event.db, event.shop, [record])


def _uninstalled(event: Incoming) -> None:
    """Its data stays until `shop/redact`; what was being read is read from the start after a new installation.

    The shop's name in the header is not signed, the one in the body is.
    """
    if event.payload.get("myshopify_domain", event.shop.domain) != event.shop.domain:
        raise ValueError("the delivery names another shop than its header")
    if shops.uninstall(event.db, event.shop, event.at):
        jobs.drop(event.db, event.shop.id, READING, "the app was uninstalled")


def _scopes(event: Incoming) -> None:
    """All of the past may be readable now: read it. A late word of older scopes changes nothing."""
    current = event.payload.get("current")
    if not isinstance(current, list) or not all(isinstance(scope, str) for scope in current):
        raise ValueError("current is no list of scopes")
    known = feeds.of(event.db, event.shop.id, SCOPES)
    if known is not None and known.reached_at is not None and known.reached_at >= event.at:
        return
    feeds.done(event.db, event.shop.id, SCOPES, reached_at=event.at)
    could = event.shop.scopes.split(",")
    event.shop.scopes = ",".join(current)[:2000]
    if "read_all_orders" in current and "read_all_orders" not in could:
        jobs.ask(event.db, event.shop.id, "backfill", "read_all_orders was granted", payload={"state": {}})
    if "write_pixels" in current and "write_pixels" not in could:
        jobs.ask(event.db, event.shop.id, "pixel", "write_pixels was granted")
    event.db.flush()


def _collected(event: Incoming) -> None:
    """Shopify has the result that a job of ours waits for."""
    jobs.hurry(event.db, event.shop.id, READING)


def _nothing(_event: Incoming) -> None:
    """Another topic tells the same in full, or a job that runs looks by itself."""


TOPICS: dict[str, Callable[[Incoming], None]] = {
    **dict.fromkeys(WHOLE_ORDER, _order),
    **dict.fromkeys(WHOLE_PRODUCT, _product),
    "orders/partially_fulfilled": _order,
    "orders/edited": _nothing,
    "orders/delete": _order_gone,
    "refunds/create": _refund,
    "products/delete": _product_gone,
    "inventory_levels/update": _stock,
    "app/uninstalled": _uninstalled,
    "app/scopes_update": _scopes,
    "bulk_operations/finish": _collected,
}
