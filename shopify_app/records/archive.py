"""What was delivered, for as long as the shop wants it: events that are rows, sealed into immutable segments.

A segment takes many events, so it is made when enough of them wait, or when the oldest has waited long enough. Until
then their bodies lie in the inbox under the app's key. The object comes first and the segment's row last: a process
that dies in between leaves an object that nobody names, and the collector removes it.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import Database, count
from shopify_app.errors import DamagedBundle, ForetallyError, NotFound
from shopify_app.log import log
from shopify_app.policy import Policy
from shopify_app.records import customers, facts, inbox, keys, leases, segments, shops, tombstones
from shopify_app.records.backoff import Backoff
from shopify_app.records.inbox import SEGMENT_EVENTS
from shopify_app.records.keys import PersonKey, Secret
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.records.segments import Entry, NewEntry, Opened
from shopify_app.tables import Event, EventState, Segment, Shop
from shopify_app.tables.base import LARGEST_ID

LATEST = timedelta(hours=6)
"""How long an event waits for others to share a segment with."""


class Expired(ForetallyError):
    """These events were in the archive, but are older than it has to be."""


def tend(database: Database, objects: Objects, seal: Seal, backoff: Backoff[str] | None = None) -> int:
    """Seal what has waited enough; how many events that were. Safe to run in any number of processes.

    Each shop for itself: one whose events cannot be sealed waits, as `backoff` remembers.
    """
    with database.reading() as db:
        due = db.scalars(_due(clock.now())).all()
    backoff = backoff or Backoff()
    return backoff.each(due, lambda domain: seal_shop(database, objects, seal, domain, rest=False), "archive")


def seal_shop(database: Database, objects: Objects, seal: Seal, domain: str, *, rest: bool = True) -> int:
    """Seal the shop's events that are rows, without `rest` only once, a segment at a time; how many events that were.

    Does nothing while somebody else is busy with the shop's events.
    """
    total = 0
    while (sealed := _seal_batch(database, objects, seal, domain)) > 0:
        total += sealed
        if not rest and sealed < SEGMENT_EVENTS:
            break
    return total


def hold(database: Database, batch: inbox.Batch) -> None:
    """Keep the shop's events for longer. Raises LostLease when somebody else has taken the shop over."""
    with database.transaction() as db:
        inbox.hold(db, batch)


def seal_held(database: Database, objects: Objects, seal: Seal, batch: inbox.Batch) -> int:
    """The same for who holds the shop's events and goes on to; how many events that were.

    What the app reads by itself names nobody and is left: it comes at any time, whoever holds the shop. Raises
    LostLease, and the segment is nobody's, when somebody else has taken the shop over.
    """
    total = 0
    while True:
        with database.reading() as db:
            shop, events = shops.by_domain(db, batch.shop), inbox.applied(db, batch.shop, facts.OWN)
        if shop is None or not events:
            return total
        segment = _segment(database, objects, seal, shop, events)
        with database.transaction() as db:
            inbox.hold(db, batch)
            db.add(segment)
            inbox.over(db, [event.seq for event in events])
        total += len(events)


def seal_here(db: Session, objects: Objects, seal: Seal, shop: Shop) -> int:
    """The same within the caller's transaction, which holds the shop's events; how many that were.

    Slow, and SQLite's write lock is held meanwhile: it is for what `seal_held` could not do before.
    """
    total = 0
    while events := inbox.applied(db, shop.domain, facts.OWN):
        drafts = [_draft(event, seal) for event in events]
        secret = keys.of(db, shop.id, hold=True)
        db.add(_put(objects, secret, shop, drafts, _people(db, secret, drafts)))
        inbox.over(db, [event.seq for event in events])
        total += len(events)
    return total


def check_kept(db: Session, shop_id: int, first: int, last: int) -> None:
    """Raise Expired when some of these events are no longer kept."""
    gone = [one.last_seq for one in db.scalars(_overlapping(shop_id, first, last)) if one.sha256 is None]
    if gone:
        raise Expired(f"events up to {max(gone)} have expired: replay from {max(gone) + 1}")


def entries(
    db: Session,
    objects: Objects,
    shop_id: int,
    first: int = 0,
    last: int = LARGEST_ID,
    damaged: list[str] | None = None,
) -> Iterator[tuple[Entry, Opened]]:
    """The shop's sealed events with these numbers, in order, as far as they are still kept.

    Segments that are lost or damaged are passed over and named in `damaged`; without that list they raise NotFound or
    DamagedBundle.
    """
    secret = keys.find(db, shop_id)
    listed = [one for one in db.scalars(_overlapping(shop_id, first, last)) if one.sha256]
    waiting: list[tuple[Entry, Opened]] = []
    for one in listed:
        yield from (pair for pair in waiting if pair[0].seq < one.first_seq)
        waiting = [pair for pair in waiting if pair[0].seq >= one.first_seq]
        assert secret is not None
        assert one.sha256 is not None
        try:
            opened = segments.read(objects.read(one.sha256), secret)
        except (DamagedBundle, NotFound):
            if damaged is None:
                raise
            damaged.append(one.sha256)
            continue
        waiting += [(entry, opened) for entry in opened.entries if first <= entry.seq <= last]
        waiting.sort(key=lambda pair: pair[0].seq)
    yield from waiting


def kept_segments(db: Session, shop_id: int) -> list[str]:
    """The objects of the shop's segments that have not expired, oldest first."""
    return [one.sha256 for one in db.scalars(_overlapping(shop_id, 0, LARGEST_ID)) if one.sha256]


def expire_all(database: Database, now: datetime) -> int:
    """Let go of segments that are older than their shop's `keep_events_days`; how many. The collector removes them."""
    with database.reading() as db:
        every = db.scalars(select(Shop)).all()
    return sum(
        expire(database, shop, now - timedelta(days=Policy.of(shop.settings).keep_events_days)) for shop in every
    )


def expire(database: Database, shop: Shop, before: datetime) -> int:
    """Let go of the segments whose newest event is older; how many there were."""
    old = Segment.shop_id == shop.id, Segment.newest_at < before, Segment.sha256.is_not(None)
    with database.transaction() as db:
        return count(db, update(Segment).where(*old).values(sha256=None))


def _due(now: datetime) -> Any:
    """Shops with enough events, or with one that has waited long enough; the index tells all but the times."""
    number = func.count().label("number"), func.min(Event.seq).label("first_seq")
    waiting = select(Event.shop, *number).where(Event.state == EventState.APPLIED).group_by(Event.shop).subquery()
    late = Event.received_at < now - LATEST
    joined = select(waiting.c.shop).join(Event, Event.seq == waiting.c.first_seq)
    return joined.where((waiting.c.number >= SEGMENT_EVENTS) | late)


def _overlapping(shop_id: int, first: int, last: int) -> Any:
    mine = Segment.shop_id == shop_id, Segment.last_seq >= first, Segment.first_seq <= last
    return select(Segment).where(*mine).order_by(Segment.first_seq, Segment.last_seq)


def _seal_batch(database: Database, objects: Objects, seal: Seal, domain: str) -> int:
    """The slow parts, opening and putting, are done outside of any transaction."""
    with database.transaction() as db:
        batch = inbox.claim_applied(db, domain)
        shop = shops.by_domain(db, domain)
    if batch is None:
        return 0
    try:
        with leases.renewed(partial(hold, database, batch), inbox.LEASE):
            segment = _segment(database, objects, seal, shop, batch.events) if shop and batch.events else None
        with database.transaction() as db:
            if segment is not None:
                db.add(segment)
            inbox.finish(db, batch, sealed=True)
    except Exception:
        with database.transaction() as db:
            inbox.give_back(db, batch)
        raise
    return len(batch.events)


def _segment(database: Database, objects: Objects, seal: Seal, shop: Shop, events: Sequence[Event]) -> Segment:
    drafts = [_draft(event, seal) for event in events]
    with database.transaction() as db:
        secret = keys.of(db, shop.id, hold=True)
        people = _people(db, secret, drafts)
    return _put(objects, secret, shop, drafts, people)


def _put(objects: Objects, secret: Secret, shop: Shop, drafts: Sequence["Draft"], people: "People") -> Segment:
    content = segments.build(secret, _described(shop), [people.kept(draft) for draft in drafts])
    events = [draft.event for draft in drafts]
    sha256 = objects.put(content)
    log.info("events sealed", shop=shop.domain, events=len(events), first=events[0].seq, segment=sha256)
    return Segment(
        shop_id=shop.id,
        sha256=sha256,
        first_seq=events[0].seq,
        last_seq=events[-1].seq,
        events=len(events),
        size=len(content),
        newest_at=max(event.received_at for event in events),
        sealed_at=clock.now(),
    )


def _described(shop: Shop) -> dict[str, Any]:
    """What a replay has to know of the shop."""
    return {name: getattr(shop, name) for name in ("domain", "name", "currency", "time_zone", "country")}


@dataclass(frozen=True)
class Draft:
    """An event with its payload read: what it says of whose it is. Without `packed` there is nothing but the facts."""

    event: Event
    packed: bytes | None
    facts: Any
    customer_id: int | None = None
    order_id: int | None = None


def _draft(event: Event, seal: Seal) -> Draft:
    body = inbox.payload_bytes(event, seal)
    if event.topic in facts.OWN:
        return Draft(event, None, orjson.Fragment(body))
    payload = orjson.loads(body)
    told = facts.of(event.topic, payload)
    packed = zlib.compress(body, 1)  # smaller than the inbox needs it: this is kept for years
    return Draft(event, packed, told, facts.customer_id(payload), facts.order_id(event.topic, payload))


@dataclass(frozen=True)
class People:
    """Pseudonyms and keys of those whom drafts are about. Who was erased has neither, and gets none."""

    secret: Secret
    names: dict[int, str]
    keys: dict[int, PersonKey]

    def kept(self, draft: Draft) -> NewEntry:
        """The event as it goes into a segment: without its payload when that is an erased person's."""
        mark = _mark(self.secret, draft)
        person = self.keys.get(mark) if mark is not None else None
        is_kept = mark is None or person is not None
        return NewEntry(
            seq=draft.event.seq,
            topic=draft.event.topic,
            at=draft.event.triggered_at or draft.event.received_at,
            told_at=draft.event.triggered_at,
            facts=draft.facts,
            customer=self.names.get(draft.customer_id or 0),
            packed=draft.packed if is_kept else None,
            person=person,
        )


def _people(db: Session, secret: Secret, drafts: Sequence[Draft]) -> People:
    """A customer without a pseudonym was forgotten, or never had an order that is still here."""
    buyers = {draft.customer_id for draft in drafts if draft.customer_id is not None}
    guests = {draft.order_id for draft in drafts if draft.customer_id is None and draft.order_id is not None}
    names = customers.known(db, secret, buyers)
    for kind in ("order", "buyer"):
        guests -= tombstones.among(db, secret, kind, guests)
    marks = {secret.mark("customer", one) for one in names} | {secret.mark("order", one) for one in guests}
    return People(secret, names, keys.people(db, secret, marks))


def _mark(secret: Secret, draft: Draft) -> int | None:
    """Whose payload it is: the customer's; without one the order's, whoever ordered; else the shop's own."""
    if draft.customer_id is not None:
        return secret.mark("customer", draft.customer_id)
    return secret.mark("order", draft.order_id) if draft.order_id is not None else None
