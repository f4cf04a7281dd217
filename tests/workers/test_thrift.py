"""How often a shop is trained: at most once a day, or as seldom as it likes, unless there is an alarm."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.lifecycle import counted
from shopify_app.lifecycle.slots import slot
from shopify_app.lifecycle.tallies import SERVED
from shopify_app.records import ingest, jobs, payloads
from shopify_app.tables import Evaluation, Job, Shop, Task, Version
from tests.workers.test_refresh import DAYS, FIRST, LAST, PER_DAY, an_order, asked, tell, train
from tests.worlds import World
from workers import deliver, evaluate, refresh
from workers.context import Context
from workers.retrain import BY_DAY, alarm

BY_ORDERS = "500 new orders"


@pytest.fixture
def shops(context: Context, world: World, installed: Callable[[str], Shop]) -> tuple[Shop, Shop]:
    """Two shops with three weeks of orders and their versions; Alice wants a full fit every second week only."""
    with world.made_once() as is_new:
        alice, bob = installed("alice"), installed("bob")
        if is_new:
            sell_and_train(context, (alice, 14), (bob, 1))
    return alice, bob


def sell_and_train(context: Context, *shops: tuple[Shop, int]) -> None:
    for shop, every in shops:
        random = np.random.default_rng(3)
        sold = [
            an_order(shop, n, FIRST + timedelta(days=n // PER_DAY), [int(random.integers(1, 9))], n % 24)
            for n in range(1, DAYS * PER_DAY)
        ]
        with context.database.transaction() as db:
            mine = db.get_one(Shop, shop.id)
            mine.settings = {"fit_every_days": every}
            ingest.apply_backfill(db, mine, [payloads.order(one) for one in sold], business_clock="data")
        tell(context.database, shop, [an_order(shop, 5000, LAST, [1, 2])])
        train(context, shop, "asked by the test")


def days_pass(database: Database, shop: Shop, days: int) -> None:
    tell(database, shop, [an_order(shop, 6000 + days, LAST + timedelta(days=days), [1, 2])])


def trained(result: dict[str, object]) -> set[str]:
    return {task for task in Task if task in result}


@pytest.mark.parametrize("cause", [BY_DAY, BY_ORDERS])
def test_a_shop_is_trained_at_most_once_a_day(context: Context, shops: tuple[Shop, Shop], cause: str) -> None:
    _, bob = shops
    assert trained(train(context, bob, cause)) == set()
    days_pass(context.database, bob, 1)
    assert trained(train(context, bob, cause)) == set(Task)
    assert trained(train(context, bob, cause)) == set()


def test_a_thrifty_shop_is_trained_when_its_days_have_passed(context: Context, shops: tuple[Shop, Shop]) -> None:
    alice, _ = shops
    days_pass(context.database, alice, 13)
    assert trained(train(context, alice, BY_DAY)) == set()
    days_pass(context.database, alice, 14)
    assert trained(train(context, alice, BY_DAY)) == set(Task)


def test_new_orders_train_before_the_days_have_passed(context: Context, shops: tuple[Shop, Shop]) -> None:
    alice, _ = shops
    days_pass(context.database, alice, 1)
    assert trained(train(context, alice, BY_ORDERS)) == set(Task)


def test_an_alarm_trains_the_task_it_is_about_before_the_days_have_passed(
    context: Context, shops: tuple[Shop, Shop]
) -> None:
    alice, _ = shops
    assert trained(train(context, alice, alarm(Task.FORECAST))) == set()
    days_pass(context.database, alice, 2)
    assert trained(train(context, alice, alarm(Task.FORECAST))) == {Task.FORECAST}


def test_what_is_asked_for_by_hand_is_done_however_thrifty(context: Context, shops: tuple[Shop, Shop]) -> None:
    assert trained(train(context, shops[0], "asked for by hand")) == set(Task)


def test_a_night_that_warns_asks_for_a_retrain_because_of_it(context: Context, shops: tuple[Shop, Shop]) -> None:
    fallen_short(context.database, shops[0])
    for shop, expected in zip(shops, ([alarm(Task.FORECAST), BY_DAY], [BY_DAY]), strict=True):
        days_pass(context.database, shop, 1)
        with context.database.transaction() as db:
            mine = db.get_one(Shop, shop.id)
            jobs.drop(db, shop.id, ["retrain"], "test")
        evaluate.run(context, mine, Job(shop_id=shop.id, kind="night", causes=["over"], payload={}))
        with context.database.reading() as db:
            assert asked(db, shop, "retrain") == expected


class Killed(BaseException):
    """Nobody catches it."""


def test_an_alarm_is_trained_for_though_the_night_that_raised_it_was_killed(
    context: Context, shops: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(_: Context) -> int:
        raise Killed

    alice, _ = shops
    fallen_short(context.database, alice)
    days_pass(context.database, alice, 1)
    with context.database.transaction() as db:
        jobs.drop(db, alice.id, ["retrain", "night"], "test")
        mine = db.get_one(Shop, alice.id)
    night = Job(shop_id=alice.id, kind="night", causes=["over"], payload={})
    monkeypatch.setattr(deliver, "drain", kill)
    with pytest.raises(Killed):
        evaluate.run(context, mine, night)
    monkeypatch.undo()
    evaluate.run(context, mine, night)
    with context.database.reading() as db:
        assert asked(db, alice, "retrain") == [alarm(Task.FORECAST), BY_DAY]


def test_counts_that_were_wrong_are_made_again_on_the_day_of_a_fit(context: Context, shops: tuple[Shop, Shop]) -> None:
    with context.database.transaction() as db:
        counted.forget(db, shops[0].id)
    assert trained(train(context, shops[0], refresh.COUNTS_DIFFERED)) == {Task.RECOMMEND}
    with context.database.reading() as db:
        assert counted.baseline(db, shops[0].id) is not None


def fallen_short(database: Database, shop: Shop) -> None:
    """For two nights the shop was served forecasts far below what its version was validated at."""
    with database.transaction() as db:
        key = slot(db, shop.id, Task.FORECAST).champion_id
        champion = db.get_one(Version, key)
        champion.metrics = {**champion.metrics, "product_week": {"accuracy": 0.99}}
        for back in (1, 2, 3):
            db.add(
                Evaluation(
                    shop_id=shop.id, task=Task.FORECAST, version_id=SERVED, role="served", level="product_week",
                    evaluated_on=LAST - timedelta(days=back), window_days=7, orders=100, actual_units=100.0,
                    forecast_units=100.0, accuracy=0.1, baseline_accuracy=0.1, bias=0.0, coverage=0.8,
                    created_at=clock.now(),
                )
            )  # fmt: skip
