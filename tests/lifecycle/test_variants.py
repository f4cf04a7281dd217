"""A product's variants share its forecast by what they sold lately; their stock is that of all places."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shopify_app.db import Database
from shopify_app.lifecycle import variants
from shopify_app.lifecycle.variants import Variant
from shopify_app.records import ingest
from shopify_app.tables import Shop
from tests import factories

CLOSED = date(2026, 3, 31)
RED, BLUE, GREEN = 10, 11, 12


def tell(database: Database, shop: Shop, topic: str, payload: dict[str, Any]) -> None:
    with database.transaction() as db:
        ingest.apply(db, shop, topic, payload, business_clock="data")


def sell(database: Database, shop: Shop, number: int, on: date, units: dict[int, int], **changes: Any) -> None:
    """One order of product 1: units per variant."""
    at = datetime.combine(on, time(12), ZoneInfo(shop.time_zone)).isoformat()
    payload = factories.order(
        number, lines=tuple((1, sold, "5.00") for sold in units.values()), created_at=at, **changes
    )
    for line, variant in zip(payload["line_items"], units, strict=True):
        line["variant_id"] = variant
    tell(database, shop, "orders/create", payload)


@pytest.fixture
def selling(database: Database, alice: Shop, bob: Shop) -> tuple[Shop, Shop]:
    """Alice sells red tea, Bob blue; both have green, which nobody buys, in two places."""
    made = [{"id": variant, "price": "5.00", "inventory_item_id": variant * 100} for variant in (RED, BLUE, GREEN)]
    for shop, best in ((alice, RED), (bob, BLUE)):
        tell(database, shop, "products/create", factories.product(1, variants=made))
        sell(database, shop, 1, date(2026, 3, 20), {best: 30, RED + BLUE - best: 10})
        sell(database, shop, 2, date(2026, 3, 21), {GREEN: 500}, cancelled_at="2026-03-22T00:00:00+00:00")
        sell(database, shop, 3, date(2026, 3, 21), {GREEN: 500}, test=True)
        sell(database, shop, 4, date(2025, 11, 1), {GREEN: 500})
        for location, left in ((1, 6), (2, 4)):
            count = {"inventory_item_id": GREEN * 100, "location_id": location, "available": left}
            tell(database, shop, "inventory_levels/update", {**count, "updated_at": "2026-03-25T10:00:00+00:00"})
    return alice, bob


def of(database: Database, shop: Shop) -> dict[int, Variant]:
    with database.reading() as db:
        return {variant.variant_id: variant for variant in variants.of_products(db, shop.id, [1], CLOSED)[1]}


def test_shares_are_those_of_the_shop_s_own_sales_of_91_days(database: Database, selling: tuple[Shop, Shop]) -> None:
    for shop, best, second in ((selling[0], RED, BLUE), (selling[1], BLUE, RED)):
        found = of(database, shop)
        assert sorted(found) == [RED, BLUE, GREEN]
        assert sum(variant.share for variant in found.values()) == pytest.approx(1)
        assert found[best].share == pytest.approx((30 + 10 / 3) / 50)
        assert found[second].share > found[GREEN].share > 0
        assert [found[variant].sold for variant in (best, second, GREEN)] == [30, 10, 0]


def test_stock_is_known_by_place_and_together(database: Database, selling: tuple[Shop, Shop]) -> None:
    found = of(database, selling[0])
    assert dict(found[GREEN].stock) == {1: 6, 2: 4}
    assert (found[GREEN].units_in_stock, found[RED].units_in_stock) == (10, None)


def test_a_forecast_splits_into_whole_units_that_add_up(database: Database, selling: tuple[Shop, Shop]) -> None:
    found = of(database, selling[0])
    assert variants.split(100, list(found.values())) == {RED: 67, BLUE: 27, GREEN: 6}


def test_an_order_fills_what_is_short_and_leaves_out_what_there_is_enough_of() -> None:
    of = [Variant(RED, 50, 0.6, {1: 5}), Variant(BLUE, 30, 0.3, {1: 2, 2: 1}), Variant(GREEN, 5, 0.1, {1: 40})]
    assert variants.to_order(30, of) == {RED: 20, BLUE: 10, GREEN: 0}
    assert sum(variants.to_order(7, of).values()) == 7
    assert variants.to_order(0, of) == {RED: 0, BLUE: 0, GREEN: 0}


def test_a_product_nobody_knows_has_no_variants(database: Database, selling: tuple[Shop, Shop]) -> None:
    with database.reading() as db:
        assert variants.of_products(db, selling[0].id, [2], CLOSED) == {}
