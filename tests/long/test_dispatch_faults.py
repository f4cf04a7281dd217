"""Between an acknowledged delivery and its rows something fails: the server, the broker, or the delivery itself."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from sqlalchemy import select

from bench import servers
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import canary
from shopify_app.tables import Event, EventState, Order, Shop, Turn
from tests import factories
from tests.factories import order
from tests.long.app_processes import kill, program, running, wait

pytestmark = pytest.mark.long

NOBODY = "redis://127.0.0.1:1/0"
POISON = [
    b"not json",
    b"[" * 100_000,
    b'{"id": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    factories.encoded(order(900) | {"id": "900"}),
    factories.encoded(order(901) | {"line_items": "none"}),
    b"\xff\xfe",
]


def has_worker(database: Database) -> bool:
    with database.reading() as db:
        return db.get(Turn, tuple(canary.ROW.values())) is not None


def states(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(Event.state).order_by(Event.seq)))


def orders(database: Database) -> list[int]:
    with database.reading() as db:
        return list(db.scalars(select(Order.order_id).order_by(Order.order_id)))


@contextmanager
def web(settings: Settings, broker: str, **more: str) -> Iterator[tuple["subprocess.Popen[bytes]", HTTPConnection]]:
    """The web server, ringing at that broker, and a connection to it."""
    port = servers.free_port()
    with running(settings, "web", port, CELERY_BROKER_URL=broker, **more) as process:
        servers.wait_for(process, port, settings.var / "web.log")
        yield process, HTTPConnection("127.0.0.1", port, timeout=10)


def answer(to: HTTPConnection, shop: Shop, payload: object) -> int:
    body = factories.encoded(payload)
    to.request("POST", "/webhooks", body, factories.webhook_headers(shop.domain, "orders/create", body))
    reply = to.getresponse()
    reply.read()
    return reply.status


def test_what_was_acknowledged_just_before_the_server_died_becomes_rows_at_the_next_heartbeat(
    database: Database, settings: Settings, alice: Shop
) -> None:
    """The server could ring nobody, as when it dies between the commit and the ring. Poison is among the deliveries."""
    with running(settings, "desk"):
        with web(settings, NOBODY) as (server, door):
            wait("a heartbeat", lambda: has_worker(database))
            sent = [order(number) for number in range(1, 11)] + POISON + [order(number) for number in range(11, 21)]
            assert {answer(door, alice, payload) for payload in sent} == {200}
            kill(server)
        wait("rows", lambda: EventState.PENDING not in states(database), 15)
    assert states(database).count(EventState.PARKED) == len(POISON)
    assert orders(database) == list(range(1, 21))
    with database.reading() as db:
        parked = db.scalars(select(Event).where(Event.state == EventState.PARKED)).all()
    assert {event.attempts for event in parked} == {3}
    assert all(event.body and event.error for event in parked)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database
def test_a_file_that_a_killed_heartbeat_left_half_written_does_not_stop_the_next_one(
    database: Database, settings: Settings
) -> None:
    """Celery's own file of last times, as a kill between its parts leaves it, ends every heartbeat that reads it."""
    settings.var.mkdir(parents=True, exist_ok=True)
    left = settings.var / "celerybeat-schedule"
    left.with_suffix(".dir").write_text("'entries', (0, 512)\n")
    left.with_suffix(".dat").write_bytes(b"")
    with running(settings, "desk"):
        wait("a heartbeat", lambda: has_worker(database))


@contextmanager
def redis(port: int, folder: Path) -> Iterator[None]:
    """A Redis server that keeps nothing: whatever it held is lost when it is killed."""
    command = [program("redis-server"), "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database
def test_a_redis_that_is_killed_and_comes_back_empty_costs_no_delivery(
    database: Database, settings: Settings, alice: Shop, tmp_path: Path
) -> None:
    port = servers.free_port()
    broker = f"redis://127.0.0.1:{port}/0"
    with running(settings, "desk", CELERY_BROKER_URL=broker), web(settings, broker) as (_, door):
        with redis(port, tmp_path):
            wait("a heartbeat", lambda: has_worker(database))
            assert {answer(door, alice, order(number)) for number in range(1, 51)} == {200}
        assert {answer(door, alice, order(number)) for number in range(51, 101)} == {200}
        with redis(port, tmp_path):
            wait("rows", lambda: len(orders(database)) == 100)
    assert set(states(database)) == {EventState.APPLIED}
