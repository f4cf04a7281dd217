"""Replaying: rows of sealed events, made anew in another database, by the same readers as the first time.

Only rows are made: no job is asked for, nobody is told. Pseudonyms come with the facts, so no customer's key is needed
and none is copied: the other database knows the same purchases as one person's, and no way to that person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.batches import batches
from shopify_app.db import Database
from shopify_app.errors import Conflict
from shopify_app.records import archive, days, facts, ingest, orders, payloads, products, shops
from shopify_app.records.inbox import WHOLE_ORDER
from shopify_app.records.objects import Objects
from shopify_app.records.payloads import OrderRecord
from shopify_app.records.seal import Seal
from shopify_app.records.segments import Entry, Opened
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Event, EventState, Order, Product, Shop

CHUNK = 400
ORDERS = (*WHOLE_ORDER, "orders/partially_fulfilled")
WAITING = (EventState.PENDING, EventState.PARKED)


@dataclass(frozen=True)
class Replayed:
    """What a replay of one shop's events came to."""

    shop: str
    events: int
    orders: int
    products: int
    not_yet_rows: int
    """Events of the range that wait or are parked: they are rows nowhere."""


def into(
    source: Database, objects: Objects, seal: Seal, target: Database, shop: Shop, first: int, last: int
) -> Replayed:
    """Make the rows of the shop's events with these numbers in `target`, where the shop must have none.

    Events that are rows but not sealed yet are sealed first. Raises Conflict for a database that an app works on, by
    whatever address, for a shop that has rows there, or whose events somebody else is busy with, and Expired when some
    of the range are no longer kept.
    """
    archive.seal_shop(source, objects, seal, shop.domain)
    with source.reading() as db:
        _check_sealed(db, shop)
        archive.check_kept(db, shop.id, first, last)
        applied = apply(target, shop.domain, archive.entries(db, objects, shop.id, first, last))
        theirs = Event.shop == shop.domain, Event.seq.between(first, last), Event.state.in_(WAITING)
        waiting = len(db.scalars(select(Event.seq).where(*theirs)).all())
    with target.reading() as db:
        again = shops.by_domain(db, shop.domain)
        sold = set(db.scalars(select(Order.order_id).where(Order.shop_id == again.id))) if again else set()
        goods = set(db.scalars(select(Product.product_id).where(Product.shop_id == again.id))) if again else set()
    return Replayed(shop.domain, applied, len(sold), len(goods), waiting)


def apply(target: Database, domain: str, entries: Iterable[tuple[Entry, Opened]]) -> int:
    """Make the rows of these entries, whatever order they come in; how many entries that were."""
    with target.transaction() as db:
        _check_empty(db, domain)
    total = 0
    for chunk in batches(entries, CHUNK):
        with target.transaction() as db:
            for told, some in groupby(chunk, key=lambda pair: pair[1].shop):
                _apply(db, _shop(db, told), [entry for entry, _ in some])
        total += len(chunk)
    return total


def _check_sealed(db: Session, shop: Shop) -> None:
    waiting = Event.shop == shop.domain, Event.state == EventState.APPLIED
    if db.scalar(select(Event.seq).where(*waiting).limit(1)) is not None:
        raise Conflict(f"a worker is busy with the events of {shop.domain}; try again in a minute")


def _check_empty(db: Session, domain: str) -> None:
    if db.scalar(select(Event.seq).limit(1)) is not None:
        raise Conflict("an app takes deliveries into that database: replay into an empty one")
    there = shops.by_domain(db, domain)
    if there is not None and db.scalar(select(Order.order_id).where(Order.shop_id == there.id).limit(1)) is not None:
        raise Conflict(f"{domain} has orders in that database: replay into an empty one")


def _shop(db: Session, told: Mapping[str, Any]) -> Shop:
    """The shop as it was when the events were sealed, without the app: nothing is done for it there."""
    shop = shops.by_domain(db, told["domain"])
    if shop is None:
        known = ShopFacts(told["name"], told["currency"], told["time_zone"], told["country"])
        shop = shops.install(db, told["domain"], known, "", clock.now())
        shops.needs_reopening(db, shop.id)
    for name in ("name", "currency", "time_zone", "country"):
        setattr(shop, name, told[name])
    db.flush()
    return shop


def _apply(db: Session, shop: Shop, entries: Sequence[Entry]) -> None:
    for is_order, some in groupby(entries, key=lambda entry: entry.topic in ORDERS):
        if is_order:
            _store(db, shop, [_order(entry.facts, entry) for entry in some])
        else:
            for entry in some:
                _one(db, shop, entry)


def _one(db: Session, shop: Shop, entry: Entry) -> None:
    told = entry.facts
    if entry.topic == facts.OWN_ORDERS:
        _store(db, shop, [_own(one) for one in told["orders"]], is_history=told["is_history"])
    elif entry.topic == facts.OWN_PRODUCTS:
        products.store(db, shop, [payloads.product(one) for one in told["products"]])
    elif entry.topic == facts.OWN_STOCK:
        levels = (payloads.stock_level(one) for one in told["levels"])
        products.count_stock(db, shop, [level for level in levels if level is not None])
    elif entry.topic == facts.OWN_ORDERS_GONE:
        for number in told["ids"]:
            orders.erase(db, shop, number)
    elif entry.topic == facts.OWN_PRODUCTS_GONE:
        for number in told["ids"]:
            products.delete(db, shop, number, clock.parse(told["at"]))
    elif entry.topic in facts.SHAPES:
        ingest.apply(db, shop, entry.topic, told, business_clock="wall", at=entry.at, told_at=entry.told_at)


def _store(db: Session, shop: Shop, records: Sequence[OrderRecord], *, is_history: bool = False) -> None:
    orders.store(db, shop, records, is_backfilled=is_history)
    days.advance(db, shop, [max(record.created_at, record.updated_at) for record in records])


def _order(told: Mapping[str, Any], entry: Entry) -> OrderRecord:
    return replace(payloads.order(told, entry.told_at), pseudonym=entry.customer)


def _own(told: Mapping[str, Any]) -> OrderRecord:
    at = told.get("told_at")
    return replace(payloads.order(told, clock.parse(at) if at else None), pseudonym=told.get("pseudonym"))
