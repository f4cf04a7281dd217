"""Lists reach the shop's metafields whatever comes between: throttling, a lost race, products that are gone."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.records import ingest, jobs
from shopify_app.tables import Job, Product, WorkState
from tests import factories
from tests.lifecycle.making import lists, put_in_charge
from tests.reading.conftest import Town, TownAsKept
from tests.reading.publishing import noted, open_with_lists, selling, there
from workers import publish as publishing
from workers import run

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database
MANY = range(1, 61)


@pytest.fixture
def town(town_as_kept: TownAsKept) -> Town:
    """Two shops with sixty products each, whose app has lists for them: more than go into two writes."""
    near = {number: [number % 60 + 1, (number + 1) % 60 + 1] for number in MANY}
    done = ["backfill", "catalogue", "reconcile"]
    return town_as_kept(lambda town: open_with_lists(town, {"alice": near, "bob": near}, done), **selling(MANY))


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


def test_a_throttled_answer_in_the_middle_is_waited_for_and_nothing_is_written_twice(town: Town) -> None:
    town.control("alice", "faults", {"throttle": 0.5})
    publish(town, "alice")
    town.control("alice", "faults", {"throttle": 0.0})
    shown = there(town, "alice")
    assert shown == noted(town, "alice")
    assert sorted(shown) == list(MANY)
    assert shown[1][:3] == [2, 3, 5]
    assert there(town, "bob") == {}
    assert publish(town, "alice")[-1].result == {"written": 0, "stale": 0, "shop_list": "unchanged"}


def test_a_delivery_that_comes_while_lists_are_published_is_a_row_before_the_last_one_is_written(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "A_WHILE", 0.0)
    monkeypatch.setattr(run, "TURN", 0.0)
    database, alice = town.context.database, town.shop("alice")
    with database.transaction() as db:
        job_id = jobs.ask(db, alice.id, "publish", "test")
        for shop, kinds in ((alice, ["pixel"]), (town.shop("bob"), ["pixel", "publish"])):
            jobs.drop(db, shop.id, kinds, "test")
    assert run.take_turn(town.context) == 1
    town.control("alice", "clock", {"step_days": 1})
    assert (town.drain() > 0, town.orders("alice") > 0, len(there(town, "alice"))) == (True, True, 25)
    while run.take_turn(town.context):
        pass
    assert sorted(there(town, "alice")) == list(MANY)
    assert there(town, "alice") == noted(town, "alice")
    with database.reading() as db:
        done = db.get_one(Job, job_id)
    assert (done.state, done.attempts) == (WorkState.DONE, 1)
    assert done.result == {"written": len(MANY), "stale": 0, "shop_list": "written"}
    assert town.store.shop("alice").traffic.counts["metafield"] == len(MANY) + 1


def test_what_a_version_that_comes_while_lists_are_published_says_is_written_of_all_products(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "A_WHILE", 0.0)
    database, alice = town.context.database, town.shop("alice")
    with database.transaction() as db:
        jobs.ask(db, alice.id, "publish", "test")
    run.drain(town.context, ("publish",), 0.0)
    far = {number: [(number + 9) % 60 + 1] for number in MANY}
    put_in_charge(database, alice, lists(database, town.context.settings, alice, far, popular=[5]))
    publish(town, "alice")
    assert {number: held[0] for number, held in there(town, "alice").items()} == {n: held[0] for n, held in far.items()}


@pytest.mark.parametrize("asked", ["rules changed", "recommend rolled back"])
def test_what_is_asked_in_the_last_round_of_publishing_is_written_of_all_products_too(
    town: Town, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(publishing, "A_WHILE", 0.0)
    monkeypatch.setattr(publishing, "ROUNDS", 2)
    database, alice = town.context.database, town.shop("alice")

    def ask(cause: str, nth: int) -> dict[int, list[int]]:
        """Lists that all differ from those before are in charge, and asked for."""
        told = {number: [(number + nth) % 60 + 1] for number in MANY}
        put_in_charge(database, alice, lists(database, town.context.settings, alice, told, popular=[5]))
        with database.transaction() as db:
            jobs.ask(db, alice.id, "publish", cause)
        return told

    ask("promoted", 7)
    run.drain(town.context, ("publish",), 0.0)
    ask("rules changed", 8)
    while True:
        run.drain(town.context, ("publish",), 0.0)
        with database.reading() as db:
            mine = select(Job).where(Job.shop_id == alice.id, Job.kind == "publish").order_by(Job.id.desc()).limit(1)
            place = db.scalars(mine).one().payload["state"]
        if place["rounds"] == 1 and place["after"]:
            break
    newest = ask(asked, 9)
    while run.drain(town.context, ("publish",), 0.0):
        pass
    assert {n: held[0] for n, held in there(town, "alice").items()} == {n: held[0] for n, held in newest.items()}


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
    assert {n: held for n, held in noted(town, "alice").items() if n != 2} == {
        n: held for n, held in shown.items() if n != 2
    }


def test_a_product_that_only_shopify_knows_to_be_gone_holds_up_its_own_lists_alone(town: Town) -> None:
    with town.context.database.transaction() as db:
        newer = factories.product(61, title="Never reached the shop")
        ingest.apply(db, town.shop("alice"), "products/create", newer, business_clock="data")
    publish(town, "alice")
    assert sorted(there(town, "alice")) == list(MANY)
    assert 61 not in noted(town, "alice")


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
    assert shown == noted(town, "alice")
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
