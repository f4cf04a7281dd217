"""Publishing is killed half-way, again and again: the next process writes what is left, and nothing twice."""

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from devstore.sales.model import Product as Sold
from shopify_app import clock, nudge
from shopify_app.records import ingest, jobs
from shopify_app.tables import Job, PublishedList, WorkState
from tests import factories
from tests.devstore.few_sales import FewSales
from tests.lifecycle.making import lists, put_in_charge
from tests.long.app_processes import kill, running, wait
from tests.reading.conftest import OpenTown, Town, open_town

__all__ = ["open_town"]
pytestmark = pytest.mark.long

MANY = range(1, 601)
"""Twenty-four writes of twenty-five lists."""
KILLS = (20, 160, 310, 480)
"""After so many lists are with Shopify: fewer kills than make a job be given up."""


@dataclass
class ManyThings(FewSales):
    """Six hundred products."""

    def products(self, on: date) -> list[Sold]:
        return [self._product(number) for number in MANY]


@pytest.fixture
def town(open_town: OpenTown) -> Town:
    """Two shops with the same products, whose app has other lists for each."""
    prices = dict.fromkeys(MANY, "10.00")
    opened = open_town(alice=ManyThings(prices=prices), bob=ManyThings(prices=prices))
    nudge.configure(opened.context.settings)
    for handle, away in (("alice", 1), ("bob", 7)):
        shop = opened.open_app(handle)
        with opened.context.database.transaction() as db:
            for number in MANY:
                ingest.apply(db, shop, "products/create", factories.product(number), business_clock="data")
        near = {number: [(number + away) % 600 + 1, (number + 2 * away) % 600 + 1] for number in MANY}
        version = lists(opened.context.database, opened.context.settings, shop, near, popular=[5])
        put_in_charge(opened.context.database, shop, version)
        with opened.context.database.transaction() as db:
            kinds = ["backfill", "catalogue", "pixel", "publish", "reconcile", "retrain"]
            jobs.drop(db, shop.id, kinds, "test")
    return opened


def written(town: Town, handle: str) -> int:
    """How many metafields Shopify has written for the shop, each time they were."""
    return town.store.shop(handle).traffic.counts["metafield"]


def there(town: Town, handle: str) -> dict[int, list[int]]:
    book = town.store.shop(handle).metafields
    found = {number: book.get(f"gid://shopify/Product/{number}", None, "recommendations") for number in MANY}
    return {n: [int(gid.rpartition("/")[2]) for gid in json.loads(one.value)] for n, one in found.items() if one}


def noted(town: Town, handle: str) -> dict[int, list[int]]:
    with town.context.database.reading() as db:
        mine = select(PublishedList).where(PublishedList.shop_id == town.shop(handle).id)
        return {row.product_id: row.neighbours for row in db.scalars(mine)}


def publish(town: Town, handle: str) -> int:
    with town.context.database.transaction() as db:
        job_id = jobs.ask(db, town.shop(handle).id, "publish", "test")
    nudge.nudge("work")
    return job_id


def killed_at(town: Town, handle: str, lists: int, worker: ExitStack) -> None:
    """kill -9 as soon as Shopify has so many lists: amid a write, before its answer. Then the lease ends."""
    process = worker.enter_context(running(town.context.settings, "desk", DEV_SHOPIFY_URL=town.store.base_url))
    deadline = time.monotonic() + 60
    while written(town, handle) < lists:
        assert time.monotonic() < deadline, (town.context.settings.var / "desk.log").read_text()[-2000:]
        time.sleep(0.0005)
    kill(process)
    with town.context.database.transaction() as db:
        past = clock.now() - timedelta(seconds=1)
        db.execute(update(Job).where(Job.kind == "publish").values(lease_until=past))
    nudge.nudge("work")


def row(town: Town, job_id: int) -> Job:
    with town.context.database.reading() as db:
        return db.get_one(Job, job_id)


def test_publishing_that_is_killed_goes_on_where_it_was_and_writes_nothing_twice(town: Town) -> None:
    job_id = publish(town, "alice")
    unknown = []
    with ExitStack() as workers:
        for count in KILLS:
            killed_at(town, "alice", count, workers)
            unknown.append(written(town, "alice") - len(noted(town, "alice")))
        assert count <= written(town, "alice") < len(MANY)
        assert row(town, job_id).state != WorkState.DONE
        workers.enter_context(running(town.context.settings, "desk", DEV_SHOPIFY_URL=town.store.base_url))
        wait("the rest", lambda: nudge.nudge("work") or row(town, job_id).state == WorkState.DONE, 90)
    done = row(town, job_id)
    assert (done.attempts, done.state) == (len(KILLS) + 1, WorkState.DONE)
    assert any(unknown), "no kill came between Shopify's write and our note of it"
    assert written(town, "alice") == len(MANY) + 1  # and the shop's own list
    shown = there(town, "alice")
    assert shown == noted(town, "alice")
    assert {number: held[:2] for number, held in shown.items()} == {
        number: [(number + 1) % 600 + 1, (number + 2) % 600 + 1] for number in MANY
    }
    assert there(town, "bob") == {}
