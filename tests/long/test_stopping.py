"""A deploy stops the app under load and in the middle of a training, and starts it again."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psutil
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import func, select, text

from bench import servers
from shopify_app import clock, nudge
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.platform.oauth import TokenPair
from shopify_app.records import tokens
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Order, Shop, WorkState
from tests.long.app_processes import ROOT, environ, kill, wait
from tests.long.intake_clients import SECRET, Senders, Server
from tests.long.test_training_faults import ask, is_doing, row, sell, versions

pytestmark = pytest.mark.long

NOBODY = "http://127.0.0.1:1"


def give_access(database: Database, settings: Settings, shop: Shop) -> None:
    """Without a token the shop would have to open the app again before anything is done for it."""
    later = clock.now() + timedelta(days=1)
    pair = TokenPair("token", "read_orders", later, "refresh", later + timedelta(days=80), "test")
    with database.transaction() as db:
        tokens.save(db, shop.id, pair, Seal(settings.encryption_keys))


@contextmanager
def app(settings: Settings, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Everything, as one command starts it; nobody is there where Shopify should be."""
    told = environ(settings, SHOPIFY_API_SECRET=SECRET, DEV_SHOPIFY_URL=NOBODY)
    with open(settings.var / "up.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "shopify_app", "up", "--port", str(port)],
            cwd=ROOT,
            env=told,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        servers.wait_for(process, port, settings.var / "up.log")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            kill(process)


@pytest.fixture
def migrated(database: Database) -> Iterator[Database]:
    """The tables are there already; say so, as `up` asks."""
    settings = Config(str(ROOT / "alembic.ini"))
    settings.attributes["url"] = database.url
    command.stamp(settings, "head")
    yield database
    with database.transaction() as db:
        db.execute(text("DROP TABLE alembic_version"))


def lives(process: psutil.Process) -> bool:
    """Whether it still does anything: one that has ended may wait for the system to take note."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pending(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Event).where(Event.state == EventState.PENDING)) or 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_under_way_when_the_app_is_stopped_is_finished_or_done_after_the_next_start(
    migrated: Database, settings: Settings, alice: Shop
) -> None:
    database = migrated
    nudge.configure(settings)
    sell(database, alice, range(1, 61))
    give_access(database, settings, alice)
    server = Server(settings.var, database.url.replace("+psycopg", ""))
    senders = Senders(server)
    with app(settings, server.port) as up:
        with senders.at_work(count=2):
            job = ask(database, alice, "asked for by hand")
            assert is_doing(database, job, "forecast")
            family = psutil.Process(up.pid).children(recursive=True)
            up.terminate()
            assert up.wait(30) == 0
        assert not [process for process in family if lives(process)]
    stored = Counter(server.stored())
    assert {webhook_id for webhook_id, _, _ in stored} == senders.acknowledged
    assert set(stored.values()) == {1}
    assert len(senders.acknowledged) > 100

    with app(settings, server.port):
        wait("the training", lambda: row(database, job).state == WorkState.DONE, 90)
        wait("rows", lambda: not pending(database), 60)
    made = Counter(versions(database))
    assert {task for task, _ in made} == {"forecast", "recommend"}
    assert set(made.values()) == {1}
    with database.reading() as db:
        sold = select(func.count()).select_from(Order).where(Order.is_backfilled.is_(False))
        assert db.scalar(sold) == len(senders.acknowledged)
