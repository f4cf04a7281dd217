"""A merchant's rules hold in published lists and in answers alike, and never leave a shopper with nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle import publishing, shelf
from shopify_app.lifecycle.rules import Rules
from shopify_app.lifecycle.serving import Serving
from shopify_app.lifecycle.shelf import why_unsellable
from shopify_app.records import ingest
from shopify_app.tables import Product, Shop, Version
from tests import factories
from tests.lifecycle.making import lists, put_in_charge, table_of

GOODS: dict[int, dict[str, Any]] = {
    1: {"vendor": "Leaf", "product_type": "Tea", "price": "10.00"},
    2: {"vendor": "Leaf", "product_type": "Tea", "price": "12.00"},
    3: {"vendor": "Clay", "product_type": "Pot", "price": "40.00"},
    4: {"vendor": "Leaf", "product_type": "Tea", "price": "4.00", "tags": "Clearance, green"},
    5: {"vendor": "Clay", "product_type": "Cup", "price": "9.00"},
    6: {"vendor": "leaf", "product_type": "tea", "price": "11.00"},
}
NEAR = {1: [2, 3, 4, 5, 6]}


def sell_goods(database: Database, shop: Shop, **changes: dict[str, Any]) -> None:
    with database.transaction() as db:
        for number, goods in GOODS.items():
            told = {**goods, **changes.get(f"of_{number}", {})}
            variant = {"id": number * 10, "price": told.pop("price"), "inventory_item_id": number * 10 + 5}
            left = told.pop("left", 7)
            payload = factories.product(number, variants=[{**variant, "inventory_quantity": left}], **told)
            ingest.apply(db, shop, "products/create", payload, business_clock="data")


def rule(database: Database, shop: Shop, **rules: Any) -> None:
    with database.transaction() as db:
        db.get_one(Shop, shop.id).settings = {"rules": Rules(**rules).stored()}


@pytest.fixture
def shops(database: Database, settings: Settings, alice: Shop, bob: Shop) -> tuple[Shop, Shop]:
    """Two shops with the same goods and lists; only Alice will have rules."""
    for shop in (alice, bob):
        sell_goods(database, shop)
        put_in_charge(database, shop, lists(database, settings, shop, NEAR, popular=[]))
    return alice, bob


@pytest.fixture
def shown(database: Database, settings: Settings, shops: tuple[Shop, Shop]) -> Iterator[Any]:
    """What is shown beside product 1 to Alice's shoppers: published and answered, which has to be the same."""
    alice, bob = shops
    serving = Serving(database, settings, shelf_seconds=0)

    def look(limit: int = 5) -> tuple[int, ...]:
        answered = serving.recommend(alice.domain, [1], limit, "r").product_ids
        with database.reading() as db:
            version = db.scalars(select(Version).where(Version.shop_id == alice.id)).one()
            due = publishing.changes(db, alice.id, table_of(settings, version), limit)
        published = next((change.neighbours for change in due if change.product_id == 1), ())
        assert published[: len(answered)] == answered
        assert serving.recommend(bob.domain, [1], 5, "r").product_ids == (2, 3, 4, 5, 6)
        return answered

    yield look
    serving.flush()


def test_without_rules_the_list_is_shown_as_it_is(shown: Any) -> None:
    assert shown() == (2, 3, 4, 5, 6)


def test_excluded_tags_and_vendors_are_shown_nowhere(database: Database, shops: tuple[Shop, Shop], shown: Any) -> None:
    rule(database, shops[0], excluded_tags=("clearance",), excluded_vendors=("CLAY",))
    assert shown() == (2, 6)


@pytest.mark.parametrize(("vendor", "expected"), [("same", (2, 4, 6)), ("other", (3, 5))])
def test_the_same_vendor_s_products_or_only_others(
    database: Database, shops: tuple[Shop, Shop], shown: Any, vendor: str, expected: tuple[int, ...]
) -> None:
    rule(database, shops[0], vendor=vendor)
    assert shown() == expected


def test_a_band_of_prices_around_what_is_looked_at(database: Database, shops: tuple[Shop, Shop], shown: Any) -> None:
    rule(database, shops[0], cheapest_percent=50, dearest_percent=150)
    assert shown() == (2, 5, 6)


def test_pins_come_first_and_only_while_they_can_be_bought(
    database: Database, shops: tuple[Shop, Shop], shown: Any
) -> None:
    rule(database, shops[0], pinned=(6, 1), pins={1: (5, 99)})
    assert shown() == (5, 6, 2, 3, 4)
    sold_out = {"inventory_item_id": 55, "location_id": 1, "available": 0, "updated_at": "2026-03-03T08:00:00Z"}
    with database.transaction() as db:
        ingest.apply(db, shops[0], "inventory_levels/update", sold_out, business_clock="data")
    assert shown() == (6, 2, 3, 4)


def test_too_many_of_a_kind_move_to_the_end(database: Database, shops: tuple[Shop, Shop], shown: Any) -> None:
    rule(database, shops[0], most_of_a_type=1)
    assert shown(3) == (2, 3, 5)
    assert shown(5) == (2, 3, 5, 4, 6)


def test_rules_that_leave_nothing_are_set_aside_but_for_what_is_excluded(
    database: Database, shops: tuple[Shop, Shop], shown: Any
) -> None:
    rule(database, shops[0], cheapest_percent=900, excluded_tags=("clearance",))
    assert shown() == (2, 3, 5, 6)


def test_a_gift_card_is_not_recommended_once_the_catalogue_said_so(
    database: Database, shops: tuple[Shop, Shop], shown: Any
) -> None:
    told = factories.product(3, updated_at="2026-03-04T08:00:00+00:00", **_but_price(GOODS[3]))
    with database.transaction() as db:
        ingest.apply(db, shops[0], "products/update", {**told, "is_gift_card": True}, business_clock="data")
    assert shown() == (2, 4, 5, 6)
    with database.transaction() as db:
        later = {**told, "updated_at": "2026-03-05T08:00:00+00:00", "title": "A webhook does not say"}
        ingest.apply(db, shops[0], "products/update", later, business_clock="data")
    assert shown() == (2, 4, 5, 6)


def _but_price(goods: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in goods.items() if name != "price"}


def test_the_words_for_what_is_not_on_sale_agree_with_what_is_not_shown(database: Database, alice: Shop) -> None:
    changes: dict[str, dict[str, Any]] = {
        "of_1": {"status": "draft"},
        "of_2": {"price": "0.00"},
        "of_3": {"left": 0},
        "of_4": {"is_gift_card": True},
    }
    sell_goods(database, alice, **changes)
    with database.transaction() as db:
        ingest.apply(db, alice, "products/delete", {"id": 5}, business_clock="data")
        products = db.scalars(select(Product).where(Product.shop_id == alice.id)).all()
        words = {product.product_id: why_unsellable(product) for product in products}
        assert {number for number, why in words.items() if why is None} == shelf.sellable(db, alice.id) == {6}
    assert words == {
        1: "is not published",
        2: "costs nothing",
        3: "is sold out",
        4: "is a gift card",
        5: "is deleted",
        6: None,
    }


def test_rules_are_kept_as_plain_values_and_read_again() -> None:
    rules = Rules(excluded_tags=("a",), vendor="same", dearest_percent=150, pinned=(3,), pins={1: (2, 3)})
    assert Rules.of({"rules": {**rules.stored(), "from_another_release": 1}}) == rules
    assert Rules().stored() == {}
    assert Rules.of({}) == Rules()
