"""What is down outside is waited for; what goes wrong here is tried five times."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.errors import ObjectsUnavailable, ShopifyUnavailable
from shopify_app.platform.bulk import BulkState
from shopify_app.tables import Job, Shop
from tests.records.test_jobs import ask
from workers import backfill, run
from workers.context import Context
from workers.waiting import NotYet, fail_query

Doing = Callable[[Callable[..., Any]], None]


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch) -> Doing:
    """Makes every job do this."""
    return lambda work: monkeypatch.setattr(run, "_work", lambda kind: work)


def tries(context: Context, most: int) -> Job:
    """The job after so many tries, each as soon as the one before is over."""
    for _ in range(most):
        with context.database.transaction() as db:
            db.execute(update(Job).values(due_at=clock.now() - timedelta(seconds=1)))
        run.drain(context, ["backfill"])
    with context.database.reading() as db:
        return db.scalars(select(Job)).one()


@pytest.mark.parametrize(
    "down", [ShopifyUnavailable("alice.myshopify.com", "HTTP 502"), ObjectsUnavailable("the bucket does not answer")]
)
def test_an_outage_however_long_gives_no_job_up_and_is_named(
    context: Context, alice: Shop, doing: Doing, down: Exception
) -> None:
    def work(*_: object) -> None:
        raise down

    doing(work)
    ask(context.database, alice, "backfill")
    job = tries(context, 20)
    assert (job.state, job.attempts, job.error) == ("pending", 0, f"{type(down).__name__}: {down}")
    assert clock.now() + timedelta(minutes=59) < job.due_at < clock.now() + timedelta(minutes=61)


def test_a_job_that_is_on_its_way_for_days_survives_a_mishap_now_and_then(
    context: Context, alice: Shop, doing: Doing
) -> None:
    looks = iter(range(1000))

    def work(*_: object) -> None:
        if next(looks) % 3 == 0:
            raise ValueError("a mishap")
        raise NotYet("on its way")

    doing(work)
    ask(context.database, alice, "backfill")
    assert tries(context, 30).state == "pending"


def test_a_bulk_query_that_always_ends_badly_is_given_up_though_it_was_waited_for(
    context: Context, alice: Shop, doing: Doing
) -> None:
    failed = BulkState("gid://shopify/BulkOperation/1", "FAILED", 0, "TIMEOUT", None, None)
    looks = iter(range(1000))

    def work(context: Context, shop: Shop, job: Job) -> None:
        if next(looks) % 2 == 0:
            raise NotYet("Shopify collects products")
        fail_query(context, shop, job, "products", failed)

    doing(work)
    ask(context.database, alice, "backfill")
    assert tries(context, 9).state == "pending"
    job = tries(context, 1)
    assert (job.state, job.error) == ("parked", "Shopify did not collect the products: FAILED TIMEOUT, 5 times")


def test_orders_that_shopify_cannot_collect_however_few_give_the_history_up(
    context: Context, alice: Shop, doing: Doing
) -> None:
    failed = BulkState("gid://shopify/BulkOperation/1", "FAILED", 0, "TIMEOUT", None, None)
    began = clock.now()
    shortest = backfill.Span(began, began + backfill.SHORTEST)
    looks = iter(range(1000))

    def work(context: Context, shop: Shop, job: Job) -> None:
        if next(looks) % 2 == 0:
            raise NotYet("Shopify collects orders")
        backfill._go_on(context, shop, job, 1, shortest, failed)

    doing(work)
    ask(context.database, alice, "backfill")
    job = tries(context, 10)
    assert (job.state, job.error) == ("parked", "Shopify did not collect the orders: FAILED TIMEOUT, 5 times")
