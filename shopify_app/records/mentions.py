"""Deliveries that are not rows yet and tell of a person: found by number, e-mail or phone, and rid of them."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from shopify_app.batches import batches
from shopify_app.records import customers, facts, inbox, payloads
from shopify_app.records.keys import Secret
from shopify_app.records.seal import CannotOpen, Seal
from shopify_app.tables import Event, EventState

FEW = 500
"""How many deliveries are opened at a time."""
STRIPPED = "could not be read; what told of a person was erased on request"


@dataclass(frozen=True)
class Person:
    """Whom a privacy request is about, as far as it says."""

    customer_id: int | None = None
    order_ids: frozenset[int] = frozenset()
    words: frozenset[str] = field(default=frozenset(), repr=False)
    """E-mail and phone, in lower case, and the number as text."""

    @classmethod
    def of(cls, request: Mapping[str, Any], orders: str) -> "Person":
        """The person of a request whose list of orders goes by this name. Raises ValueError for what is no number."""
        customer = request.get("customer")
        told = customer if isinstance(customer, Mapping) else {}
        number = payloads.optional_id(told, "id")
        listed = request.get(orders)
        order_ids = frozenset(one for one in listed if type(one) is int) if isinstance(listed, list) else frozenset()
        words = {told[name].strip().lower() for name in ("email", "phone") if isinstance(told.get(name), str)} - {""}
        return cls(number, order_ids, frozenset(words | ({str(number)} if number else set())))

    def mark(self, secret: Secret) -> int:
        """What stands for the person: the customer's mark, or one of the address when the number is not known."""
        if self.customer_id is not None:
            return secret.mark("customer", self.customer_id)
        return secret.mark("address", " ".join(sorted(self.words)))

    def customers(self, db: Session, secret: Secret) -> set[int]:
        """The marks of the customers it is about: the one told, else the buyers of the orders."""
        if self.customer_id is not None:
            return {self.mark(secret)}
        return customers.of_orders(db, secret.shop_id, self.order_ids)

    def is_in(self, body: bytes) -> bool:
        """Whether a payload is theirs or names them."""
        try:
            payload = orjson.loads(body)
        except ValueError:
            text = body.decode("utf-8", "replace").lower()
            return any(_has(text, word) for word in self.words)
        if isinstance(payload, Mapping) and payload.get("id") in self.order_ids:
            return True
        return any(_says(leaf, self.words) for leaf in _leaves(payload))


def naming(db: Session, seal: Seal, domain: str, person: Person, *states: EventState) -> Iterator[tuple[Event, bytes]]:
    """The shop's events in these states that tell of a person, with their bodies; damaged ones too."""
    waiting = Event.shop == domain, Event.state.in_(states), Event.body.is_not(None)
    yield from _telling(db, seal, person, select(Event).where(*waiting).order_by(Event.seq))


def _telling(db: Session, seal: Seal, person: Person, events: Any) -> Iterator[tuple[Event, bytes]]:
    for event in db.scalars(events):
        try:
            body = inbox.payload_bytes(event, seal)
        except CannotOpen:
            body = b""
        if not body or person.is_in(body):
            yield event, body


@dataclass(frozen=True)
class Looked:
    """Which deliveries were looked through, and what is to become of those that tell of the person."""

    seqs: frozenset[int] = frozenset()
    rests: Mapping[int, bytes | None] = field(default_factory=dict, repr=False)


def look(db: Session, seal: Seal, domain: str, person: Person) -> Looked:
    """Look through what waits, before it is stripped: with many deliveries that takes seconds, and changes nothing."""
    seqs = frozenset(db.scalars(_waiting(domain)))
    return Looked(seqs, dict(_rests(db, seal, domain, person, seqs)))


def strip(db: Session, seal: Seal, domain: str, person: Person, looked: Looked | None = None) -> int:
    """Reduce what waits to its facts, without its customer; how many deliveries that were.

    What cannot be read is erased. Requests that wait are left: they are done and erased in their turn. What has come
    since others were `looked` through is looked through here; a body never changes while the shop's events are held.
    """
    before = looked or Looked()
    rests = dict(before.rests) | dict(_rests(db, seal, domain, person, set(db.scalars(_waiting(domain))) - before.seqs))
    stripped = 0
    for few in batches(sorted(rests), FEW):
        for event in db.scalars(select(Event).where(Event.seq.in_(few), *_waits(domain))):
            if event.topic in inbox.REQUESTS and event.state == EventState.PENDING:
                continue
            rest = rests[event.seq]
            event.body = inbox.close(seal, domain, rest) if rest else None
            event.error = STRIPPED if event.error else None
            stripped += 1
    db.flush()
    return stripped


def _rests(
    db: Session, seal: Seal, domain: str, person: Person, seqs: Collection[int]
) -> Iterator[tuple[int, bytes | None]]:
    """Of those of these deliveries that tell of the person, what may be kept."""
    for few in batches(sorted(seqs), FEW):
        found = select(Event).where(Event.seq.in_(few), *_waits(domain)).order_by(Event.seq)
        for event, body in _telling(db, seal, person, found):
            yield event.seq, _facts(event.topic, body)


def _waiting(domain: str) -> Any:
    return select(Event.seq).where(*_waits(domain))


def _waits(domain: str) -> tuple[ColumnElement[bool], ...]:
    waiting = Event.state.in_((EventState.PENDING, EventState.PARKED))
    return Event.shop == domain, waiting, Event.body.is_not(None)


def _facts(topic: str, body: bytes) -> bytes | None:
    try:
        payload = orjson.loads(body)
    except ValueError:
        return None
    found = facts.of(topic, payload) if isinstance(payload, Mapping) else None
    return orjson.dumps(found) if found else None


def _leaves(value: Any) -> Iterator[Any]:
    """All plain values inside, however deep they lie."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, Mapping):
            rest += one.values()
        elif isinstance(one, list):
            rest += one
        else:
            yield one


def _says(leaf: Any, words: Collection[str]) -> bool:
    if type(leaf) is int:
        return str(leaf) in words
    return isinstance(leaf, str) and any(_has(leaf.lower(), word) for word in words)


def _has(text: str, word: str) -> bool:
    """Whether a text holds a word; a number counts only by itself, not as part of a longer one."""
    if not word.isdigit():
        return word in text
    return re.search(rf"(?<!\d){word}(?!\d)", text) is not None
