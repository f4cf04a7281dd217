"""Workers and web servers die at the worst moments; every order is there in the end, once."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from demo.family import Family, Setup
from demo.watch import Watch
from shopify_app.db import Database
from shopify_app.tables import Backfill, Order, Version
from tests.long.test_story import free_ports

pytestmark = pytest.mark.long

SERVER = "shopify_app serve"


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    """The local Shopify and the app, as `make demo` starts them.

    Shopify tries for four hours: longer than a server is down that is killed again while it starts. 24 s can be less.
    """
    port, options = free_ports(), ["--all-orders", "--patience", "120"]
    with Family(Setup(tmp_path / "run", app_port=port, shopify_port=port + 1, devstore_options=options)) as made:
        yield made


def children(family: Family, word: str) -> list[psutil.Process]:
    """Processes of this run whose command holds a word."""
    mine = [p for parent in family.processes() for p in psutil.Process(parent).children(recursive=True)]
    return [process for process in mine if word in " ".join(process.cmdline())]


def kill_again_and_again(family: Family, over: threading.Event, killed: list[str]) -> None:
    """kill -9, in turn, a desk worker, the web server and the training worker, with all their children."""
    turn = 0
    while not over.wait(4):
        word = ("desk", SERVER, "training")[turn % 3]
        turn += 1
        for process in children(family, word):
            try:
                os.kill(process.pid, signal.SIGKILL)
                killed.append(word)
            except ProcessLookupError:
                pass


def test_kill_9_at_random_moments_loses_no_order_and_doubles_none(family: Family) -> None:
    watch = Watch(Database(f"sqlite:///{family.setup.var / 'foretally.db'}"), family.setup.domain)
    family.shopify("install", {})
    assert family.open_app().status_code == 200
    family.wait("the backfill", lambda: any(b.state == "done" for b in watch.rows(Backfill)), 120)
    family.wait("the first versions", lambda: len(watch.rows(Version)) == 2, 120)
    family.shopify("faults", {"duplicate": 0.3, "reorder": 0.2})
    over, killed = threading.Event(), list[str]()
    killer = threading.Thread(target=kill_again_and_again, args=(family, over, killed))
    killer.start()
    try:
        steps = []
        while len(steps) < 5 or (not {"desk", SERVER} <= set(killed) and len(steps) < 60):
            steps.append(family.shopify("clock", {"step_days": 2}))
    finally:
        over.set()
        killer.join()
    family.wait("the app to come to rest", watch.is_quiet, 240)
    sent = sum(step["orders_sent"] for step in steps)
    assert {"desk", SERVER} <= set(killed)
    assert sum(step["failed"] for step in steps) == 0
    with watch.database.reading() as db:
        stored = db.scalar(select(func.count()).select_from(Order).where(Order.is_backfilled.is_(False)))
    assert stored == sent > 200


def test_a_wiped_broker_loses_nothing(family: Family) -> None:
    watch = Watch(Database(f"sqlite:///{family.setup.var / 'foretally.db'}"), family.setup.domain)
    family.shopify("install", {})
    assert family.open_app().status_code == 200
    over = time.monotonic() + 60
    while time.monotonic() < over and not watch.rows(Version):
        for message in (family.setup.var / "broker" / "queue").glob("*"):
            message.unlink(missing_ok=True)
        time.sleep(0.5)
    family.wait("the first versions", lambda: watch.rows(Version), 120)
