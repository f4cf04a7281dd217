"""What is held about a customer, as a file for the merchant: asked for, made behind the request, kept for a month.

The file is sealed under a key of its own. Deleting its row, when it expires or when the customer is forgotten, makes
the object noise; the object goes too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import NotFound
from shopify_app.log import log
from shopify_app.records import archive, customers, keys, mentions, receipts, sealed_files, searching, views
from shopify_app.records.backoff import Backoff
from shopify_app.records.keys import Secret
from shopify_app.records.mentions import Person
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.records.turns import happened
from shopify_app.tables import EventState, Export, Order, OrderLine, Shop

KEPT = timedelta(days=30)
DAMAGED = "segments_damaged"
"""In a file and its receipt, when there are any: how many segments could not be looked through."""
WAITING = (EventState.PENDING, EventState.PARKED, EventState.APPLIED)
"""Not in a segment: somebody else may be busy with the shop's events just when they should be sealed."""


def ask(db: Session, shop: Shop, person: Person, request_id: str | None) -> int:
    """Note that a file is wanted; its number. The request is sealed until the file is made."""
    secret = keys.of(db, shop.id)
    told = {"customer_id": person.customer_id, "order_ids": sorted(person.order_ids), "words": sorted(person.words)}
    export = Export(
        shop_id=shop.id,
        mark=person.mark(secret),
        request_id=request_id,
        request=secret.wrap(orjson.dumps(told), "request"),
        asked_at=clock.now(),
        expires_at=clock.now() + KEPT,
    )
    db.add(export)
    db.flush()
    return export.id


def make_all(database: Database, objects: Objects, seal: Seal, backoff: Backoff[int] | None = None) -> int:
    """Make the files that are wanted; how many. Two processes at once make one of each.

    Each for itself: one that cannot be made is logged and waits, as `backoff` remembers, and the others are made.
    """
    with database.reading() as db:
        wanted = db.execute(select(Export.id, Export.shop_id).where(Export.made_at.is_(None)).order_by(Export.id)).all()
    shop_of = {row.id: int(row.shop_id) for row in wanted}
    backoff = backoff or Backoff()
    return backoff.each(shop_of, lambda one: _make(database, objects, seal, one, shop_of[one]), "export")


def of(db: Session, shop_id: int) -> Sequence[Export]:
    """The files that were asked for and have not expired, oldest first."""
    mine = Export.shop_id == shop_id, Export.expires_at > clock.now()
    return db.scalars(select(Export).where(*mine).order_by(Export.id)).all()


def fetch(database: Database, objects: Objects, shop_id: int, export_id: int, *, by: str) -> bytes:
    """The file, as JSON. That it was fetched is noted, and logged with `by` whom. Raises NotFound."""
    with database.transaction() as db:
        export = db.get(Export, export_id)
        if export is None or export.shop_id != shop_id or export.expires_at <= clock.now():
            raise NotFound(f"this shop has no export {export_id}")
        file = sealed_files.find(db, export, f"export {export_id}")
        if file is None:
            raise NotFound(f"export {export_id} is not made yet: the workers do that within seconds")
        export.fetched_at = clock.now()
    log.info("an export was fetched", shop_id=shop_id, export=export_id, by=by)
    return file.read(objects)


def forget(db: Session, secret: Secret, marks: Collection[int]) -> frozenset[str]:
    """Delete the exports about those whom these stand for; their objects, to be removed after the commit."""
    mine = Export.shop_id == secret.shop_id, Export.mark.in_(list(marks))
    return frozenset(name for name in db.scalars(delete(Export).where(*mine).returning(Export.sha256)) if name)


def _make(database: Database, objects: Objects, seal: Seal, export_id: int, shop_id: int) -> bool:
    with database.reading() as db:
        shop = db.get(Shop, shop_id)
    if shop is not None:
        archive.seal_shop(database, objects, seal, shop.domain)
    with database.reading() as db:
        export, secret = db.get(Export, export_id), keys.find(db, shop_id)
        if export is None or export.request is None or secret is None or shop is None:
            return False
        told = orjson.loads(secret.unwrap(export.request, "request"))
        person = Person(told["customer_id"], frozenset(told["order_ids"]), frozenset(told["words"]))
        person, search = searching.known_by_address(db, objects, seal, shop, person)
        marks = person.customers(db, secret)
        held = _held(db, objects, seal, shop, secret, person, marks)
    content = orjson.dumps(held, option=orjson.OPT_INDENT_2)
    done = sealed_files.put(objects, secret, content, f"export {export_id}") | {
        "mark": next(iter(marks)) if len(marks) == 1 else person.mark(secret),
        "request": None,
        "made_at": clock.now(),
    }
    with database.transaction() as db:
        wanted = Export.id == export_id, Export.made_at.is_(None)
        if not happened(db, update(Export).where(*wanted).values(**done)):
            return False
        counts = {"export": export_id, "request_id": export.request_id}
        counts |= {"orders": len(held["orders"]), "events": len(held["events"])} | search
        counts |= {name: held[name] for name in held if name == DAMAGED}
        receipts.write(db, shop.domain, "customers/data_request", counts)
    log.info("an export was made", shop=shop.domain, **counts)
    return True


def _held(
    db: Session, objects: Objects, seal: Seal, shop: Shop, secret: Secret, person: Person, marks: set[int]
) -> dict[str, Any]:
    """Everything about the person: rows under the pseudonym, sealed payloads, deliveries that wait."""
    pseudonyms = customers.named(db, shop.id, marks)
    orders = _orders(db, shop.id, pseudonyms, person.order_ids)
    theirs = person.order_ids | {order["order_id"] for order in orders}
    marks = marks | {secret.mark("order", one) for one in theirs}
    damaged: list[str] = []
    # What waits before what is sealed: what is sealed meanwhile is told of twice, and never not at all.
    waiting = mentions.naming(db, seal, shop.domain, person, *WAITING)
    events = list(_events(db, objects, secret, pseudonyms, marks, damaged))
    if damaged:
        log.warning("an export goes without segments that are lost or damaged", shop=shop.domain, segments=damaged)
    return {
        "shop": shop.domain,
        "made_at": clock.now(),
        "customer_id": person.customer_id,
        "pseudonyms": sorted(pseudonyms),
        "orders": orders,
        "events": events,
        **({DAMAGED: len(damaged)} if damaged else {}),
        "views": views.about(db, shop.id, theirs),
        "waiting": [
            {"topic": event.topic, "received_at": event.received_at, "payload": _json(body)} for event, body in waiting
        ],
    }


def _orders(db: Session, shop_id: int, pseudonyms: set[str], order_ids: frozenset[int]) -> list[dict[str, Any]]:
    theirs = or_(Order.order_id.in_(order_ids), Order.pseudonym.in_(pseudonyms))
    found = db.execute(select(*Order.__table__.c).where(Order.shop_id == shop_id, theirs).order_by(Order.order_id))
    orders = [dict(row._mapping) | {"lines": []} for row in found]
    by_id = {order["order_id"]: order for order in orders}
    lines = select(*OrderLine.__table__.c).where(OrderLine.shop_id == shop_id, OrderLine.order_id.in_(list(by_id)))
    for row in db.execute(lines):
        by_id[row.order_id]["lines"].append(dict(row._mapping))
    return orders


def _events(
    db: Session, objects: Objects, secret: Secret, pseudonyms: set[str], marks: set[int], damaged: list[str]
) -> Iterator[Mapping[str, Any]]:
    names = keys.names_of(db, secret.shop_id, marks)
    opening = keys.named(db, secret, names)
    for entry, opened in archive.entries(db, objects, secret.shop_id, damaged=damaged):
        if entry.key in names or entry.customer in pseudonyms:
            payload = opened.payload(entry, secret, opening)
            told = {"event": entry.seq, "topic": entry.topic, "at": entry.at}
            yield told | {"payload": _json(payload) if payload else entry.facts}


def _json(body: bytes) -> Any:
    """The payload itself, or what can be shown of one that is no JSON."""
    try:
        return orjson.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
