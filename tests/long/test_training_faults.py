"""Training is killed half-way, dies every time, or is told to stop: one version each, and the last good one serves."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from shopify_app import clock, nudge
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records import ingest, jobs, payloads
from shopify_app.tables import Job, Shop, Slot, Version, WorkState
from tests import factories
from tests.long.app_processes import running, wait

pytestmark = pytest.mark.long

FIRST = date(2026, 1, 1)


def sell(database: Database, shop: Shop, days: range) -> None:
    """Some orders on each of these days after the first."""
    sold = [
        factories.order(
            day * 10 + number,
            lines=((1, 1 + day % 3, "9.50"), (2 + number, 1, "5.00")),
            created_at=datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), UTC).isoformat(),
            customer=number,
        )
        for day in days
        for number in range(5)
    ]
    with database.transaction() as db:
        mine = db.get_one(Shop, shop.id)
        ingest.apply_backfill(db, mine, [payloads.order(one) for one in sold], business_clock="data")


def ask(database: Database, shop: Shop, cause: str) -> int:
    with database.transaction() as db:
        return jobs.ask(db, shop.id, "retrain", cause)


def row(database: Database, job_id: int) -> Job:
    with database.reading() as db:
        return db.get_one(Job, job_id)


def versions(database: Database) -> list[tuple[str, date]]:
    with database.reading() as db:
        return sorted((one.task, one.cutoff_on) for one in db.scalars(select(Version)))


def in_charge(database: Database) -> dict[str, int | None]:
    with database.reading() as db:
        return {slot.task: slot.champion_id for slot in db.scalars(select(Slot))}


def kill_the_training(settings: Settings, workers: ExitStack, database: Database, job_id: int) -> None:
    """kill -9 as the kernel does without memory, and the next process, as `up` starts it; then the lease is over."""
    workers.close()
    workers.enter_context(running(settings, "training"))
    with database.transaction() as db:
        past = clock.now() - timedelta(seconds=1)
        db.execute(update(Job).where(Job.id == job_id).values(lease_until=past, progress=None))


def is_doing(database: Database, job_id: int, what: str) -> bool:
    """Watch closely until the job has come to this step; False when it was done before anybody saw it there."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        nudge.nudge("train")
        for _ in range(40):
            job = row(database, job_id)
            if (job.progress or "").startswith(what) or job.state == WorkState.DONE:
                return job.state != WorkState.DONE
            time.sleep(0.005)
    raise AssertionError(f"{what}: it did not happen")


def begun(database: Database, job_id: int, times: int) -> Callable[[], bool]:
    def look() -> bool:
        nudge.nudge("train")
        return row(database, job_id).attempts >= times

    return look


@pytest.fixture
def history(database: Database, settings: Settings, alice: Shop) -> Shop:
    """A shop with two months of sales, and a bell that the workers of its folder hear."""
    nudge.configure(settings)
    sell(database, alice, range(1, 61))
    return alice


def test_training_that_is_killed_is_done_once_and_training_that_always_dies_is_given_up(
    database: Database, settings: Settings, history: Shop
) -> None:
    with ExitStack() as workers:
        workers.enter_context(running(settings, "training"))
        first = ask(database, history, "asked for by hand")
        assert is_doing(database, first, "forecast")
        kill_the_training(settings, workers, database, first)
        # The lists of so small a shop take a tenth of a second: now and then they are done before the kill.
        while row(database, first).attempts < 4 and is_doing(database, first, "recommend"):
            kill_the_training(settings, workers, database, first)
        wait("the last attempt", lambda: begun(database, first, 2)() and row(database, first).state == WorkState.DONE)
        good = in_charge(database)
        cutoff = FIRST + timedelta(days=59)
        assert versions(database) == [("forecast", cutoff), ("recommend", cutoff)]
        assert None not in good.values()

        sell(database, history, range(61, 63))
        second = ask(database, history, "asked for by hand")
        for attempt in range(1, jobs.ATTEMPTS + 1):
            wait(f"attempt {attempt}", begun(database, second, attempt))
            kill_the_training(settings, workers, database, second)
        wait("the end", lambda: begun(database, second, 5)() and row(database, second).state == WorkState.PARKED)
    assert "the worker died each time" in (row(database, second).error or "")
    assert in_charge(database) == good
    with database.reading() as db:
        folders = [Bundles(settings).folder(db.get_one(Version, one).bundle) for one in good.values()]
    assert all(any(folder.iterdir()) for folder in folders)
