"""An effect is written once per key, delivered at least once, and parked when Shopify never takes it."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import Conflict
from shopify_app.records import outbox
from shopify_app.records.outbox import ATTEMPTS, LostLease
from shopify_app.tables import Effect, Shop, WorkState

KINDS = ("flow_trigger",)
SOON = timedelta(0)


def put(database: Database, shop: Shop, key: str = "alert-1") -> bool:
    with database.transaction() as db:
        return outbox.put(db, shop.id, "flow_trigger", key, {"said": key})


def claim(database: Database) -> Effect | None:
    with database.transaction() as db:
        return outbox.claim(db, KINDS)


def taken(database: Database) -> Effect:
    effect = claim(database)
    assert effect is not None
    return effect


def test_the_same_key_is_written_once_per_shop(database: Database, alice: Shop, bob: Shop) -> None:
    assert [put(database, alice), put(database, alice), put(database, bob)] == [True, False, True]


def test_an_effect_is_delivered_and_not_claimed_again(database: Database, alice: Shop) -> None:
    put(database, alice)
    effect = taken(database)
    assert effect.payload == {"said": "alert-1"}
    assert claim(database) is None
    with database.transaction() as db:
        outbox.done(db, effect)
        assert outbox.open_count(db) == 0
    assert claim(database) is None


def test_an_effect_whose_deliverer_died_is_delivered_by_the_next(database: Database, alice: Shop) -> None:
    put(database, alice)
    dead = taken(database)
    with database.transaction() as db:
        db.execute(update(Effect).values(lease_until=clock.now() - timedelta(seconds=1)))
    alive = taken(database)
    with pytest.raises(LostLease), database.transaction() as db:
        outbox.done(db, dead)
    with database.transaction() as db:
        outbox.done(db, alive)


def test_what_shopify_never_takes_is_parked_and_can_be_replayed(database: Database, alice: Shop) -> None:
    put(database, alice)
    for _ in range(ATTEMPTS):
        effect = taken(database)
        with database.transaction() as db:
            outbox.fail(db, effect, "HTTP 502", retry_in=SOON)
    assert claim(database) is None
    with database.transaction() as db:
        assert db.get_one(Effect, effect.id).state == WorkState.PARKED
        outbox.replay(db, alice.id, effect.id)
    assert taken(database).attempts == 1
    with database.transaction() as db, pytest.raises(Conflict):
        outbox.replay(db, alice.id, effect.id)


def test_a_busy_shopify_costs_no_attempt(database: Database, alice: Shop) -> None:
    put(database, alice)
    for _ in range(3):
        effect = taken(database)
        with database.transaction() as db:
            outbox.postpone(db, effect, retry_in=SOON)
    assert taken(database).attempts == 1


def test_an_outage_however_long_gives_no_effect_up(database: Database, alice: Shop) -> None:
    put(database, alice)
    for _ in range(ATTEMPTS + 2):
        with database.transaction() as db:
            effect = outbox.claim(db, KINDS)
            assert effect is not None
            outbox.wait_for_outside(db, effect, "HTTP 503")
        with database.transaction() as db:
            waiting = db.get_one(Effect, effect.id)
            assert (waiting.state, waiting.error) == (WorkState.PENDING, "HTTP 503")
            assert clock.now() < waiting.due_at <= clock.now() + timedelta(hours=1)
            waiting.due_at = clock.now()
