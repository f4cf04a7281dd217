"""The three requests every Shopify app has to answer: what is known of a customer, forget one, forget a shop."""

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shopify_app.log import log
from shopify_app.records import customers, inbox, outbox, payloads, shops
from shopify_app.records.objects import Objects
from shopify_app.records.seal import CannotOpen, Seal
from shopify_app.tables import (
    Base,
    Customer,
    Event,
    EventState,
    ForecastRun,
    Order,
    Shop,
    ShopState,
    Snapshot,
    SnapshotPart,
    Turn,
    Version,
)

TOPICS = ("customers/data_request", "customers/redact", "shop/redact")

PERSONAL = ("customer", "email", "phone", "contact_email", "billing_address", "shipping_address", "client_details")
"""Fields of an order that can tell who bought; our subscriptions ask for none but the customer's number."""


@dataclass(frozen=True)
class Leftovers:
    """Files that nobody names any more, to be removed once the rows are gone for good."""

    objects: frozenset[str] = frozenset()
    bundles: frozenset[str] = frozenset()

    def sweep(self, objects: Objects, bundles: Path) -> None:
        """Remove them; call it after the commit."""
        for name in self.objects:
            objects.delete(name)
        for name in self.bundles:
            shutil.rmtree(bundles / name, ignore_errors=True)


def comply(db: Session, seal: Seal, domain: str, topic: str, payload: Mapping[str, Any]) -> Leftovers:
    """Do what a privacy request asks, in the caller's transaction. A second time changes nothing.

    Raises ValueError when the request names another shop than it was delivered for, or cannot be understood.
    """
    told = payloads.mapping(payload, "the request")
    if told.get("shop_domain") != domain:
        raise ValueError("the request names another shop than its delivery")
    shop = shops.by_domain(db, domain)
    if topic == "shop/redact":
        return redact_shop(db, domain, shop)
    if shop is not None and topic == "customers/redact":
        redact_customer(db, seal, shop, told)
    elif shop is not None:
        report_customer(db, shop, told)
    return Leftovers()


def report_customer(db: Session, shop: Shop, request: Mapping[str, Any]) -> None:
    """Write down what is held about a customer: lines of orders under a pseudonym, and nothing else."""
    customer_id = _customer_id(request)
    known = Customer.shop_id == shop.id, Customer.customer_id == customer_id
    pseudonym = db.scalar(select(Customer.pseudonym).where(*known)) if customer_id else None
    held = select(func.count()).select_from(Order).where(Order.shop_id == shop.id, Order.pseudonym == pseudonym)
    orders = db.scalar(held) or 0 if pseudonym else 0
    asked = request.get("data_request")
    request_id = asked.get("id") if isinstance(asked, Mapping) else None
    told = {"topic": "customers/data_request", "request_id": request_id, "orders": orders}
    outbox.receipt(db, shop.id, f"data_request {request_id or secrets.token_hex(8)}"[:100], told)
    log.info("customer data requested", shop=shop.domain, request_id=request_id, orders=orders)


def redact_customer(db: Session, seal: Seal, shop: Shop, request: Mapping[str, Any]) -> None:
    """Cut the customer off from their orders for good, in rows and in deliveries that are not rows yet.

    What was sold stays, under a pseudonym that nobody can trace back, so every snapshot keeps its hash. A tombstone
    keeps late deliveries from tying it again.
    """
    customer_id = _customer_id(request)
    was_known = customer_id is not None and customers.forget(db, shop.id, customer_id)
    listed = request.get("orders_to_redact")
    order_ids = {order for order in listed if type(order) is int} if isinstance(listed, list) else set()
    stripped = _strip_deliveries(db, seal, shop.domain, customer_id, order_ids)
    told = {"topic": "customers/redact", "was_known": was_known, "deliveries_stripped": stripped}
    outbox.receipt(db, shop.id, f"redact {secrets.token_hex(8)}", told)
    log.info("a customer was forgotten", shop=shop.domain, was_known=was_known, deliveries_stripped=stripped)


def redact_shop(db: Session, domain: str, shop: Shop | None) -> Leftovers:
    """Delete everything of a shop that has uninstalled the app. Returns the files that go with it.

    Raises ValueError for a shop that has the app: Shopify does not send this then, so a person should look.
    """
    if shop is not None and shop.state == ShopState.INSTALLED:
        raise ValueError("shop/redact for a shop that has the app installed")
    leftovers = _files(db, shop.id) if shop else Leftovers()
    if shop is not None:
        for table in reversed(Base.metadata.sorted_tables):
            if "shop_id" in table.c:
                db.execute(delete(table).where(table.c.shop_id == shop.id))
        db.execute(delete(Shop).where(Shop.id == shop.id))
        db.expunge(shop)
    db.execute(delete(Event).where(Event.shop == domain, Event.topic != "shop/redact"))
    db.execute(delete(Turn).where(Turn.whose == domain, Turn.queue != inbox.QUEUE))
    log.info("a shop was forgotten", shop=domain, objects=len(leftovers.objects), bundles=len(leftovers.bundles))
    return leftovers


def _customer_id(request: Mapping[str, Any]) -> int | None:
    customer = request.get("customer")
    return payloads.optional_id(customer, "id") if isinstance(customer, Mapping) else None


def _strip_deliveries(db: Session, seal: Seal, domain: str, customer_id: int | None, order_ids: set[int]) -> int:
    """Take the customer out of pending and parked deliveries, requests like this one apart. How many there were."""
    waiting = select(Event).where(
        Event.shop == domain,
        Event.state.in_((EventState.PENDING, EventState.PARKED)),
        Event.body.is_not(None),
        Event.topic.not_in(TOPICS),
    )
    stripped = 0
    for event in db.scalars(waiting):
        body = _stripped(_opened(event, seal), customer_id, order_ids)
        if body is not None:
            event.body = inbox.close(seal, domain, body) if body else None
            stripped += 1
    db.flush()
    return stripped


def _opened(event: Event, seal: Seal) -> bytes:
    try:
        return inbox.payload_bytes(event, seal)
    except CannotOpen:
        return b""


def _stripped(body: bytes, customer_id: int | None, order_ids: set[int]) -> bytes | None:
    """The body without the person; empty when it cannot be read but holds the number; None when it is not theirs."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        return b"" if customer_id is not None and str(customer_id).encode() in body else None
    about = payload.get("customer")
    theirs = isinstance(about, dict) and customer_id is not None and about.get("id") == customer_id
    if not theirs and payload.get("id") not in order_ids:
        return None
    return json.dumps({name: value for name, value in payload.items() if name not in PERSONAL}).encode()


def _files(db: Session, shop_id: int) -> Leftovers:
    """The shop's files that no other shop's rows name."""
    mine, others = _named(db, Shop.id == shop_id), _named(db, Shop.id != shop_id)
    return Leftovers(mine.objects - others.objects, mine.bundles - others.bundles)


def _named(db: Session, whose: Any) -> Leftovers:
    shop_ids = select(Shop.id).where(whose)
    objects = set(db.scalars(select(SnapshotPart.sha256).where(SnapshotPart.shop_id.in_(shop_ids))))
    for manifest in db.scalars(select(Snapshot.manifest).where(Snapshot.shop_id.in_(shop_ids))):
        objects |= {file["sha256"] for file in manifest["files"]}
    for run in db.execute(
        select(ForecastRun.days_sha256, ForecastRun.windows_sha256).where(ForecastRun.shop_id.in_(shop_ids))
    ):
        objects |= set(run)
    bundles = db.scalars(select(Version.bundle).where(Version.shop_id.in_(shop_ids)))
    return Leftovers(frozenset(name for name in objects if name), frozenset(bundles))
