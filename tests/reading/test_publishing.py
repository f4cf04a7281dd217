"""Lists reach the shop's metafields whatever comes between: throttling, a lost race, products that are gone."""

import json
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from devstore.sales.model import Product as Sold
from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import ingest, jobs
from shopify_app.tables import Job, Product, PublishedList, Shop, WorkState
from tests import factories
from tests.devstore.few_sales import FewSales
from tests.lifecycle.making import lists, put_in_charge
from tests.reading.conftest import OpenTown, Town
from workers import run

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database
MANY = range(1, 61)


@dataclass
class ManyThings(FewSales):
    """Sixty products: more lists than go into two writes."""

    def products(self, on: date) -> list[Sold]:
        return [self._product(number) for number in MANY]


@pytest.fixture
def town(open_town: OpenTown) -> Town:
    """Two shops with sixty products each, whose app has lists for them."""
    prices = dict.fromkeys(MANY, "10.00")
    opened = open_town(alice=ManyThings(prices=prices), bob=ManyThings(prices=prices))
    for handle in ("alice", "bob"):
        shop = opened.open_app(handle)
        with opened.context.database.transaction() as db:
            jobs.drop(db, shop.id, ["backfill", "catalogue", "reconcile"], "test")
            for number in MANY:
                ingest.apply(db, shop, "products/create", factories.product(number), business_clock="data")
        near = {number: [number % 60 + 1, (number + 1) % 60 + 1] for number in MANY}
        version = lists(opened.context.database, opened.context.settings, shop, near, popular=[5])
        put_in_charge(opened.context.database, shop, version)
    return opened


def publish(town: Town, handle: str, tries: int = 40) -> list[Job]:
    """Ask for the shop's lists and let workers run until it is done; the jobs that were."""
    database, shop = town.context.database, town.shop(handle)
    with database.transaction() as db:
        jobs.ask(db, shop.id, "publish", "test")
    for _ in range(tries):
        with database.transaction() as db:
            db.execute(update(Job).where(Job.kind == "publish", Job.shop_id != shop.id).values(state=WorkState.DONE))
            past = clock.now() - timedelta(seconds=1)
            db.execute(update(Job).where(Job.kind == "publish", Job.started_at.is_(None)).values(due_at=past))
        run.drain(town.context, ("publish",))
        with database.reading() as db:
            mine = Job.kind == "publish", Job.shop_id == shop.id
            found = list(db.scalars(select(Job).where(*mine)))
        if all(job.state == WorkState.DONE for job in found):
            return found
    raise AssertionError(f"not done: {[(job.state, job.error) for job in found]}")


def there(town: Town, handle: str) -> dict[int, list[int]]:
    """What the shop's products show."""
    book = town.store.shop(handle).metafields
    found = {number: book.get(f"gid://shopify/Product/{number}", None, "recommendations") for number in MANY}
    return {n: [int(gid.rpartition("/")[2]) for gid in json.loads(one.value)] for n, one in found.items() if one}


def noted(database: Database, shop: Shop) -> dict[int, list[int]]:
    with database.reading() as db:
        mine = select(PublishedList).where(PublishedList.shop_id == shop.id)
        return {row.product_id: row.neighbours for row in db.scalars(mine)}


def test_a_throttled_answer_in_the_middle_is_waited_for_and_nothing_is_written_twice(town: Town) -> None:
    town.control("alice", "faults", {"throttle": 0.5})
    publish(town, "alice")
    town.control("alice", "faults", {"throttle": 0.0})
    shown = there(town, "alice")
    assert shown == noted(town.context.database, town.shop("alice"))
    assert sorted(shown) == list(MANY)
    assert shown[1][:3] == [2, 3, 5]
    assert there(town, "bob") == {}
    assert publish(town, "alice")[-1].result == {"written": 0, "stale": 0, "shop_list": "unchanged"}


def test_a_write_that_lost_its_race_is_compared_and_made_again(town: Town) -> None:
    publish(town, "alice")
    theirs = json.dumps(["gid://shopify/Product/9"])
    shop = town.store.shop("alice")
    write = {"ownerId": "gid://shopify/Product/1", "key": "recommendations", "type": "list.product_reference"}
    shop.metafields.set([{**write, "value": theirs}], {"gid://shopify/Product/9"})
    with town.context.database.transaction() as db:
        gone = {"id": 2}
        ingest.apply(db, town.shop("alice"), "products/delete", gone, business_clock="data")
    result = publish(town, "alice")[-1].result
    assert result is not None
    assert result["stale"] == 1
    shown = there(town, "alice")
    assert shown[1][:2] == [3, 5]
    assert {n: held for n, held in noted(town.context.database, town.shop("alice")).items() if n != 2} == {
        n: held for n, held in shown.items() if n != 2
    }


def test_a_product_that_only_shopify_knows_to_be_gone_holds_up_its_own_lists_alone(town: Town) -> None:
    with town.context.database.transaction() as db:
        newer = factories.product(61, title="Never reached the shop")
        ingest.apply(db, town.shop("alice"), "products/create", newer, business_clock="data")
    publish(town, "alice")
    assert sorted(there(town, "alice")) == list(MANY)
    assert 61 not in noted(town.context.database, town.shop("alice"))


def test_a_product_that_only_shopify_knows_to_be_gone_leaves_the_lists_that_name_it(town: Town) -> None:
    publish(town, "alice")
    with town.context.database.transaction() as db:
        for handle in ("alice", "bob"):
            never = factories.product(61, title="Deleted, and the webhook was lost")
            ingest.apply(db, town.shop(handle), "products/create", never, business_clock="data")
    near = {number: [61, number % 60 + 1] for number in MANY}
    version = lists(town.context.database, town.context.settings, town.shop("alice"), near, popular=[5])
    put_in_charge(town.context.database, town.shop("alice"), version)
    publish(town, "alice")
    shown = there(town, "alice")
    assert {number: held[0] for number, held in shown.items()} == {number: number % 60 + 1 for number in MANY}
    assert shown == noted(town.context.database, town.shop("alice"))
    with town.context.database.reading() as db:
        known = select(Product.shop_id).where(Product.product_id == 61, Product.deleted_at.is_not(None))
        assert list(db.scalars(known)) == [town.shop("alice").id]


def test_a_shop_of_one_product_has_no_list_to_write(town: Town) -> None:
    with town.context.database.transaction() as db:
        for number in MANY[1:]:
            ingest.apply(db, town.shop("alice"), "products/delete", {"id": number}, business_clock="data")
    assert publish(town, "alice")[-1].result == {"written": 0, "stale": 0, "shop_list": "written"}
    assert there(town, "alice") == {}


def test_when_all_is_sold_out_lists_are_emptied_and_come_back_with_the_goods(town: Town) -> None:
    publish(town, "alice")
    for left in (0, 7):
        with town.context.database.transaction() as db:
            for number in MANY:
                level = {"inventory_item_id": number * 10 + 5, "location_id": 1, "available": left}
                told = {**level, "updated_at": f"2026-03-0{3 + left % 5}T08:00:00Z"}
                ingest.apply(db, town.shop("alice"), "inventory_levels/update", told, business_clock="data")
        publish(town, "alice")
        shown = there(town, "alice")
        assert {bool(held) for held in shown.values()} == {left > 0}
    assert shown[1][:3] == [2, 3, 5]
