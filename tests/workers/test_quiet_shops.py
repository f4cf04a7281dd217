"""Shops that have sold nothing yet, or nothing for long, wait; what cannot be done holds nothing else up."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from ml import train as training
from ml.errors import Implausible
from shopify_app import clock
from shopify_app.lifecycle.slots import peek
from shopify_app.records import days, jobs
from shopify_app.tables import Job, Shop, Task, Version, WorkState
from shopify_app.web.pages.reading.standing import standing, steps
from tests.workers.test_refresh import an_order, tell
from tests.worlds import World
from workers import run
from workers.context import Context

FIRST = date(2026, 3, 10)


def open_day(context: Context, shop: Shop, on: date) -> None:
    with context.database.transaction() as db:
        days.open_day(db, db.get_one(Shop, shop.id), on)


def work(context: Context) -> None:
    """All nights and trainings, each as often as it is tried."""
    for _ in range(jobs.ATTEMPTS + 1):
        run.drain(context, ("night", "retrain"))
        with context.database.transaction() as db:
            db.execute(update(Job).where(Job.state == WorkState.PENDING).values(due_at=clock.now()))


def ended(context: Context, shop: Shop) -> dict[str, list[str]]:
    """How the shop's jobs ended, by kind."""
    found: dict[str, list[str]] = {}
    with context.database.reading() as db:
        mine = select(Job.kind, Job.state).where(Job.shop_id == shop.id, Job.kind.in_(("night", "retrain")))
        for kind, state in db.execute(mine.order_by(Job.id)):
            found.setdefault(kind, []).append(state)
    return found


def in_charge(context: Context, shop: Shop) -> set[str]:
    with context.database.reading() as db:
        return {task for task in Task if (slot := peek(db, shop.id, task)) and slot.champion_id is not None}


@pytest.fixture
def lively(context: Context, world: World, installed: Callable[[str], Shop]) -> Shop:
    """Alice has sold for twenty days and has been trained."""
    with world.made_once() as is_new:
        alice = installed("alice")
        if is_new:
            sell_and_train(context, alice)
    assert in_charge(context, alice) == set(Task)
    return alice


def sell_and_train(context: Context, alice: Shop) -> None:
    sold = [an_order(alice, n, FIRST + timedelta(days=n // 10), [1 + n % 3, 5]) for n in range(1, 200)]
    tell(context.database, alice, sold)
    with context.database.transaction() as db:
        jobs.drop(db, alice.id, ["night", "retrain"], "test")
    open_day(context, alice, FIRST + timedelta(days=20))
    work(context)


def test_a_shop_without_orders_waits_for_them(context: Context, alice: Shop) -> None:
    for number in range(3):
        open_day(context, alice, FIRST + timedelta(days=number))
        work(context)
    assert ended(context, alice) == {"night": ["done"] * 2, "retrain": ["done"] * 2}
    with context.database.reading() as db:
        told = steps(db, standing(db, db.get_one(Shop, alice.id), clock.now()))
    assert [(step.state, step.detail) for step in told[1:]] == [
        ("waiting", "Starts when your first orders have come."),
        ("waiting", ""),
    ]
    tell(context.database, alice, [an_order(alice, n, FIRST + timedelta(days=3), [1, 2]) for n in range(1, 9)])
    open_day(context, alice, FIRST + timedelta(days=4))
    work(context)
    assert in_charge(context, alice) == set(Task)


def test_orders_of_the_very_first_day_are_learned_from_when_it_is_over(context: Context, alice: Shop) -> None:
    with context.database.transaction() as db:
        db.get_one(Shop, alice.id).settings = {"retrain_orders": 50}
    tell(context.database, alice, [an_order(alice, n, FIRST, [1, 2]) for n in range(1, 60)])
    work(context)
    assert ended(context, alice)["retrain"] == ["done"]
    open_day(context, alice, FIRST + timedelta(days=1))
    work(context)
    assert in_charge(context, alice) == set(Task)


def test_after_half_a_year_without_a_sale_nights_go_on_and_lists_are_still_made(context: Context, lively: Shop) -> None:
    open_day(context, lively, FIRST + timedelta(days=220))
    work(context)
    assert {state for states in ended(context, lively).values() for state in states} == {"done"}
    with context.database.reading() as db:
        newest = select(Version).where(Version.shop_id == lively.id).order_by(Version.id.desc()).limit(1)
        assert db.scalars(newest).one().task == Task.RECOMMEND


def test_a_version_that_cannot_forecast_keeps_nobody_from_being_judged_and_trained(
    context: Context, lively: Shop, monkeypatch: pytest.MonkeyPatch, installed: Callable[[str], Shop]
) -> None:
    def implausible(*_: Any, **__: Any) -> None:
        raise Implausible("three times the best week")

    before = ended(context, lively)["retrain"]
    open_day(context, lively, FIRST + timedelta(days=21))
    monkeypatch.setattr(training, "predict", implausible)
    work(context)
    with context.database.reading() as db:
        night = db.scalars(select(Job).where(Job.kind == "night").order_by(Job.id.desc())).first()
        assert night is not None
        assert (night.state, night.error) == (WorkState.PARKED, "Implausible: three times the best week")
        newest = select(Version.task).where(Version.cutoff_on == FIRST + timedelta(days=20))
        assert set(db.scalars(newest)) == {Task.RECOMMEND}
    assert ended(context, lively)["retrain"] == [*before, "parked"]
