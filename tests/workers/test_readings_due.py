"""What is read again and again: asked once when it is due, and left to wait when Shopify does not answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from shopify_app import clock
from shopify_app.errors import ShopifyUnavailable
from shopify_app.records import feeds, jobs
from shopify_app.tables import Feed, Job, Shop, WorkState
from workers import housekeeping, run
from workers.context import Context
from workers.waiting import NotYet

Doing = Callable[[Callable[..., Any]], list[str]]


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch) -> Doing:
    """Makes every job do this; for which shops it was done."""
    done: list[str] = []

    def make(work: Callable[..., Any]) -> list[str]:
        def noted(context: Context, shop: Shop, job: Job) -> Any:
            done.append(shop.name)
            return work(context, shop, job)

        monkeypatch.setattr(run, "_work", lambda kind: noted)
        return done

    return make


def read(context: Context, *ago: tuple[Shop, timedelta]) -> None:
    """The orders of these shops were last read so long ago."""
    with context.database.transaction() as db:
        for shop, age in ago:
            feeds.done(db, shop.id, feeds.ORDERS)
            db.execute(update(Feed).where(Feed.shop_id == shop.id).values(checked_at=clock.now() - age))


def beat(context: Context, times: int) -> None:
    """Heartbeats, each with a turn of the desk after it."""
    for _ in range(times):
        housekeeping.tick(context)
        run.drain(context, run.DESK_JOBS)


def raising(error: Exception) -> Callable[..., None]:
    def work(*_: object) -> None:
        raise error

    return work


def found(context: Context, shop: Shop) -> list[Job]:
    with context.database.reading() as db:
        return list(db.scalars(select(Job).where(Job.shop_id == shop.id).order_by(Job.id)))


YESTERDAY, LATELY = timedelta(hours=25), timedelta(hours=1)


@pytest.mark.parametrize("late", [ShopifyUnavailable("alice.myshopify.com", "HTTP 502"), NotYet("Shopify collects")])
def test_a_reading_that_has_to_wait_is_hurried_by_no_heartbeat(
    context: Context, alice: Shop, bob: Shop, doing: Doing, late: Exception
) -> None:
    done = doing(raising(late))
    read(context, (alice, YESTERDAY), (bob, LATELY))
    beat(context, 4)
    assert done == ["Alice"]
    (job,) = found(context, alice)
    assert (job.state, job.due_at > clock.now()) == (WorkState.PENDING, True)


def test_a_reading_that_was_given_up_is_asked_again_when_its_time_has_come_again(
    context: Context, alice: Shop, bob: Shop, doing: Doing
) -> None:
    done = doing(raising(ValueError("what no answer of Shopify's should look like")))
    read(context, (alice, YESTERDAY), (bob, LATELY))
    for _ in range(jobs.ATTEMPTS + 2):
        beat(context, 1)
        with context.database.transaction() as db:
            db.execute(update(Job).values(due_at=clock.now()))
    assert [job.state for job in found(context, alice)] == [WorkState.PARKED]
    with context.database.transaction() as db:
        db.execute(update(Job).values(finished_at=clock.now() - YESTERDAY))
    beat(context, 1)
    assert [job.state for job in found(context, alice)] == [WorkState.PARKED, WorkState.PENDING]
    assert done == ["Alice"] * (jobs.ATTEMPTS + 1)


def test_what_waits_for_later_for_another_reason_is_read_when_it_is_due(
    context: Context, alice: Shop, doing: Doing
) -> None:
    done = doing(lambda *_: {})
    with context.database.transaction() as db:
        jobs.ask(db, alice.id, "reconcile", "another time zone waits", due_at=clock.now() + timedelta(hours=20))
    read(context, (alice, YESTERDAY))
    beat(context, 1)
    assert done == ["Alice"]


def test_a_heartbeat_costs_the_same_however_many_shops_wait_for_a_reading(
    context: Context, alice: Shop, bob: Shop, charlie: Shop
) -> None:
    def statements() -> int:
        counted: list[str] = []

        def note(*told: Any) -> None:
            counted.append(told[2])

        event.listen(context.database.engine, "before_cursor_execute", note)
        housekeeping.tick(context)
        event.remove(context.database.engine, "before_cursor_execute", note)
        return len(counted)

    read(context, (alice, LATELY), (bob, LATELY), (charlie, LATELY))
    housekeeping.tick(context)
    idle = statements()
    read(context, (alice, YESTERDAY), (bob, YESTERDAY), (charlie, YESTERDAY))
    housekeeping.tick(context)
    assert [len(found(context, shop)) for shop in (alice, bob, charlie)] == [1, 1, 1]
    assert statements() == idle
