"""A desk with much to do: everybody has a turn, and being busy is not being away."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.records import canary, feeds, jobs, silence
from shopify_app.tables import Feed, Job, Shop, Turn
from workers import housekeeping, run
from workers.context import Context

HOUR = timedelta(hours=1)


@pytest.fixture
def read(context: Context, alice: Shop, bob: Shop) -> list[Shop]:
    """Two shops whose orders were looked at an hour ago."""
    with context.database.transaction() as db:
        for shop in (alice, bob):
            feeds.done(db, shop.id, feeds.ORDERS)
        db.execute(update(Feed).values(checked_at=clock.now() - HOUR))
    return [alice, bob]


def heard(context: Context, ago: timedelta) -> None:
    """The last heartbeat was so long ago."""
    with context.database.transaction() as db:
        canary.touch(db)
        db.execute(update(Turn).where(Turn.queue == "canary").values(served_at=clock.now() - ago))


def reconciles(context: Context) -> list[Job]:
    with context.database.reading() as db:
        return list(db.scalars(select(Job).where(Job.kind == "reconcile").order_by(Job.id)))


def test_a_desk_that_was_busy_for_long_was_not_away(
    context: Context, read: list[Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_last_try", time.monotonic() - 3600)
    heard(context, HOUR)
    housekeeping.tick(context)
    assert reconciles(context) == []


def test_a_machine_that_slept_or_a_database_that_was_away_is_an_absence_however_long_the_worker_lives(
    context: Context, read: list[Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_last_try", time.monotonic() - 5)  # asleep, or tried in vain every five seconds
    heard(context, HOUR * 8)
    housekeeping.tick(context)
    assert [job.causes for job in reconciles(context)] == [["the app was away for 480 minutes"]] * 2


def test_after_an_absence_each_shop_is_looked_at_once(context: Context, read: list[Shop]) -> None:
    heard(context, HOUR * 2)
    housekeeping.tick(context)
    housekeeping.tick(context)
    assert [(job.shop_id, job.causes) for job in reconciles(context)] == [
        (shop.id, ["the app was away for 120 minutes"]) for shop in read
    ]


def test_what_waits_for_later_does_not_keep_an_absence_waiting(context: Context, read: list[Shop]) -> None:
    with context.database.transaction() as db:
        for shop in read:
            jobs.ask(db, shop.id, "reconcile", "another time zone waits", due_at=clock.now() + HOUR * 20)
    heard(context, HOUR * 2)
    housekeeping.tick(context)
    assert all(job.due_at < clock.now() + HOUR for job in reconciles(context))


def test_many_shops_are_looked_at_a_few_at_a_time(
    context: Context, read: list[Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "TOGETHER", 1)
    heard(context, HOUR * 2)
    housekeeping.tick(context)
    first, second = (job.due_at for job in reconciles(context))
    assert second - first == silence.APART


@pytest.fixture
def slow(context: Context, alice: Shop, bob: Shop, charlie: Shop, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """A desk for which every job is as long as a turn, with a job for each of three shops; how many wait."""
    monkeypatch.setattr(run, "TURN", 0.0)
    with context.database.transaction() as db:
        for shop in (alice, bob, charlie):
            jobs.ask(db, shop.id, "pixel", "test")  # none has granted the scopes: it ends at once

    def waiting() -> int:
        with context.database.reading() as db:
            return jobs.open_count(db)

    return waiting


def test_the_desk_s_jobs_end_their_turn_while_others_are_due(context: Context, slow: Callable[[], int]) -> None:
    assert [(run.take_turn(context), slow()) for _ in range(4)] == [(1, 2), (1, 1), (1, 0), (0, 0)]


def test_rings_that_waited_during_a_turn_are_no_turns_of_their_own(context: Context, slow: Callable[[], int]) -> None:
    before = time.time()
    assert run.take_turn(context, before) == 1
    assert [run.take_turn(context, before) for _ in range(3)] == [0, 0, 0]
    assert run.take_turn(context, time.time()) == 1
    assert slow() == 1


def test_a_clock_that_was_set_back_silences_no_ring(
    context: Context, slow: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_began", time.time() + 3600)
    assert run.take_turn(context, time.time()) == 1
