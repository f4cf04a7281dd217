"""A shop's history is read whole, whatever happens to Shopify's bulk queries on the way."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from devstore.sales.model import Order
from shopify_app.records import jobs
from shopify_app.tables import Backfill, Feed, Product, StockDay, WorkState
from tests.devstore.few_sales import GIFTS, FewSales
from tests.reading.conftest import OpenTown, Town, few


def backfills(town: Town) -> list[Backfill]:
    with town.context.database.reading() as db:
        return list(db.scalars(select(Backfill).order_by(Backfill.id)))


def due_again(town: Town) -> None:
    """Time passes: what waits for another try is due."""
    with town.context.database.transaction() as db:
        for job in town.jobs("backfill"):
            if job.state == WorkState.PENDING:
                db.merge(job).due_at = job.created_at


def test_a_history_is_read_into_its_own_shop(town: Town) -> None:
    alice, bob = town.open_app("alice"), town.open_app("bob")
    town.work()
    assert town.lines("alice") == town.truth("alice")
    assert town.lines("bob") == town.truth("bob")
    assert town.orders("alice") == town.orders("bob") == 240
    first, second = backfills(town)
    assert (first.state, first.orders_expected, first.orders_read, first.reached_on) == (
        "done",
        240,
        240,
        date(2026, 4, 30),
    )
    assert {first.shop_id, second.shop_id} == {alice.id, bob.id}
    with town.context.database.reading() as db:
        prices = db.execute(select(Product.shop_id, Product.price_amount).where(Product.product_id == 1)).all()
        assert dict(tuple(row) for row in prices) == {alice.id: 10.0, bob.id: 1.0}
        feeds = db.execute(select(Feed.shop_id, Feed.kind, Feed.reached_at).where(Feed.kind == "orders")).all()
    assert {row[0]: row[2] for row in feeds} == dict.fromkeys(
        (alice.id, bob.id), datetime.fromisoformat("2026-04-30T15:00:00+00:00")
    )


def test_what_is_in_stock_is_known_from_the_first_day_on(town: Town) -> None:
    alice = town.open_app("alice")
    town.work()
    with town.context.database.reading() as db:
        counted = db.execute(
            select(StockDay.inventory_item_id, StockDay.available).where(StockDay.shop_id == alice.id)
        ).all()
        stock = db.scalars(select(Product.units_in_stock).where(Product.shop_id == alice.id)).all()
    level = town.sales["alice"].available(1, date(2026, 4, 30))
    assert sorted(tuple(row) for row in counted) == [(item, level) for item in (21, 22, 23)]
    assert stock == [level] * 3


def test_collections_are_read_with_the_catalogue_each_shop_s_own_and_again_when_it_is_read_again(town: Town) -> None:
    for handle in ("alice", "bob"):
        town.open_app(handle)
    town.work()
    assert collections(town, "alice") == {1: [[71, "Summer"], [72, "Gifts"]], 2: [[72, "Gifts"]], 3: []}
    assert collections(town, "bob") == {1: [], 2: [[71, "Summer"]], 3: [[71, "Summer"]]}
    town.sales["alice"].collections = {3: (GIFTS,)}  # a merchant's rule, of which no webhook tells
    town.control("alice", "clock", {"step_days": 1})
    with town.context.database.transaction() as db:
        jobs.ask(db, town.shop("alice").id, "catalogue", "asked by hand")
    town.work()
    assert collections(town, "alice") == {1: [], 2: [], 3: [[72, "Gifts"]]}
    assert collections(town, "bob") == {1: [], 2: [[71, "Summer"]], 3: [[71, "Summer"]]}


def collections(town: Town, handle: str) -> dict[int, Any]:
    with town.context.database.reading() as db:
        told = select(Product.product_id, Product.collections).where(Product.shop_id == town.shop(handle).id)
        return dict(tuple(row) for row in db.execute(told))


def test_without_the_scope_only_the_last_sixty_days_are_read_and_with_it_the_rest(open_town: OpenTown) -> None:
    town = open_town(all_orders=False)
    town.open_app("alice")
    town.work()
    before = town.orders("alice")
    assert before < 125
    town.control("alice", "scopes", {"grant": ["read_all_orders"], "revoke": []})
    town.work()
    assert town.lines("alice") == town.truth("alice")
    assert [one.state for one in backfills(town)] == ["done", "done"]


@dataclass
class Gated(FewSales):
    """Sales that Shopify's bulk query has to wait for."""

    gate: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        if in_bulk_query():
            self.asked.set()
            assert self.gate.wait(60)
        yield from super().orders(start, end, as_of)


def gated_town(open_town: OpenTown) -> tuple[Town, Gated]:
    sales = Gated()
    town = open_town(alice=sales, bob=few()["bob"])
    town.open_app("alice")
    return town, sales


def while_collecting(town: Town, sales: Gated, happens: Any) -> None:
    """Work, and let something happen while Shopify collects the orders."""
    working = threading.Thread(target=town.work)
    working.start()
    assert sales.asked.wait(20)
    happens()
    sales.gate.set()
    working.join(60)
    assert not working.is_alive()


def test_tokens_that_end_during_the_wait_are_renewed(open_town: OpenTown) -> None:
    town, sales = gated_town(open_town)
    while_collecting(town, sales, lambda: town.store.shop("alice").tokens.expire_access())
    due_again(town)
    town.work()
    assert town.lines("alice") == town.truth("alice")
    assert len(backfills(town)) == 1
    started = [one for one in town.store.shop("alice").bulk.all() if "orders(" in one.query]
    assert len(started) == 1


def test_a_bulk_query_that_somebody_cancels_is_asked_for_again_in_shorter_spans(open_town: OpenTown) -> None:
    town, sales = gated_town(open_town)
    desk = town.store.shop("alice").bulk

    def cancel() -> None:
        assert desk.cancel(desk.all()[-1].operation_id)

    while_collecting(town, sales, cancel)
    town.work()
    assert "CANCELED" in [one.status for one in desk.all()]
    assert town.lines("alice") == town.truth("alice")


@dataclass
class Troubled(FewSales):
    """Once the catalogue is collected (by the first two bulk queries), the next ones end badly."""

    per_day: int = 30
    troubles: int = 4
    trouble: Callable[[bool], None] = lambda is_on: None

    def available(self, product_id: int, on: date) -> int:
        if threading.current_thread().name == "bulk-2":
            self.trouble(True)
        return super().available(product_id, on)

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        if in_bulk_query():
            self.troubles -= 1
            self.trouble(self.troubles > 0)
        yield from super().orders(start, end, as_of)


def in_bulk_query() -> bool:
    return threading.current_thread().name.startswith("bulk-")


@pytest.mark.parametrize("fault", ["FAILED", "EXPIRED"])
def test_bulk_queries_that_end_badly_lose_and_double_no_order(open_town: OpenTown, fault: str) -> None:
    sales = Troubled()
    town = open_town(alice=sales, bob=few()["bob"])
    shop = town.store.shop("alice")
    sales.trouble = lambda is_on: shop.faults.change({"bulk": fault if is_on else None}) and None
    town.open_app("alice")
    town.work()
    asked = [one.query for one in shop.bulk.all() if "orders(" in one.query]
    assert [one.status for one in shop.bulk.all()][2:7] == [fault] * 4 + ["COMPLETED"]
    if fault == "FAILED":  # what came before it failed is used
        assert any("created_at:>=2026-" in query and "created_at:<" not in query for query in asked)
    else:
        assert any("created_at:<2026-" in query for query in asked)
    assert town.lines("alice") == town.truth("alice")
    assert town.orders("alice") == 3600
    assert [one.state for one in backfills(town)] == ["done"]


def test_a_worker_that_dies_while_waiting_leaves_its_bulk_query_to_the_next(open_town: OpenTown) -> None:
    town, sales = gated_town(open_town)

    def die() -> None:
        while "orders" not in town.jobs("backfill")[0].payload["state"]:
            time.sleep(0.01)
        with town.context.database.transaction() as db:
            job = db.merge(town.jobs("backfill")[0])
            job.lease_until, job.lease_token = job.created_at - timedelta(seconds=1), "somebody else's"

    while_collecting(town, sales, die)
    town.work()
    assert town.lines("alice") == town.truth("alice")
    assert len([one for one in town.store.shop("alice").bulk.all() if "orders(" in one.query]) == 1


def test_reading_a_second_time_changes_nothing(town: Town) -> None:
    town.open_app("alice")
    town.work()
    before = town.lines("alice")
    with town.context.database.transaction() as db:
        jobs.ask(db, town.shop("alice").id, "backfill", "again", payload={"state": {}})
    town.work()
    assert town.lines("alice") == before == town.truth("alice")
