"""A merchant tells of promotions: they are kept for their shop, in its snapshots, and can be taken back."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import Barrier, Thread

import pytest

from ml.dataset import read_dataset
from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle import promotions, table_imports
from shopify_app.lifecycle.promotions import Promotion
from shopify_app.records import ingest, snapshots
from shopify_app.records.objects import Objects
from shopify_app.tables import Product, Shop
from tests import factories
from tests.lifecycle.making import sell
from tests.web.conftest import Send

TODAY = date(2026, 3, 10)
Told = Callable[[Shop], list[tuple[str, ...]]]
SPRING = {"products": "product-1, product-2", "first_on": "2026-03-20", "last_on": "2026-03-22", "code": "SPRING"}


@pytest.fixture(autouse=True)
def products(database: Database, alice: Shop, bob: Shop) -> None:
    """Two products in Alice's shop; of Bob's, the second has another handle."""
    with database.transaction() as db:
        for shop, handles in ((alice, ("product-1", "product-2")), (bob, ("product-1", "basket"))):
            db.get_one(Shop, shop.id).business_on = TODAY
            for number, handle in enumerate(handles, start=1):
                told = factories.product(number, title=f"{shop.domain[:5]} {number}", handle=handle)
                ingest.apply(db, shop, "products/create", told, business_clock="data")


@pytest.fixture
def told(database: Database, objects: Objects) -> Told:
    """What a shop told of, as plain text."""

    def read(shop: Shop) -> list[tuple[str, ...]]:
        with database.reading() as db:
            return sorted(tuple(map(str, one)) for one in promotions.told(db, objects, shop.id))

    return read


def test_a_promotion_is_kept_for_each_product_of_this_shop_and_shown(
    post: Send, visit: Send, alice: Shop, bob: Shop, told: Told
) -> None:
    answer = post(alice, "/promotions", **SPRING)
    assert (answer.status_code, answer.location) == (303, "/promotions?said=promotion")
    days = ("2026-03-20", "2026-03-22")
    assert told(alice) == [(*days, "SPRING", "1"), (*days, "SPRING", "2")]
    assert told(bob) == []
    page = visit(alice, "/promotions").text
    assert page.count("20 Mar 2026 to 22 Mar 2026") == 1
    assert page.count(">Planned<") == 1
    assert f"{alice.domain[:5]} 1, {alice.domain[:5]} 2 <" in page
    assert "None so far" in visit(bob, "/promotions").text
    assert post(alice, "/promotions", **SPRING).status_code == 303
    assert len(told(alice)) == 2


def test_whoever_comes_from_a_product_finds_it_named(visit: Send, alice: Shop, bob: Shop) -> None:
    assert 'value="product-2"' in visit(alice, "/promotions?product=2").text
    assert 'value="basket"' in visit(bob, "/promotions?product=2").text
    assert 'value="product' not in visit(bob, "/promotions?product=3").text


def test_one_is_taken_back_and_the_others_stay(post: Send, alice: Shop, bob: Shop, told: Told) -> None:
    everything = {"products": "", "first_on": "2026-03-09", "last_on": "2026-03-09", "code": ""}
    for shop in (alice, bob):
        assert post(shop, "/promotions", **everything).status_code == 303
    assert post(alice, "/promotions", **SPRING).status_code == 303
    spring = {name: SPRING[name] for name in ("first_on", "last_on", "code")}
    assert post(bob, "/promotions/remove", **spring).status_code == 303
    assert len(told(alice)) == 3
    for _ in range(2):
        assert post(alice, "/promotions/remove", **spring).status_code == 303
    assert [one[3] for one in told(alice)] == ["*"]
    assert post(alice, "/promotions/remove", **everything).status_code == 303
    assert told(alice) == []
    assert len(told(bob)) == 1
    assert post(alice, "/promotions/remove", **spring | {"first_on": "soon"}).status_code == 404


def test_a_collection_is_promoted_with_the_products_that_are_in_it(
    post: Send, visit: Send, database: Database, alice: Shop, bob: Shop, told: Told
) -> None:
    with database.transaction() as db:
        for shop, members in ((alice, ([[7, "Gifts"]], [[7, "Gifts"], [8, "Sale"]])), (bob, ([[7, "Toys"]], []))):
            for number, collections in enumerate(members, start=1):
                db.get_one(Product, (shop.id, number)).collections = collections
    assert '<s-option value="7">Gifts</s-option>' in visit(alice, "/promotions").text
    assert "Gifts" not in visit(bob, "/promotions").text
    for shop in (alice, bob):
        assert post(shop, "/promotions", **SPRING | {"products": "product-1", "collection": "7"}).status_code == 303
    assert [one[3] for one in told(alice)] == ["1", "2"]
    assert [one[3] for one in told(bob)] == ["1"]
    assert (
        "in that collection any more" in post(bob, "/promotions", **SPRING | {"products": "", "collection": "8"}).text
    )
    assert post(bob, "/promotions", **SPRING | {"products": "", "collection": "9" * 30}).status_code == 422
    assert len(told(bob)) == 1


def test_of_many_products_three_are_named(post: Send, visit: Send, database: Database, alice: Shop, bob: Shop) -> None:
    with database.transaction() as db:
        for number in range(1, 6):
            db.merge(
                Product(
                    shop_id=alice.id,
                    product_id=number,
                    title=f"Tea {number}",
                    updated_at=clock.now(),
                    collections=[[7, "Gifts"]],
                )
            )
    assert post(alice, "/promotions", **SPRING | {"products": "", "collection": "7"}).status_code == 303
    assert "Tea 1, Tea 2, Tea 3 and 2 more" in visit(alice, "/promotions").text
    assert "Tea" not in visit(bob, "/promotions").text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("products", "product-1, basket", "There is no product “basket”"),
        ("first_on", "", "Enter a day"),
        ("first_on", "20.3.2026", "Enter a day"),
        ("last_on", "2026-03-19", "from the first one on"),
        ("last_on", "2028-03-19", "within a year"),
        ("code", "X" * 256, "at most 255"),
        ("products", ",".join(f"p{n}" for n in range(101)), "at most 100"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_kept(
    post: Send, alice: Shop, told: Told, field: str, value: str, said: str
) -> None:
    answer = post(alice, "/promotions", **SPRING | {field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert told(alice) == []


def test_more_codes_for_all_products_than_can_be_told_apart_are_refused(post: Send, alice: Shop, told: Told) -> None:
    for number in range(20):
        assert post(alice, "/promotions", **SPRING | {"products": "", "code": f"C{number}"}).status_code == 303
    assert "At most 20 codes" in post(alice, "/promotions", **SPRING | {"products": "", "code": "C20"}).text
    assert (
        post(alice, "/promotions", **SPRING | {"products": "", "code": "c19", "last_on": "2026-03-23"}).status_code
        == 303
    )
    assert len(told(alice)) == 21


def test_what_was_imported_from_a_file_stays_beside_what_the_page_adds(
    post: Send, alice: Shop, settings: Settings, tmp_path: Path, told: Told
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("series,first,last,code\n9,2025-11-27,2025-11-30,\n*,2026-11-27,2026-11-30,black\n")
    table_imports.replace(settings, alice.domain, "promotions", file)
    assert post(alice, "/promotions", **SPRING | {"products": "product-1"}).status_code == 303
    assert told(alice) == [
        ("2025-11-27", "2025-11-30", "", "9"),
        ("2026-03-20", "2026-03-22", "SPRING", "1"),
        ("2026-11-27", "2026-11-30", "black", "*"),
    ]


def test_the_next_snapshot_tells_training_of_it(
    post: Send, database: Database, objects: Objects, alice: Shop, bob: Shop, tmp_path: Path
) -> None:
    with database.transaction() as db:
        for shop in (alice, bob):
            sell(db, shop, date(2026, 3, 9), {1: 2, 2: 1})
    assert post(alice, "/promotions", **SPRING | {"products": "product-1", "first_on": "2026-03-11"}).status_code == 303
    ahead = []
    for shop in (alice, bob):
        snapshot = snapshots.freeze(database, objects, shop, date(2026, 3, 10), "test")
        ahead.append(read_dataset(snapshots.materialise(objects, snapshot, tmp_path / shop.domain)).sales().promo_ahead)
    assert ahead[0] is not None
    assert ahead[0].sum(axis=1).tolist() == [12, 0]
    assert ahead[1] is None


def test_two_members_of_staff_at_the_same_time_lose_nothing(
    database: Database, objects: Objects, alice: Shop, told: Told
) -> None:
    together = Barrier(4)

    def plan(number: int) -> None:
        together.wait()
        promotions.add(database, objects, alice.id, [Promotion(TODAY, TODAY, "", str(number))])

    staff = [Thread(target=plan, args=(number,)) for number in range(4)]
    for one in staff:
        one.start()
    for one in staff:
        one.join()
    assert [one[3] for one in told(alice)] == ["0", "1", "2", "3"]


def test_the_same_promotions_are_the_same_bytes_whatever_order_they_were_told_in(
    database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    both = [Promotion(TODAY, TODAY, "A", "1"), Promotion(date(2026, 1, 1), TODAY, "", promotions.EVERYTHING)]
    for shop, order in ((alice, both), (bob, both[::-1])):
        for one in order:
            promotions.add(database, objects, shop.id, [one])
    assert len(set(objects.list())) == 3  # each alone, and both
