"""Between fits, answers follow the newest orders; every night the counts behind them are held against all orders."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.lifecycle import counted
from shopify_app.lifecycle.serving import Serving
from shopify_app.records import ingest, jobs, payloads, retention
from shopify_app.tables import Feed, Job, ListRun, Order, Shop, WorkState
from tests import factories
from tests.worlds import World
from workers import refresh, retrain
from workers.context import Context

FIRST, DAYS, PER_DAY = date(2026, 2, 20), 20, 15
LAST = FIRST + timedelta(days=DAYS)
"""The open day: those before it are closed."""


def an_order(shop: Shop, number: int, on: date, products: list[int], hour: int = 12, **changes: Any) -> dict[str, Any]:
    at = datetime(on.year, on.month, on.day, hour, 0, number % 60, tzinfo=ZoneInfo(shop.time_zone)).isoformat()
    lines = tuple((product, 1, "9.50") for product in products)
    return factories.order(number, lines=lines, created_at=at, customer=500 + number % 30, **changes)


def tell(database: Database, shop: Shop, orders: list[dict[str, Any]], topic: str = "orders/create") -> None:
    with database.transaction() as db:
        mine = db.get_one(Shop, shop.id)
        for one in orders:
            ingest.apply(db, mine, topic, one, business_clock="data")


def job(database: Database, shop: Shop, cause: str) -> Job:
    """The shop's retrain job, claimed."""
    with database.transaction() as db:
        jobs.drop(db, shop.id, ["night", "publish", "retrain"], "test")
        wanted = jobs.ask(db, shop.id, "retrain", cause)
        while (found := jobs.claim(db, ["retrain"])) is not None and found.id != wanted:
            jobs.finish(db, found)
        assert found is not None
        return found


def train(context: Context, shop: Shop, cause: str) -> dict[str, Any]:
    with context.database.reading() as db:
        mine = db.get_one(Shop, shop.id)
    one = job(context.database, shop, cause)
    result = retrain.run(context, mine, one)
    with context.database.transaction() as db:
        jobs.finish(db, one, result)
    return result


def asked(db: Session, shop: Shop, kind: str) -> list[str]:
    """Why a job of this kind waits."""
    waiting = Job.shop_id == shop.id, Job.kind == kind, Job.state == WorkState.PENDING
    return [cause for causes in db.scalars(select(Job.causes).where(*waiting)) for cause in causes]


@pytest.fixture
def shops(context: Context, world: World, installed: Callable[[str], Shop]) -> tuple[Shop, Shop]:
    """Two shops with three weeks of orders, some late in the evening, and their versions."""
    with world.made_once() as is_new:
        alice, bob = installed("alice"), installed("bob")
        if is_new:
            sell_and_train(context, (alice, 1), (bob, 2))
    return alice, bob


def sell_and_train(context: Context, *shops: tuple[Shop, int]) -> None:
    for shop, seed in shops:
        random = np.random.default_rng(seed)
        sold = [
            an_order(shop, n, FIRST + timedelta(days=n // PER_DAY), random.choice(9, 3, replace=False).tolist(), n % 24)
            for n in range(1, DAYS * PER_DAY)
        ]
        told = [{**one, "line_items": [line for line in one["line_items"] if line["product_id"]]} for one in sold]
        with context.database.transaction() as db:
            mine = db.get_one(Shop, shop.id)
            ingest.apply_backfill(db, mine, [payloads.order(one) for one in told], business_clock="data")
            for product in range(1, 10):
                ingest.apply(db, mine, "products/create", factories.product(product), business_clock="data")
        tell(context.database, shop, [an_order(shop, 5000, LAST, [1, 2])])
        train(context, shop, "asked by the test")


@pytest.fixture
def serving(context: Context) -> Iterator[Serving]:
    made = Serving(context.database, context.settings, shelf_seconds=0)
    yield made
    made.flush()


def checked(context: Context, shop: Shop, day: date = LAST - timedelta(days=1)) -> str | None:
    with context.database.reading() as db:
        mine = db.get_one(Shop, shop.id)
    return refresh.check(context, mine, day)


def test_a_refresh_shows_what_sells_together_today(
    context: Context, shops: tuple[Shop, Shop], serving: Serving
) -> None:
    alice, bob = shops
    before = serving.recommend(bob.domain, [1], 3, "b").product_ids
    tell(context.database, alice, [an_order(alice, 6000 + n, LAST, [1, 9]) for n in range(80)])
    assert train(context, alice, "500 new orders") == {"refreshed": {"version": 1, "orders": 81}}
    serving.forget(alice.domain)
    answer = serving.recommend(alice.domain, [1], 3, "a")
    assert (answer.product_ids[0], answer.version_number) == (9, 1)
    serving.forget(bob.domain)
    assert serving.recommend(bob.domain, [1], 3, "c").product_ids == before
    with context.database.reading() as db:
        assert asked(db, alice, "publish") == ["lists by the newest 81 orders"]
        named = {run.bundle for run in db.scalars(select(ListRun))}
        named |= {counted.baseline(db, one.id).bundle for one in shops}  # type: ignore[union-attr]
        assert named <= retention.named(db)


def test_without_new_orders_a_refresh_does_nothing(context: Context, shops: tuple[Shop, Shop]) -> None:
    late = {"updated_at": "2026-03-12T15:30:00+00:00", "test": True}
    tell(context.database, shops[0], [an_order(shops[0], 5000, LAST, [1, 2], **late)], "orders/updated")
    assert train(context, shops[0], "500 new orders") == {"skipped": "the newest versions are fresh enough"}
    assert "refreshed" in train(context, shops[1], "500 new orders")


def test_lists_are_not_made_again_for_a_handful_of_orders(context: Context, shops: tuple[Shop, Shop]) -> None:
    alice, _ = shops
    tell(context.database, alice, [an_order(alice, 6000 + n, LAST, [1, 9]) for n in range(80)])
    assert "refreshed" in train(context, alice, "500 new orders")
    tell(context.database, alice, [an_order(alice, 6100, LAST, [1, 9])])
    assert train(context, alice, "500 new orders") == {"skipped": "the newest versions are fresh enough"}
    tell(context.database, alice, [an_order(alice, 6101 + n, LAST, [1, 9]) for n in range(3)])
    assert train(context, alice, "500 new orders") == {"refreshed": {"version": 1, "orders": 85}}


def test_counts_agree_with_all_orders_after_everything_that_can_happen_to_an_order(
    context: Context, shops: tuple[Shop, Shop]
) -> None:
    for shop in shops:
        late = {"updated_at": "2026-03-12T11:00:00+00:00"}
        gone = {"cancelled_at": late["updated_at"], **late}
        cancelled = [an_order(shop, n, FIRST, [1, 2, 3], n % 24, **gone) for n in (3, 4)]
        edited = [an_order(shop, n, FIRST + timedelta(days=3), [4, 8], n % 24, **late) for n in (46, 47)]
        tell(context.database, shop, cancelled, "orders/cancelled")
        tell(context.database, shop, edited, "orders/updated")
        refund = {"id": 1, "order_id": 100, "created_at": late["updated_at"], "refund_line_items": []}
        refund["refund_line_items"] = [{"line_item_id": 10000, "quantity": 1}]
        tell(context.database, shop, [refund], "refunds/create")
        tell(context.database, shop, [{"id": 120}], "orders/delete")
        tell(context.database, shop, [an_order(shop, 7000 + n, LAST, [2, 7, 11]) for n in range(30)])
        assert checked(context, shop) == "equal"
        tomorrow = [an_order(shop, 8000 + n, LAST + timedelta(days=1), [5, 7]) for n in range(5)]
        tell(context.database, shop, tomorrow)
        assert checked(context, shop, LAST) == "equal"


def test_counts_that_are_wrong_are_dropped_told_and_made_again(
    context: Context, shops: tuple[Shop, Shop], serving: Serving
) -> None:
    alice, bob = shops
    tell(context.database, alice, [an_order(alice, 6000 + n, LAST, [1, 9]) for n in range(40)])
    train(context, alice, "500 new orders")
    with context.database.transaction() as db:
        db.execute(update(Order).where(Order.shop_id == alice.id, Order.order_id == 20).values(is_test=True))
    before = REGISTRY.get_sample_value("foretally_counts_checked_total", {"outcome": "different"}) or 0
    assert refresh_sees_a_stale_snapshot(context, alice) == "different"
    assert REGISTRY.get_sample_value("foretally_counts_checked_total", {"outcome": "different"}) == before + 1
    with context.database.reading() as db:
        assert counted.baseline(db, alice.id) is None
        assert counted.baseline(db, bob.id) is not None
        assert db.scalars(select(ListRun).where(ListRun.shop_id == alice.id)).all() == []
        assert asked(db, alice, "retrain") == ["counts differed from the orders"]
    serving.forget(alice.domain)
    assert serving.recommend(alice.domain, [1], 3, "a").version_number == 1


def refresh_sees_a_stale_snapshot(context: Context, shop: Shop) -> str | None:
    """A row changed behind the records' back is in a new snapshot's file only once its day is written again."""
    with context.database.transaction() as db:
        kept = counted.baseline(db, shop.id)
        assert kept is not None
        wrong = {**kept.states, "lines/2026-02": 1, "lines/2026-02-21": 1}
        counted.set_baseline(db, shop.id, counted.Baseline(kept.bundle, kept.cutoff_on, wrong))
    return checked(context, shop)


def test_a_bundle_that_is_gone_holds_nothing_up(context: Context, shops: tuple[Shop, Shop]) -> None:
    alice, _ = shops
    with context.database.transaction() as db:
        db.execute(update(Feed).where(Feed.shop_id == alice.id, Feed.kind == "counts").values(told={}))
    assert train(context, alice, "500 new orders") == {"skipped": "the newest versions are fresh enough"}
    assert checked(context, alice) is None
