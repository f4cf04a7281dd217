"""Whose orders are these? Asked when a privacy request tells an e-mail or a phone and no customer's number.

No address is stored to look it up, not even as a hash, so every payload that is still kept is opened and read. By
default Shopify is asked for none that holds an address: then there is nothing to find, and what came of the search
says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.errors import DamagedBundle, NotFound
from shopify_app.records import archive, facts, inbox, keys, segments
from shopify_app.records.keys import Secret
from shopify_app.records.mentions import Person
from shopify_app.records.objects import Objects
from shopify_app.records.seal import CannotOpen, Seal
from shopify_app.tables import Event, EventState, Shop

ADDRESSES = ("email", "contact_email", "phone")
DAMAGED = "(a damaged segment)"
"""In place of a topic."""


@dataclass(frozen=True)
class Search:
    """What came of it, in counts."""

    messages: int = 0
    """Events about orders that were looked at."""
    without_address: int = 0
    """Those that hold no buyer's e-mail or phone, or can no longer be opened: nothing ties them to anybody's."""
    damaged_segments: int = 0
    orders: frozenset[int] = frozenset()
    """Numbers of orders whose buyer has the address."""

    def told(self) -> dict[str, int]:
        """The counts, as a receipt gives them."""
        named = {"messages_searched": self.messages, "messages_without_address": self.without_address}
        damaged = {"segments_damaged": self.damaged_segments} if self.damaged_segments else {}
        return {**named, **damaged, "orders_found_by_address": len(self.orders)}


def is_needed(person: Person) -> bool:
    """Whether the request tells an address alone."""
    return person.customer_id is None and bool(person.words)


def known_by_address(
    db: Session, objects: Objects, seal: Seal, shop: Shop, person: Person
) -> tuple[Person, dict[str, int]]:
    """The person with the orders that were found, and what a receipt says about the search. Changes nothing.

    Takes some seconds for a hundred thousand events.
    """
    if not is_needed(person):
        return person, {}
    found = Search()
    for topic, payload in _payloads(db, objects, seal, shop):
        found = _looked_at(found, person, topic, payload)
    return replace(person, order_ids=person.order_ids | found.orders), found.told()


def _looked_at(found: Search, person: Person, topic: str, payload: Any) -> Search:
    if topic == DAMAGED:
        return replace(found, damaged_segments=found.damaged_segments + 1)
    addresses = set(_addresses(payload)) if isinstance(payload, Mapping) else set()
    number = facts.order_id(topic, payload) if addresses & person.words else None
    return replace(
        found,
        messages=found.messages + 1,
        without_address=found.without_address + (not addresses),
        orders=found.orders | ({number} if number is not None else set()),
    )


def _payloads(db: Session, objects: Objects, seal: Seal, shop: Shop) -> Iterator[tuple[str, Any]]:
    """Everything that was delivered about orders, and None for a payload that nobody can read any more.

    What is not sealed first: what is sealed meanwhile comes twice, and never not at all.
    """
    unsealed = Event.shop == shop.domain, Event.state == EventState.APPLIED
    for event in db.scalars(select(Event).where(*unsealed).order_by(Event.seq)):
        if facts.is_about_an_order(event.topic):
            yield event.topic, _read(_waiting(event, seal))
    secret = keys.find(db, shop.id)
    if secret is not None:
        for name in archive.kept_segments(db, shop.id):
            yield from _sealed(db, objects, secret, name)


def _sealed(db: Session, objects: Objects, secret: Secret, name: str) -> Iterator[tuple[str, Any]]:
    try:
        opened = segments.read(objects.read(name), secret)
    except (DamagedBundle, NotFound):
        yield DAMAGED, None
        return
    about = [entry for entry in opened.entries if facts.is_about_an_order(entry.topic)]
    names = keys.named(db, secret, {entry.key for entry in about if entry.key})
    for entry in about:
        yield entry.topic, _read(opened.payload(entry, secret, names))


def _waiting(event: Event, seal: Seal) -> bytes | None:
    try:
        return inbox.payload_bytes(event, seal)
    except (CannotOpen, ValueError):
        return None


def _read(body: bytes | None) -> Any:
    try:
        return orjson.loads(body) if body else None
    except ValueError:
        return None


def _addresses(payload: Mapping[str, Any]) -> Iterator[str]:
    """The buyer's, in lower case. Whoever else is named in an order is not its buyer."""
    for told in (payload, payload.get("customer")):
        if isinstance(told, Mapping):
            yield from (told[name].strip().lower() for name in ADDRESSES if isinstance(told.get(name), str))
