"""A redaction does what takes long before its transaction, and what comes in between does not survive it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import archive, canary, inbox, mentions, receipts
from shopify_app.records.draining import Drain
from shopify_app.records.folder import FolderObjects
from shopify_app.records.leases import LostLease
from shopify_app.records.mentions import Person
from shopify_app.records.seal import Seal
from shopify_app.tables import Customer, Event, EventState, Segment, Shop, Turn
from tests.conftest import Deliver
from tests.records.people import Buyer

BUYER = Buyer()
OTHER = Buyer(
    7_340_033_219_999, "other@example.org", "Olga", "Otherson", "+49 30 5550999", "Elsewhere 1", "X-1", "none"
)


class Meanwhile(FolderObjects):
    """Something else happens whenever an object is put."""

    def __init__(self, root: Path, happens: Callable[[], None]) -> None:
        super().__init__(root)
        self._happens = happens

    def put(self, content: bytes | Path) -> str:
        self._happens()
        return super().put(content)


@pytest.fixture
def bought(alice: Shop, deliver: Deliver, drain: Callable[[], int]) -> None:
    deliver(alice, "orders/create", BUYER.buys(1))
    drain()


def body_of(database: Database, seal: Seal, seq: int) -> bytes:
    with database.reading() as db:
        return inbox.payload_bytes(db.get_one(Event, seq), seal)


def tells_of(buyer: Buyer, body: bytes) -> bool:
    return any(trace in body for trace in buyer.traces())


def test_others_write_while_the_store_takes_its_time(
    database: Database, settings: Settings, alice: Shop, bought: None, deliver: Deliver
) -> None:
    def write() -> None:
        with database.transaction() as db:
            canary.touch(db)

    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    Drain(database, settings, Meanwhile(settings.var / "objects", write)).all()
    with database.reading() as db:
        (receipt,) = receipts.of(db, alice.domain)
        assert db.scalars(select(Customer)).all() == []
    assert (receipt.told["events_sealed_before"], receipt.told["keys"]) == (1, 1)


def test_what_is_delivered_while_the_store_takes_its_time_is_stripped(
    database: Database, settings: Settings, seal: Seal, alice: Shop, bought: None, deliver: Deliver
) -> None:
    def tell() -> None:
        deliver(alice, "orders/updated", BUYER.buys(1, updated_at="2026-03-05T10:00:00+00:00"), webhook_id="again")

    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    Drain(database, settings, Meanwhile(settings.var / "objects", tell)).one()
    with database.reading() as db:
        (late,) = db.scalars(select(Event.seq).where(Event.state == EventState.PENDING))
    assert not tells_of(BUYER, body_of(database, seal, late))


def test_what_is_delivered_after_the_look_is_looked_at_when_it_is_stripped(
    database: Database, seal: Seal, alice: Shop, bob: Shop, deliver: Deliver
) -> None:
    person = Person.of(BUYER.asks(alice.domain, "orders_to_redact", 2), "orders_to_redact")
    deliver(alice, "orders/create", BUYER.buys(1))
    deliver(alice, "orders/create", OTHER.buys(3))
    deliver(bob, "orders/create", BUYER.buys(4))
    with database.reading() as db:
        looked = mentions.look(db, seal, alice.domain, person)
        first, others, bobs = db.scalars(select(Event.seq).order_by(Event.seq))
    assert (set(looked.seqs), set(looked.rests)) == ({first, others}, {first})
    deliver(alice, "orders/create", BUYER.buys(2, is_guest=True))
    deliver(alice, "orders/create", OTHER.buys(5))
    with database.transaction() as db:
        assert mentions.strip(db, seal, alice.domain, person, looked) == 2
    bodies = {seq: body_of(database, seal, seq) for seq in range(first, first + 5)}
    told = {seq for seq, body in bodies.items() if tells_of(BUYER, body) or tells_of(OTHER, body)}
    assert told == {others, bobs, first + 4}


def test_a_parked_request_that_is_tried_again_after_the_look_keeps_its_body(
    database: Database, seal: Seal, alice: Shop, deliver: Deliver
) -> None:
    deliver(alice, "customers/data_request", BUYER.asks(alice.domain, "orders_requested", 1))
    with database.transaction() as db:
        seq = db.scalars(update(Event).values(state=EventState.PARKED).returning(Event.seq)).one()
    person = Person.of(BUYER.asks(alice.domain, "orders_to_redact"), "orders_to_redact")
    with database.reading() as db:
        looked = mentions.look(db, seal, alice.domain, person)
    with database.transaction() as db:
        inbox.replay(db, alice.domain, seq)
        assert mentions.strip(db, seal, alice.domain, person, looked) == 0
    assert tells_of(BUYER, body_of(database, seal, seq))


def test_who_lost_the_shop_while_the_store_took_its_time_seals_nothing(
    database: Database, settings: Settings, seal: Seal, alice: Shop, bought: None
) -> None:
    def taken() -> None:
        with database.transaction() as db:
            db.execute(update(Turn).where(Turn.whose == alice.domain).values(lease_token="another"))

    objects = Meanwhile(settings.var / "objects", taken)
    with database.transaction() as db:
        batch = inbox.claim_applied(db, alice.domain)
    assert batch is not None
    with pytest.raises(LostLease):
        archive.seal_held(database, objects, seal, batch)
    with database.reading() as db:
        assert db.scalars(select(Segment)).all() == []
        assert db.scalars(select(Event.state)).all() == [EventState.APPLIED]


def test_a_request_that_waits_behind_an_event_nobody_can_read_is_parked_and_says_so(
    database: Database, alice: Shop, bought: None, deliver: Deliver, drain: Callable[[], int]
) -> None:
    with database.transaction() as db:
        db.execute(update(Event).values(body=b"?" * 50, received_at=clock.now()))
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    for _ in range(inbox.ATTEMPTS):
        drain()
    with database.reading() as db:
        (parked,) = inbox.parked(db, alice.domain)
        assert len(db.scalars(select(Customer)).all()) == 1
    assert (parked.topic, parked.error) == ("customers/redact", "CannotOpen: see the log")
