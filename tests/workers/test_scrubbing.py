"""What a privacy request deletes leaves the database's files as soon as that keeps nobody waiting, and not before."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import archive, scrubbing
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import DataKey, Shop
from tests.conftest import Deliver
from tests.records.people import Buyer, everything
from workers import housekeeping
from workers.context import Context

BUYER = Buyer()


@pytest.fixture
def key(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Callable[[], int]
) -> bytes:
    """A customer's key, as it is stored."""
    deliver(alice, "orders/create", BUYER.buys(1))
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    with database.reading() as db:
        return db.scalars(select(DataKey.wrapped)).one()


def is_left(context: Context, key: bytes) -> bool:
    return any(key in content for content in everything(context.database, context.settings.var).values())


def test_who_reads_keeps_what_was_deleted_for_as_long_and_nobody_waits_for_it(
    context: Context, key: bytes, alice: Shop, deliver: Deliver, drain: Callable[[], int]
) -> None:
    if not context.database.is_sqlite:
        pytest.skip("PostgreSQL's readers and writers do not wait for each other")
    with context.database.reading() as reader:
        reader.scalars(select(Shop)).all()
        deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
        began = time.monotonic()
        drain()
        housekeeping.tick(context)
        assert time.monotonic() - began < 5
        assert is_left(context, key)
    housekeeping.tick(context)
    assert not is_left(context, key)


def test_nobody_waits_for_a_writer_either(context: Context) -> None:
    if not context.database.is_sqlite:
        pytest.skip("PostgreSQL's readers and writers do not wait for each other")
    with context.database.transaction() as db:
        scrubbing.owe(db)
    with context.database.transaction():
        assert not scrubbing.scrub(context.database, clock.now())
    assert scrubbing.scrub(context.database, clock.now())
    with context.database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 10_000


def test_postgresql_is_vacuumed_once_an_hour_however_many_ask(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite's log is emptied at each request")
    first = clock.now()
    told = []
    for minutes in (0, 1, 59, 61, 62):
        with database.transaction() as db:
            scrubbing.owe(db)
        told.append(scrubbing.scrub(database, first + timedelta(minutes=minutes)))
    assert told == [True, False, False, True, False]
    assert scrubbing.scrub(database, first + timedelta(minutes=122))
    assert scrubbing.scrub(database, first + timedelta(minutes=123))
