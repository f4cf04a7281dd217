"""Deliveries are stored together, on the driver's own connection, and none spoils the others."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records.accepting import InboxRow, Outcome
from shopify_app.records.inbox import as_row, payload_bytes
from shopify_app.records.intake import Intake, PostgresIntake, Result, SqliteIntake
from shopify_app.records.seal import Seal
from shopify_app.tables import Event
from tests.factories import Delivery
from tests.records.cutting import cut

ALICE, BOB = "alice.myshopify.com", "bob.myshopify.com"
NOW, REPEATED, STRANGE = Outcome.ACCEPTED, Outcome.REPEATED, Outcome.QUARANTINED


@pytest.fixture
def intake(database: Database) -> Iterator[Intake]:
    made = SqliteIntake(database.url) if database.is_sqlite else PostgresIntake(database.url)
    yield made
    made.close()


def delivery(seal: Seal, shop: str, webhook_id: str, body: bytes, topic: str = "orders/create") -> InboxRow:
    return as_row(Delivery(shop, topic, body, webhook_id, triggered_at=clock.now()), seal, clock.now())


def events(database: Database) -> list[Event]:
    with database.reading() as db:
        return list(db.scalars(select(Event).order_by(Event.shop, Event.delivery_key)))


def test_many_are_stored_together_and_told_apart(database: Database, intake: Intake, seal: Seal) -> None:
    first = [delivery(seal, shop, f"w-{n}", f"{shop} {n}".encode()) for n in range(20) for shop in (ALICE, BOB)]
    later = [delivery(seal, ALICE, "w-20", b"new"), *first[:3], delivery(seal, ALICE, "w-21", b"newer")]
    assert intake.store(first) == [NOW] * 40
    assert intake.store(later) == [NOW, REPEATED, REPEATED, REPEATED, NOW]
    assert {(one.shop, payload_bytes(one, seal)) for one in events(database)} == {
        *((shop, f"{shop} {n}".encode()) for n in range(20) for shop in (ALICE, BOB)),
        (ALICE, b"new"),
        (ALICE, b"newer"),
    }


def test_times_are_read_back_as_they_were_told(database: Database, intake: Intake, seal: Seal) -> None:
    triggered, received = datetime(2026, 3, 1, 9, 0, 0, 123, UTC), datetime(2026, 3, 1, 10, tzinfo=UTC)
    told = Delivery(ALICE, "orders/create", b"x", "w-1", triggered_at=triggered)
    untold = Delivery(ALICE, "orders/create", b"y", "w-2", triggered_at=None)
    intake.store([as_row(told, seal, received), as_row(untold, seal, received)])
    assert [(e.triggered_at, e.received_at) for e in events(database)] == [(triggered, received), (None, received)]


def test_another_body_under_a_known_webhook_id_is_a_repetition_and_costs_its_neighbours_nothing(
    database: Database, intake: Intake, seal: Seal
) -> None:
    intake.store([delivery(seal, ALICE, "w-1", b"one")])
    later = [delivery(seal, ALICE, f"w-{n}", f"other {n}".encode()) for n in range(3)]
    assert intake.store(later) == [NOW, REPEATED, NOW]
    assert sorted(payload_bytes(one, seal) for one in events(database)) == [b"one", b"other 0", b"other 2"]


def test_one_delivery_that_comes_twice_at_once_is_stored_once(database: Database, intake: Intake, seal: Seal) -> None:
    twice = [delivery(seal, ALICE, "w-1", b"one"), delivery(seal, ALICE, "w-1", b"one")]
    assert intake.store([*twice, delivery(seal, ALICE, "w-2", b"two")]) == [NOW, REPEATED, NOW]
    assert len(events(database)) == 2


def test_a_body_that_comes_for_two_shops_at_once_is_quarantined(database: Database, intake: Intake, seal: Seal) -> None:
    both = [delivery(seal, BOB, "w-1", b"captured"), delivery(seal, ALICE, "w-1", b"captured")]
    assert sorted(intake.store(both)) == [NOW, STRANGE]


def test_a_replay_for_another_shop_does_not_taint_what_the_right_one_sends_next(intake: Intake, seal: Seal) -> None:
    assert intake.store([delivery(seal, ALICE, "w-1", b"an order")]) == [NOW]
    assert intake.store([delivery(seal, BOB, "w-2", b"an order")]) == [STRANGE]
    assert intake.store([delivery(seal, ALICE, "w-3", b"an order", "orders/updated")]) == [NOW]


def test_one_body_under_two_topics_of_one_meaning_is_no_replay(intake: Intake, seal: Seal) -> None:
    topics = ("orders/updated", "orders/fulfilled", "orders/partially_fulfilled")
    told = [delivery(seal, ALICE, f"w-{topic}", b"one order", topic) for topic in topics]
    assert intake.store(told) == [NOW] * 3
    assert intake.store([delivery(seal, ALICE, "w-d", b"one order", "orders/delete")]) == [STRANGE]


def test_a_topic_that_looks_like_a_pattern_is_none(intake: Intake, seal: Seal) -> None:
    """A captured body under a made-up topic must not make its next replay look harmless."""
    assert intake.store([delivery(seal, ALICE, "w-1", b"captured", "orders/%")]) == [NOW]
    assert intake.store([delivery(seal, ALICE, "w-2", b"captured", "orders/delete")]) == [STRANGE]


def test_a_delivery_that_the_database_cannot_take_leaves_its_neighbours_alone(
    database: Database, intake: Intake, seal: Seal
) -> None:
    good = [delivery(seal, ALICE, f"w-{n}", f"{n}".encode()) for n in range(3)]
    bad = good[1]._replace(event_id="half a letter: \ud800")
    results = intake.store([good[0], bad, good[2]])
    assert (results[0], results[2]) == (NOW, NOW)
    assert isinstance(results[1], UnicodeEncodeError)
    assert len(events(database)) == 2


def test_a_connection_that_was_cut_is_replaced_without_a_loss(database: Database, intake: Intake, seal: Seal) -> None:
    assert intake.store([delivery(seal, ALICE, "w-1", b"one")]) == [NOW]
    if database.is_sqlite:
        intake.close()
    else:
        cut(database)
        database.engine.dispose()
    assert intake.store([delivery(seal, ALICE, "w-2", b"two")]) == [NOW]
    assert len(events(database)) == 2


def test_two_connections_with_the_same_deliveries_do_not_wait_for_each_other_for_ever(
    database: Database, seal: Seal
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite lets one write at a time")
    told = [delivery(seal, ALICE, f"w-{n}", f"{n}".encode()) for n in range(40)]
    answers: list[list[Result]] = []

    def store(deliveries: list[InboxRow]) -> None:
        intake = PostgresIntake(database.url)
        answers.append([result for _ in range(10) for result in intake.store(deliveries)])
        intake.close()

    both = [threading.Thread(target=store, args=(order,)) for order in (told, told[::-1])]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert Counter(result for one in answers for result in one) == {NOW: 40, REPEATED: 760}
