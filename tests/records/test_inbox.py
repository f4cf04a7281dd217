"""An accepted delivery is stored once, drained in order, shop by shop, and parked when nobody can make sense of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database, insert_many
from shopify_app.errors import Conflict, NotFound
from shopify_app.records import archive, inbox
from shopify_app.records.inbox import LostLease
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Order, Shop, Turn
from tests.conftest import Deliver
from tests.factories import Delivery, encoded, order

Drain = Callable[[], int]


def states(database: Database, shop: Shop) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(Event.state).where(Event.shop == shop.domain).order_by(Event.seq)))


def only_event(database: Database) -> Event:
    with database.reading() as db:
        return db.scalars(select(Event)).one()


def test_a_repeated_delivery_is_stored_once(database: Database, alice: Shop, deliver: Deliver) -> None:
    answers = [deliver(alice, "orders/create", order(), webhook_id="w-1") for _ in range(3)]
    assert answers == [True, False, False]
    assert states(database, alice) == ["pending"]


def test_a_delivery_without_webhook_id_is_known_by_its_event_id_and_without_both_by_its_body(
    database: Database, alice: Shop, deliver: Deliver
) -> None:
    assert deliver(alice, "orders/create", order(1), webhook_id=None, event_id="e-1")
    assert not deliver(alice, "orders/create", order(2), webhook_id=None, event_id="e-1")
    assert deliver(alice, "orders/create", order(3), webhook_id=None)
    assert not deliver(alice, "orders/create", order(3), webhook_id=None)


def test_the_same_webhook_id_in_two_shops_is_two_deliveries(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver
) -> None:
    assert deliver(alice, "orders/create", order(lines=((1, 1, "1.00"),)), webhook_id="w-1")
    assert deliver(bob, "orders/create", order(lines=((1, 9, "1.00"),)), webhook_id="w-1")


def test_the_stored_body_can_be_read_only_with_the_key(
    database: Database, alice: Shop, deliver: Deliver, seal: Seal
) -> None:
    deliver(alice, "orders/create", order(customer=8888888))
    event = only_event(database)
    assert event.body is not None
    assert b"8888888" not in event.body
    assert inbox.payload_bytes(event, seal) == encoded(order(customer=8888888))


def test_a_body_that_came_before_for_another_shop_is_quarantined(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order())
    assert deliver(bob, "orders/create", order())
    drain()
    assert (states(database, alice), states(database, bob)) == (["applied"], ["parked"])
    with database.reading() as db:
        assert inbox.parked(db, bob.domain)[0].error == "quarantined: this body came before under another shop or topic"
        assert list(db.scalars(select(Order.shop_id))) == [alice.id]


def test_an_order_replayed_as_its_own_deletion_is_quarantined(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order())
    deliver(alice, "orders/delete", order())
    drain()
    assert states(database, alice) == ["applied", "parked"]
    with database.reading() as db:
        assert db.scalars(select(Order)).one().order_id == 1001


def test_two_topics_that_tell_the_same_order_are_no_quarantine(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order())
    deliver(alice, "orders/updated", order())
    drain()
    assert states(database, alice) == ["applied", "applied"]


def test_poison_is_parked_and_its_neighbours_become_rows(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    poison = [b"not json", b"[" * 100_000, b'"text"', encoded(order(3) | {"id": "3"}), encoded({"id": 4}), b"\xff\xfe"]
    deliver(alice, "orders/create", order(1))
    for body in poison:
        deliver(alice, "orders/create", body)
    deliver(alice, "no/such-topic", {"id": 1})
    deliver(alice, "orders/create", order(2))
    drain()
    assert states(database, alice) == ["applied", *["parked"] * 7, "applied"]
    with database.reading() as db:
        assert list(db.scalars(select(Order.order_id).order_by(Order.order_id))) == [1, 2]
        told = [event.error or "" for event in inbox.parked(db, alice.domain)]
    assert told[0] == "nothing here reads the topic 'no/such-topic'"
    assert any("id is no id: a str" in error for error in told)


def test_a_parked_delivery_can_be_replayed_by_a_person(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(bob, "orders/create", order())
    deliver(alice, "orders/create", order())
    drain()
    with database.transaction() as db:
        seq = inbox.parked(db, alice.domain)[0].seq
        with pytest.raises(NotFound):
            inbox.replay(db, bob.domain, seq)
        inbox.replay(db, alice.domain, seq)
    drain()
    assert states(database, alice) == ["applied"]
    with database.transaction() as db, pytest.raises(Conflict):
        inbox.replay(db, alice.domain, seq)


def test_what_became_rows_and_is_sealed_keeps_its_key_and_loses_its_body(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(), webhook_id="w-1")
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    event = only_event(database)
    assert (event.state, event.body, event.delivery_key) == (EventState.DONE, None, "w:w-1")
    assert not deliver(alice, "orders/create", order(), webhook_id="w-1")


def test_a_delivery_for_a_shop_that_never_opened_the_app_is_kept_for_later(
    database: Database, deliver: Deliver, drain: Drain
) -> None:
    deliver("stranger.myshopify.com", "orders/create", order())
    drain()
    assert only_event(database).error == "this shop has not opened the app"


def test_a_small_shop_does_not_wait_behind_a_big_one(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver
) -> None:
    for number in range(30):
        deliver(alice, "orders/create", order(number + 1))
    deliver(bob, "orders/create", order(99))
    served = []
    for _ in range(4):
        with database.transaction() as db:
            batch = inbox.claim(db, limit=10)
            assert batch is not None
            inbox.finish(db, batch)
            served.append((batch.shop.split(".")[0], len(batch.events)))
    assert served == [("alice", 10), ("bob", 1), ("alice", 10), ("alice", 10)]


def test_in_a_flood_of_one_shop_every_other_shop_is_served_at_its_first_turn(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    waiting = {"topic": "orders/create", "received_at": clock.now(), "signature": b"", "secret_used": "current"}
    flood = [{**waiting, "shop": alice.domain, "delivery_key": str(n), "state": "pending"} for n in range(20_000)]
    with database.transaction() as db:
        insert_many(db, Event, [{**row, "attempts": 0} for row in flood])
    deliver(alice, "orders/create", order(1))
    deliver(bob, "orders/create", order(1, lines=((1, 7, "1.00"),)))
    deliver("stranger.myshopify.com", "orders/create", order(2))
    served = []
    for _ in range(4):
        with database.transaction() as db:
            batch = inbox.claim(db, limit=100)
            assert batch is not None
            inbox.finish(db, batch)
            served.append((batch.shop.split(".")[0], len(batch.events)))
    assert served == [("alice", 100), ("bob", 1), ("stranger", 1), ("alice", 100)]


def test_a_batch_is_in_the_order_of_arrival(database: Database, alice: Shop, deliver: Deliver) -> None:
    for number in range(5):
        deliver(alice, "orders/create", order(number + 1))
    with database.transaction() as db:
        batch = inbox.claim(db)
    assert batch is not None
    assert [event.seq for event in batch.events] == sorted(event.seq for event in batch.events)


def test_a_shop_that_is_being_served_is_not_served_twice(database: Database, alice: Shop, deliver: Deliver) -> None:
    deliver(alice, "orders/create", order(1))
    with database.transaction() as db:
        assert inbox.claim(db) is not None
    deliver(alice, "orders/create", order(2))
    with database.transaction() as db:
        assert inbox.claim(db) is None


def test_a_batch_that_came_to_nothing_can_be_taken_at_once(database: Database, alice: Shop, deliver: Deliver) -> None:
    deliver(alice, "orders/create", order())
    with database.transaction() as db:
        batch = inbox.claim(db)
        assert batch is not None
        inbox.give_back(db, batch)
        assert inbox.claim(db) is not None


def test_a_worker_that_was_too_slow_changes_nothing(database: Database, alice: Shop, deliver: Deliver) -> None:
    deliver(alice, "orders/create", order())
    with database.transaction() as db:
        slow = inbox.claim(db)
    with database.transaction() as db:
        db.execute(update(Turn).values(lease_until=clock.now() - timedelta(seconds=1)))
    with database.transaction() as db:
        fast = inbox.claim(db)
    assert slow is not None
    assert fast is not None
    with pytest.raises(LostLease), database.transaction() as db:
        inbox.finish(db, slow)
    assert states(database, alice) == ["pending"]
    with database.transaction() as db:
        inbox.finish(db, fast)
    assert states(database, alice) == ["applied"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(min_size=1, max_size=300), webhook_id=st.none() | st.text("abc-123", min_size=1, max_size=300))
def test_any_bytes_can_be_stored_and_come_out_as_they_were(
    database: Database, seal: Seal, body: bytes, webhook_id: str | None
) -> None:
    hook = Delivery("dora.myshopify.com", "orders/create", body, webhook_id)
    with database.transaction() as db:
        is_new = inbox.accept(db, hook, seal, clock.now())
        event = db.scalars(select(Event).order_by(Event.seq.desc())).first()
        assert event is not None
        if is_new:
            assert inbox.payload_bytes(event, seal) == body
        assert not inbox.accept(db, hook, seal, clock.now())
