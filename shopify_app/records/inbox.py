"""Deliveries: accepted once and durably, drained shop by shop in order, parked when they cannot be understood."""

import hashlib
import secrets
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Protocol

from sqlalchemy import bindparam, case, exists, func, literal, null, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.errors import Conflict, NotFound
from shopify_app.records import turns
from shopify_app.records.leases import TRIES, LostLease
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Turn

ATTEMPTS = 3
QUEUE = "inbox"

WHOLE_ORDER = ("orders/create", "orders/updated", "orders/cancelled", "orders/paid", "orders/fulfilled")
WHOLE_PRODUCT = ("products/create", "products/update")
GIVEN = (
    *("shop", "topic", "delivery_key", "event_id", "api_version", "triggered_at", "received_at", "body_sha256"),
    *("secret_used", "body"),
)
QUARANTINED = "quarantined: this body came before under another shop or topic"
SAME_MEANING = (WHOLE_ORDER, WHOLE_PRODUCT)
"""Topics that carry the same body and are read the same way: Shopify often sends two of them for one change."""


class Delivery(Protocol):
    """What the door has verified: see `platform.callers.Webhook`."""

    @property
    def shop(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def webhook_id(self) -> str | None: ...
    @property
    def event_id(self) -> str | None: ...
    @property
    def api_version(self) -> str | None: ...
    @property
    def triggered_at(self) -> datetime | None: ...
    @property
    def body(self) -> bytes: ...
    @property
    def secret_used(self) -> int: ...


@dataclass(frozen=True)
class Batch:
    """Some events of one shop, in the order of arrival, held under one lease."""

    shop: str
    token: str
    events: tuple[Event, ...]


def accept(db: Session, hook: Delivery, seal: Seal, now: datetime) -> bool:
    """Store a verified delivery once. False when it is here already, however often it comes.

    Only the body is signed. A body that came before under another shop or another kind of topic is therefore stored
    parked: somebody may be replaying a captured one.
    """
    digest = hashlib.sha256(hook.body).digest()
    told = {
        "shop": hook.shop,
        "topic": hook.topic[:100],
        "delivery_key": _delivery_key(hook, digest),
        "event_id": hook.event_id,
        "api_version": (hook.api_version or "")[:20] or None,
        "triggered_at": hook.triggered_at,
        "received_at": now,
        "body_sha256": digest,
        "secret_used": "current" if hook.secret_used == 0 else "old",
        "body": close(seal, hook.shop, hook.body),
    }
    alike = next((topics for topics in SAME_MEANING if hook.topic in topics), (hook.topic,))
    given = {f"the_{name}": value for name, value in told.items()} | {"the_topics_alike": alike}
    return db.connection().execute(_storing(db.get_bind().dialect.name), given).first() is not None


def claim(db: Session, limit: int = 200, lease: timedelta = timedelta(seconds=30)) -> Batch | None:
    """The oldest pending events of the shop served longest ago, if nobody is busy with that shop."""
    for _ in range(TRIES):
        now, token = clock.now(), secrets.token_hex(16)
        found = db.execute(_next_shop(now)).first()
        if found is None:
            return None
        turn = (QUEUE, found[0], found[1], now, now + lease, token)
        if turns.won(db, partial(turns.take, db, *turn)):
            return Batch(found[0], token, tuple(db.scalars(_oldest(found[0], limit))))
    return None


def payload_bytes(event: Event, seal: Seal) -> bytes:
    """The delivered body. Raises ValueError when it was erased."""
    if event.body is None:
        raise ValueError("the body of this event was erased")
    return unclose(seal, event.shop, event.body)


def finish(db: Session, batch: Batch, failed: Collection[int] = ()) -> None:
    """The events of the batch have become rows, but for the `failed` ones: keep their keys, erase their bodies.

    Commit it together with those rows. Raises LostLease when somebody else has taken the shop over: roll back then.
    """
    done = [event.seq for event in batch.events if event.seq not in failed]
    erased = {"state": EventState.DONE, "body": None, "error": None}
    db.connection().execute(update(Event).where(Event.seq.in_(done)).values(**erased))
    if not turns.give_back(db, QUEUE, batch.shop, batch.token):
        raise LostLease(f"the events of {batch.shop} are no longer ours")


def give_back(db: Session, batch: Batch) -> None:
    """Nothing came of the batch: let somebody else have it at once."""
    turns.give_back(db, QUEUE, batch.shop, batch.token)


def fail(db: Session, event: Event, error: str) -> bool:
    """Try the event again with the next batch. True when it is parked instead, after its third attempt.

    Belongs into the transaction of its batch; its neighbours are unaffected.
    """
    attempts = event.attempts + 1
    state = EventState.PARKED if attempts >= ATTEMPTS else EventState.PENDING
    values = {"attempts": attempts, "state": state, "error": error[:2000]}
    db.connection().execute(update(Event).where(Event.seq == event.seq).values(**values))
    return state == EventState.PARKED


def parked(db: Session, shop: str, limit: int = 100) -> Sequence[Event]:
    """The shop's parked events, newest first."""
    ones = select(Event).where(Event.shop == shop, Event.state == EventState.PARKED)
    return db.scalars(ones.order_by(Event.seq.desc()).limit(limit)).all()


def replay(db: Session, shop: str, seq: int) -> None:
    """Let a parked event be tried again, a quarantined one too: a person has looked at it.

    Raises NotFound, or Conflict when the event is not parked or its body was erased.
    """
    event = db.get(Event, seq, populate_existing=True)
    if event is None or event.shop != shop:
        raise NotFound(f"{shop} has no event {seq}")
    if event.state != EventState.PARKED or event.body is None:
        raise Conflict(f"event {seq} is {event.state}" + ("" if event.body else " and its body is erased"))
    event.state, event.attempts, event.error = EventState.PENDING, 0, None
    db.flush()


def pending_count(db: Session) -> int:
    """How many accepted events are not rows yet."""
    return db.scalar(select(func.count()).select_from(Event).where(Event.state == EventState.PENDING)) or 0


def close(seal: Seal, shop: str, body: bytes) -> bytes:
    """A body as it is stored: compressed, then sealed for this shop."""
    return seal.close(zlib.compress(body, 1), f"inbox {shop}")


def unclose(seal: Seal, shop: str, stored: bytes) -> bytes:
    """The body out of its stored form."""
    return zlib.decompress(seal.open(stored, f"inbox {shop}"))


def _delivery_key(hook: Delivery, digest: bytes) -> str:
    if hook.webhook_id:
        return f"w:{hook.webhook_id}"[:200]
    return f"e:{hook.event_id}"[:200] if hook.event_id else f"b:{digest.hex()}"


@cache
def _storing(dialect: str) -> Any:
    """The statement that stores a delivery, built once: building it takes longer than running it."""
    table = Event.__table__
    seen = table.alias("seen")
    other = (seen.c.shop != bindparam("the_shop")) | seen.c.topic.not_in(bindparam("the_topics_alike", expanding=True))
    strange = exists().where(seen.c.body_sha256 == bindparam("the_body_sha256"), other)
    row = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    fresh = row.values(
        **{name: bindparam(f"the_{name}", type_=table.c[name].type) for name in GIVEN},
        state=case((strange, literal(EventState.PARKED.value)), else_=literal(EventState.PENDING.value)),
        attempts=0,
        error=case((strange, literal(QUARANTINED)), else_=null()),
    )
    return fresh.on_conflict_do_nothing().returning(table.c.seq)


def _next_shop(now: datetime) -> Any:
    """Shops with pending events that nobody holds; reads only the index of what is pending."""
    waiting = select(Event.shop).where(Event.state == EventState.PENDING).distinct().subquery()
    turn = (Turn.queue == QUEUE) & (Turn.whose == waiting.c.shop)
    return (
        select(waiting.c.shop, Turn.served_at)
        .outerjoin(Turn, turn)
        .where(Turn.lease_until.is_(None) | (Turn.lease_until < now))
        .order_by(Turn.served_at.is_not(None), Turn.served_at, waiting.c.shop)
        .limit(1)
    )


def _oldest(shop: str, limit: int) -> Any:
    pending = select(Event).where(Event.shop == shop, Event.state == EventState.PENDING)
    return pending.order_by(Event.seq).limit(limit).execution_options(populate_existing=True)
