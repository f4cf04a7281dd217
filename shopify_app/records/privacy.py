"""The three requests every Shopify app has to answer: what is known of a customer, forget one, forget a shop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.log import log
from shopify_app.records import (
    archive,
    customers,
    erasing,
    exports,
    inbox,
    keys,
    mailings,
    mentions,
    payloads,
    receipts,
    searching,
    shops,
    tombstones,
    views,
)
from shopify_app.records.erasing import Leftovers
from shopify_app.records.mentions import Looked, Person
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Order, Shop

TOPICS = inbox.REQUESTS


@dataclass(frozen=True)
class Known:
    """A person with all orders that could be found, what a receipt says of that, and what waits and tells of them."""

    person: Person
    told: Mapping[str, int] = field(default_factory=dict)
    looked: Looked | None = None
    sealed: int = 0
    """How many events were sealed before."""


def identify(db: Session, objects: Objects, seal: Seal, domain: str, topic: str, payload: Any) -> Known | None:
    """Who is to be forgotten, and which deliveries tell of them; takes time and changes nothing, so do it before.

    None when nobody is, or nobody can tell from the request.
    """
    shop = shops.by_domain(db, domain)
    if shop is None or topic != "customers/redact" or not isinstance(payload, Mapping):
        return None
    try:
        person = Person.of(payload, "orders_to_redact")
    except ValueError:
        return None
    person, told = searching.known_by_address(db, objects, seal, shop, person)
    return Known(person, told, mentions.look(db, seal, domain, person))


def comply(
    db: Session,
    objects: Objects,
    seal: Seal,
    domain: str,
    topic: str,
    payload: Mapping[str, Any],
    known: Known | None = None,
) -> Leftovers:
    """Do what a privacy request asks, in the caller's transaction, which holds the shop's events. Repeating is fine.

    `known` is what `identify` found. Raises ValueError when the request names another shop than it was delivered for,
    or cannot be understood.
    """
    told = payloads.mapping(payload, "the request")
    if told.get("shop_domain") != domain:
        raise ValueError("the request names another shop than its delivery")
    shop = shops.by_domain(db, domain)
    if topic == erasing.TOPIC:
        return erasing.rest(db, domain)
    if topic == "customers/redact":
        known = known or Known(Person.of(told, "orders_to_redact"))
        return redact_customer(db, objects, seal, shop, known) if shop else Leftovers()
    person = Person.of(told, "orders_requested")
    if shop is not None:
        export_id = exports.ask(db, shop, person, _request_id(told))
        log.info("customer data requested", shop=domain, export=export_id)
    return Leftovers()


def redact_customer(db: Session, objects: Objects, seal: Seal, shop: Shop, known: Known) -> Leftovers:
    """Cut the customer off from their orders for good, and make their payloads unreadable wherever copies lie.

    Events that are rows but not sealed yet are sealed first: their facts stay, under the pseudonym. What was sold
    stays, so every snapshot keeps its hash and a replay makes it again. Tombstones keep late deliveries from tying it
    again.
    """
    person = known.person
    sealed = known.sealed + archive.seal_here(db, objects, seal, shop)
    keys.of(db, shop.id)
    secret = keys.find(db, shop.id, alone=True)
    assert secret is not None
    marks = person.customers(db, secret)
    orders = _orders_of(db, shop.id, customers.named(db, shop.id, marks)) | person.order_ids
    forgotten = customers.forget(db, secret, marks)
    tombstones.put(db, secret, "buyer", orders)
    erased = keys.erase(db, shop.id, marks | {secret.mark("order", one) for one in orders})
    stripped = mentions.strip(db, seal, shop.domain, person, known.looked)
    files = exports.forget(db, secret, marks | {person.mark(secret)})
    mailed = mailings.forget(db, shop.id)
    seen = views.forget(db, shop.id, orders)
    told = {
        "customers": forgotten,
        "keys": erased,
        "orders_kept_without_customer": _count(db, shop.id, orders),
        "deliveries_stripped": stripped,
        "events_sealed_before": sealed,
        "exports": len(files),
        "mailings": len(mailed),
        "views": seen,
        **known.told,
    }
    receipts.write(db, shop.domain, "customers/redact", told)
    log.info(
        "a customer was forgotten", shop=shop.domain, **{name: n for name, n in told.items() if name != "customers"}
    )
    return Leftovers(objects=files | mailed)


def _request_id(request: Mapping[str, Any]) -> str | None:
    asked = request.get("data_request")
    found = asked.get("id") if isinstance(asked, Mapping) else None
    return str(found)[:40] if isinstance(found, int | str) else None


def _orders_of(db: Session, shop_id: int, pseudonyms: set[str]) -> set[int]:
    mine = Order.shop_id == shop_id, Order.pseudonym.in_(pseudonyms)
    return set(db.scalars(select(Order.order_id).where(*mine)))


def _count(db: Session, shop_id: int, orders: set[int]) -> int:
    here = select(func.count()).select_from(Order).where(Order.shop_id == shop_id, Order.order_id.in_(orders))
    return db.scalar(here) or 0
