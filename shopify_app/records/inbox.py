"""Deliveries: accepted once and durably, drained shop by shop in order, parked when they cannot be understood."""

import secrets
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Any

from isal import isal_zlib
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert, server_time
from shopify_app.errors import Conflict, NotFound
from shopify_app.records import turns
from shopify_app.records.accepting import QUARANTINED, Delivery, InboxRow, Outcome, store, utc
from shopify_app.records.leases import TRIES, LostLease
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Turn

ATTEMPTS = 3
LEASE = timedelta(seconds=30)
"""A shop's deliveries wait for so long when whoever was busy with them was killed."""
QUEUE = "inbox"

SEGMENT_EVENTS, SEGMENT_BYTES = 500, 2 << 20
"""What one segment takes at most, counted as bodies are stored."""

OURS = "none"
"""In place of the secret that signed a delivery: the app read it by itself."""
REQUESTS = ("customers/data_request", "customers/redact", "shop/redact")
WHOLE_ORDER = ("orders/create", "orders/updated", "orders/cancelled", "orders/paid", "orders/fulfilled")
WHOLE_PRODUCT = ("products/create", "products/update")
SAME_MEANING = ((*WHOLE_ORDER, "orders/partially_fulfilled"), WHOLE_PRODUCT)
"""Topics that carry the same body and are read the same way: Shopify often sends two of them for one change."""


@dataclass(frozen=True)
class Batch:
    """Some events of one shop, in the order of arrival, held under one lease."""

    shop: str
    token: str
    events: tuple[Event, ...]


def accept(db: Session, hook: Delivery, seal: Seal, now: datetime) -> bool:
    """Store a verified delivery once, within a transaction. False when it is here already, however often it comes."""
    raw = db.connection().connection.driver_connection
    return store(raw, db.get_bind().dialect.name, [as_row(hook, seal, now)]) != [Outcome.REPEATED]


def as_row(hook: Delivery, seal: Seal, now: datetime) -> InboxRow:
    """A verified delivery as `store` takes it, its body compressed and sealed."""
    return InboxRow(
        hook.shop,
        hook.topic[:100],
        _delivery_key(hook),
        hook.event_id,
        (hook.api_version or "")[:20] or None,
        None if hook.triggered_at is None else utc(hook.triggered_at),
        utc(now),
        hook.signature,
        "current" if hook.secret_used == 0 else "old",
        close(seal, hook.shop, hook.body),
        _alike(hook.topic),
    )


def claim(db: Session, limit: int = 200, lease: timedelta = LEASE) -> Batch | None:
    """The oldest pending events of the shop served longest ago, if nobody is busy with that shop."""
    for _ in range(TRIES):
        now, token = server_time(db), secrets.token_hex(16)
        found = db.execute(_next_shop(), {"now": now}).first()
        if found is None:
            return None
        turn = (QUEUE, found[0], found[1], now, now + lease, token)
        if turns.won(db, partial(turns.take, db, *turn)):
            return Batch(found[0], token, tuple(db.scalars(_oldest(found[0], limit))))
    return None


def claim_applied(db: Session, shop: str, lease: timedelta = LEASE) -> Batch | None:
    """The shop's oldest events that are rows but in no segment yet, as many as one segment takes; None when busy."""
    now = server_time(db)
    turn = db.get(Turn, (QUEUE, shop), populate_existing=True)
    if turn is not None and turn.lease_until is not None and turn.lease_until.astimezone(UTC) >= now:
        return None
    seen, token = turn.served_at.astimezone(UTC) if turn else None, secrets.token_hex(16)
    taken = turns.won(db, partial(turns.take, db, QUEUE, shop, seen, now, now + lease, token))
    return Batch(shop, token, tuple(applied(db, shop))) if taken else None


def applied(db: Session, shop: str, but: Sequence[str] = ()) -> Sequence[Event]:
    """The shop's oldest events that are rows but in no segment yet, as many as one segment takes.

    Without those of the topics in `but`.
    """
    mine = Event.shop == shop, Event.state == EventState.APPLIED, Event.topic.not_in(but)
    sizes = select(Event.seq, func.length(Event.body)).where(*mine).order_by(Event.seq).limit(SEGMENT_EVENTS)
    chosen: list[int] = []
    total = 0
    for seq, size in db.execute(sizes):
        total += size or 0
        if chosen and total > SEGMENT_BYTES:
            break
        chosen.append(seq)
    found = select(Event).where(Event.seq.in_(chosen)).order_by(Event.seq)
    return db.scalars(found.execution_options(populate_existing=True)).all()


def payload_bytes(event: Event, seal: Seal) -> bytes:
    """The delivered body. Raises ValueError when it was erased."""
    return zlib.decompress(packed_bytes(event, seal))


def packed_bytes(event: Event, seal: Seal) -> bytes:
    """The same, compressed as zlib does. Raises ValueError when it was erased."""
    if event.body is None:
        raise ValueError("the body of this event was erased")
    return seal.open(event.body, about(event.shop))


def keep(db: Session, shop: str, topic: str, body: bytes, seal: Seal, *, state: EventState) -> int:
    """Put something of our own among the shop's events; its number."""
    now = clock.now()
    row = insert(db, Event).values(
        shop=shop,
        topic=topic,
        delivery_key=f"own:{secrets.token_hex(16)}",
        received_at=now,
        triggered_at=now,
        signature=b"",
        secret_used=OURS,
        body=close(seal, shop, body),
        state=state,
    )
    return int(db.execute(row.returning(Event.seq)).scalar_one())


def finish(
    db: Session, batch: Batch, failed: Collection[int] = (), *, dropped: Collection[int] = (), sealed: bool = False
) -> None:
    """The events of the batch have become rows, but for the `failed` ones; their bodies wait to be sealed.

    Bodies that were `sealed`, that nothing was made of (`dropped`) and those of privacy requests are erased; the keys
    stay. Commit it together with those rows. Raises LostLease when somebody else has taken the shop over: roll back.
    """
    done = [event for event in batch.events if event.seq not in failed]
    gone = [event.seq for event in done if sealed or event.seq in dropped or event.topic in REQUESTS]
    requests = [event.seq for event in done if event.topic in REQUESTS]
    rest = list({event.seq for event in done} - set(gone))
    _mark(db, rest, state=EventState.APPLIED, error=None)
    over(db, gone)
    _mark(db, requests, signature=b"")  # whoever has the secret and guesses what was in it could otherwise be sure
    if not turns.give_back(db, QUEUE, batch.shop, batch.token):
        raise LostLease(f"the events of {batch.shop} are no longer ours")


def over(db: Session, seqs: Sequence[int]) -> None:
    """These events are done with: their keys stay, their bodies go."""
    _mark(db, seqs, state=EventState.DONE, error=None, body=None)


def _mark(db: Session, seqs: Sequence[int], **values: Any) -> None:
    if seqs:
        db.connection().execute(update(Event).where(Event.seq.in_(seqs)).values(**values))


def hold(db: Session, batch: Batch) -> None:
    """Keep the batch for longer. Raises LostLease when somebody else has taken the shop over."""
    if not turns.hold(db, QUEUE, batch.shop, batch.token, server_time(db) + LEASE):
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


def quarantined_count(db: Session, shop: str | None = None) -> int:
    """How many deliveries are parked because their body came before for somebody else: of one shop, or of all."""
    ones = select(func.count()).where(Event.state == EventState.PARKED, Event.error == QUARANTINED)
    return db.scalar(ones if shop is None else ones.where(Event.shop == shop)) or 0


def last_heard(db: Session, shop: str) -> datetime | None:
    """When Shopify last delivered something of the shop."""
    # State by state, because that is how they are indexed: a quiet shop's are far behind everybody else's.
    newest = (
        select(Event.received_at)
        .where(Event.state == state, Event.shop == shop, Event.secret_used != OURS)
        .order_by(Event.seq.desc())
        .limit(1)
        for state in EventState
    )
    return max((at for one in newest if (at := db.scalar(one)) is not None), default=None)


def about(shop: str) -> str:
    """What the seal of a waiting body is bound to."""
    return f"inbox {shop}"


def close(seal: Seal, shop: str, body: bytes) -> bytes:
    """A body as it is stored: compressed (as zlib does, in a sixth of its time), then sealed for this shop.

    The fastest level: the next one saves a fifth of the bytes, none of SQLite's pages, and costs half as much again.
    """
    return seal.close(isal_zlib.compress(body, 0), about(shop))


def unclose(seal: Seal, shop: str, stored: bytes) -> bytes:
    """The body out of its stored form."""
    return zlib.decompress(seal.open(stored, about(shop)))


def _delivery_key(hook: Delivery) -> str:
    if hook.webhook_id:
        return f"w:{hook.webhook_id}"[:200]
    return f"e:{hook.event_id}"[:200] if hook.event_id else f"s:{hook.signature.hex()}"


@lru_cache(100)
def _alike(topic: str) -> str:
    """Topics under which the same body means the same, for `InboxRow.alike`."""
    return f",{','.join(next((topics for topics in SAME_MEANING if topic in topics), (topic,)))},"


@cache
def _next_shop() -> Any:
    """Shops with pending events that nobody holds, served longest ago first.

    From shop to shop through the index of what is pending: a shop with a hundred thousand events costs one step.
    """
    pending = select(func.min(Event.shop).label("shop")).where(Event.state == EventState.PENDING)
    waiting = pending.cte("waiting", recursive=True)
    after = pending.where(Event.shop > waiting.c.shop).scalar_subquery()
    waiting = waiting.union_all(select(after).where(waiting.c.shop.is_not(None)))
    turn = (Turn.queue == QUEUE) & (Turn.whose == waiting.c.shop)
    return (
        select(waiting.c.shop, Turn.served_at)
        .outerjoin(Turn, turn)
        .where(waiting.c.shop.is_not(None), Turn.lease_until.is_(None) | (Turn.lease_until < bindparam("now")))
        .order_by(Turn.served_at.is_not(None), Turn.served_at, waiting.c.shop)
        .limit(1)
    )


def _oldest(shop: str, limit: int) -> Any:
    pending = select(Event).where(Event.shop == shop, Event.state == EventState.PENDING)
    return pending.order_by(Event.seq).limit(limit).execution_options(populate_existing=True)
