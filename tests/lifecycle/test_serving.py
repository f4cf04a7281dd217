"""Shoppers get an answer from the table in charge; what is written behind it never changes the answer."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import NotFound
from shopify_app.lifecycle import publishing, registry
from shopify_app.lifecycle import serving as lifecycle_serving
from shopify_app.lifecycle.publishing import ListChange
from shopify_app.lifecycle.serving import Serving
from shopify_app.records import ingest
from shopify_app.tables import Exposure, Product, Shop, Version
from tests import factories
from tests.lifecycle.making import a_version, lists, put_in_charge, table_of

PRODUCTS = range(1, 9)


@pytest.fixture
def serving(database: Database, settings: Settings) -> Iterator[Serving]:
    """The serving of one process."""
    made = Serving(database, settings)
    yield made
    made.flush()


def stock(database: Database, shop: Shop, sold_out: tuple[int, ...] = ()) -> None:
    """Eight products in the shop, some of them sold out."""
    with database.transaction() as db:
        for number in PRODUCTS:
            left = 0 if number in sold_out else 7
            variant = {"id": number * 10, "price": "9.50", "inventory_item_id": number * 10 + 5}
            payload = factories.product(number, variants=[{**variant, "inventory_quantity": left}])
            ingest.apply(db, shop, "products/create", payload, business_clock="data")


def test_the_neighbours_of_the_table_in_charge_are_shown(
    database: Database, settings: Settings, serving: Serving, alice: Shop, bob: Shop
) -> None:
    for shop, near in ((alice, [2, 3]), (bob, [7, 8])):
        stock(database, shop)
        put_in_charge(database, shop, lists(database, settings, shop, {1: near}, popular=[4]))
    assert serving.recommend(alice.domain, [1], 3, "a").product_ids == (2, 3, 4)
    assert serving.recommend(bob.domain, [1], 3, "a").product_ids == (7, 8, 4)


def test_what_cannot_be_bought_is_not_shown(
    database: Database, settings: Settings, serving: Serving, alice: Shop
) -> None:
    stock(database, alice, sold_out=(2,))
    with database.transaction() as db:
        db.execute(update(Product).where(Product.product_id == 3).values(is_published=False))
    put_in_charge(database, alice, lists(database, settings, alice, {1: [2, 3, 5, 99]}, popular=[2, 1, 6]))
    assert serving.recommend(alice.domain, [1], 8, "a").product_ids == (5, 6)


def test_what_is_sold_when_none_is_left_is_shown(
    database: Database, settings: Settings, serving: Serving, alice: Shop, bob: Shop
) -> None:
    for shop in (alice, bob):
        stock(database, shop, sold_out=(2, 3))
        put_in_charge(database, shop, lists(database, settings, shop, {1: [2, 3, 5]}, popular=[6]))
    made = {
        "id": 20,
        "price": "9.50",
        "inventory_item_id": 25,
        "inventory_quantity": -4,
        "inventory_policy": "continue",
    }
    newer = factories.product(2, updated_at="2026-03-02T08:00:00+00:00", variants=[made])
    with database.transaction() as db:
        ingest.apply(db, alice, "products/update", newer, business_clock="data")
    assert serving.recommend(alice.domain, [1], 8, "a").product_ids == (2, 5, 6)
    assert serving.recommend(bob.domain, [1], 8, "a").product_ids == (5, 6)


def test_nothing_in_the_cart_is_recommended(
    database: Database, settings: Settings, serving: Serving, alice: Shop
) -> None:
    stock(database, alice)
    near = {1: [2, 3, 4], 2: [1, 3, 5], 3: [1, 2, 6]}
    put_in_charge(database, alice, lists(database, settings, alice, near, popular=[3, 2, 1, 7]))
    for cart in ([1], [1, 2], [3, 1, 2], list(PRODUCTS)):
        assert not set(serving.recommend(alice.domain, cart, 8, str(cart)).product_ids) & set(cart)


def test_a_product_that_costs_nothing_is_not_shown(
    database: Database, settings: Settings, serving: Serving, alice: Shop, bob: Shop
) -> None:
    for shop in (alice, bob):
        stock(database, shop)
        put_in_charge(database, shop, lists(database, settings, shop, {1: [2, 3]}, popular=[4]))
    with database.transaction() as db:
        db.execute(update(Product).where(Product.shop_id == alice.id, Product.product_id == 2).values(price_amount=0))
    assert serving.recommend(alice.domain, [1], 8, "a").product_ids == (3, 4)
    assert serving.recommend(bob.domain, [1], 8, "a").product_ids == (2, 3, 4)


def test_something_is_shown_as_long_as_anything_is_on_sale(
    database: Database, settings: Settings, serving: Serving, alice: Shop
) -> None:
    stock(database, alice, sold_out=(2, 3, 4))
    put_in_charge(database, alice, lists(database, settings, alice, {1: [2, 3]}, popular=[4]))
    assert serving.recommend(alice.domain, [1, 8], 3, "a").product_ids == (7, 6, 5)
    assert serving.recommend(alice.domain, list(PRODUCTS)[:-1], 3, "b").product_ids == (8,)
    assert serving.recommend(alice.domain, list(PRODUCTS), 3, "c").product_ids == ()


def test_a_product_that_sells_out_or_is_deleted_leaves_the_answers_within_seconds(
    database: Database, settings: Settings, alice: Shop
) -> None:
    serving = Serving(database, settings, shelf_seconds=0)
    stock(database, alice)
    put_in_charge(database, alice, lists(database, settings, alice, {1: [2, 3, 4]}, popular=[5]))
    assert serving.recommend(alice.domain, [1], 8, "a").product_ids == (2, 3, 4, 5)
    stock_left = {"inventory_item_id": 25, "location_id": 1, "available": 0, "updated_at": "2026-03-03T08:00:00Z"}
    with database.transaction() as db:
        ingest.apply(db, alice, "inventory_levels/update", stock_left, business_clock="data")
        ingest.apply(db, alice, "products/delete", {"id": 3}, business_clock="data")
    assert serving.recommend(alice.domain, [1], 8, "b").product_ids == (4, 5)
    serving.flush()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux tells which files are open")
def test_a_process_holds_only_so_many_shops_files_open(
    database: Database,
    settings: Settings,
    serving: Serving,
    alice: Shop,
    bob: Shop,
    charlie: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lifecycle_serving, "TABLES_KEPT", 1)
    for number, shop in enumerate((alice, bob, charlie)):
        stock(database, shop)
        put_in_charge(database, shop, lists(database, settings, shop, {1: [2 + number]}, popular=[8]))
    shown, opened = [], set()
    for request in ("first", "second"):
        for shop in (alice, bob, charlie):
            shown.append(serving.recommend(shop.domain, [1], 2, request).product_ids)
            opened.add(len({file.parent for file in open_files() if settings.var / "bundles" in file.parents}))
    assert shown == [(2, 8), (3, 8), (4, 8)] * 2
    assert opened == {1}


def open_files() -> list[Path]:
    """The files that this process holds open."""
    return [Path(os.readlink(one)) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]


def test_a_shop_without_a_version_says_so(serving: Serving, charlie: Shop) -> None:
    with pytest.raises(NotFound):
        serving.recommend(charlie.domain, [1], 8, "a")
    with pytest.raises(NotFound):
        serving.recommend("nobody.myshopify.com", [1], 8, "a")


def test_answers_are_the_same_with_a_shadow_without_one_and_with_a_broken_one(
    database: Database, settings: Settings, serving: Serving, alice: Shop
) -> None:
    stock(database, alice)
    put_in_charge(database, alice, lists(database, settings, alice, {1: [2, 3]}, popular=[4]))
    alone = serving.recommend(alice.domain, [1], 3, "r").product_ids
    with database.transaction() as db:
        shop = db.get_one(Shop, alice.id)
        shop.settings = {"shadow_share": 1.0}
        broken = a_version(db, shop, "recommend", bundle="0" * 64)
        registry.start_shadow(db, shop, broken, "test")
    serving.forget(alice.domain)
    with_broken = serving.recommend(alice.domain, [1], 3, "s")
    serving.flush()
    assert with_broken.product_ids == alone
    with database.reading() as db:
        row = db.scalars(select(Exposure).where(Exposure.request_id == "s")).one()
        assert row.answer == list(alone)
        assert (row.shadow_id, row.shadow_answer) == (broken.id, None)
        assert row.shadow_error


def test_the_shadow_is_asked_behind_the_answer_and_compared(
    database: Database, settings: Settings, serving: Serving, alice: Shop
) -> None:
    stock(database, alice)
    put_in_charge(database, alice, lists(database, settings, alice, {1: [2, 3]}, popular=[]))
    shadow = lists(database, settings, alice, {1: [3, 5]}, popular=[])
    with database.transaction() as db:
        shop = db.get_one(Shop, alice.id)
        shop.settings = {"shadow_share": 1.0}
        registry.start_shadow(db, shop, db.get_one(Version, shadow.id), "test")
    serving.recommend(alice.domain, [1], 2, "r")
    serving.flush()
    with database.reading() as db:
        row = db.scalars(select(Exposure)).one()
        assert (row.answer, row.shadow_answer, row.overlap) == ([2, 3], [3, 5], 0.5)


def test_the_same_request_is_one_exposure(
    database: Database, settings: Settings, serving: Serving, alice: Shop
) -> None:
    stock(database, alice)
    put_in_charge(database, alice, lists(database, settings, alice, {1: [2]}, popular=[]))
    for _ in range(3):
        serving.recommend(alice.domain, [1], 2, "again")
    serving.flush()
    with database.reading() as db:
        assert len(db.scalars(select(Exposure)).all()) == 1


def test_a_rollback_reaches_the_next_answer(
    database: Database, settings: Settings, serving: Serving, alice: Shop
) -> None:
    stock(database, alice)
    for near in ([2, 3], [7, 8]):
        put_in_charge(database, alice, lists(database, settings, alice, {1: near}, popular=[]))
    assert serving.recommend(alice.domain, [1], 2, "a").product_ids == (7, 8)
    with database.transaction() as db:
        registry.roll_back(db, alice, "recommend", actor="merchant", reason="worse")
    serving.forget(alice.domain)
    assert serving.recommend(alice.domain, [1], 2, "b").product_ids == (2, 3)


def test_only_changed_lists_are_published(database: Database, settings: Settings, alice: Shop, bob: Shop) -> None:
    for shop in (alice, bob):
        stock(database, shop)
    version = lists(database, settings, alice, {1: [2, 3], 2: [1]}, popular=[4, 5])
    table = table_of(settings, version)
    with database.transaction() as db:
        due = publishing.changes(db, alice.id, table, 1)
        assert due[0] == ListChange(1, (2, 3), None)
        assert {change.product_id for change in due} == set(PRODUCTS)
        publishing.note(db, alice.id, version.id, [(change, f"d{change.product_id}") for change in due])
        assert publishing.changes(db, alice.id, table, 1) == []
        assert len(publishing.changes(db, bob.id, table, 1)) == len(PRODUCTS)
        publishing.learn(db, alice.id, 1, "somebody else's")
        assert publishing.changes(db, alice.id, table, 1) == [ListChange(1, (2, 3), "somebody else's")]


def test_a_deleted_product_leaves_every_list(database: Database, settings: Settings, alice: Shop) -> None:
    stock(database, alice)
    version = lists(database, settings, alice, {1: [2, 3]}, popular=[2, 4])
    with database.transaction() as db:
        ingest.apply(db, alice, "products/delete", {"id": 2}, business_clock="data")
        due = publishing.changes(db, alice.id, table_of(settings, version), 8)
        assert all(2 not in change.neighbours and change.product_id != 2 for change in due)
