"""Variants share a product's forecast by what they sold while they were there; their stock is that of all places."""

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


def made(*names: int, at: str = "2026-01-01T08:00:00+00:00", **changes: Any) -> dict[str, Any]:
    """Product 1 with these variants."""
    some = [{"id": name, "title": f"V{name}", "price": "5.00", "inventory_item_id": name * 100} for name in names]
    return factories.product(1, updated_at=at, variants=[one | changes for one in some])


def count(database: Database, shop: Shop, name: int, on: date, units: int, place: int = 1) -> None:
    at = datetime.combine(on, time(12), ZoneInfo(shop.time_zone)).isoformat()
    level = {"inventory_item_id": name * 100, "location_id": place, "available": units, "updated_at": at}
    tell(database, shop, "inventory_levels/update", level)


def of(database: Database, shop: Shop) -> dict[int, Variant]:
    variants.weigh(database, shop.id, CLOSED)
    with database.reading() as db:
        return {one.variant_id: one for one in variants.of_products(db, shop.id)[1]}


@pytest.fixture
def selling(database: Database, alice: Shop, bob: Shop) -> tuple[Shop, Shop]:
    """Alice sells red tea, Bob blue; both have green, which nobody buys, in two places."""
    for shop, best in ((alice, RED), (bob, BLUE)):
        tell(database, shop, "products/create", made(RED, BLUE, GREEN))
        sell(database, shop, 1, date(2026, 3, 20), {best: 30, RED + BLUE - best: 10})
        sell(database, shop, 2, date(2026, 3, 21), {GREEN: 500}, cancelled_at="2026-03-22T00:00:00+00:00")
        sell(database, shop, 3, date(2026, 3, 21), {GREEN: 500}, test=True)
        sell(database, shop, 4, date(2025, 11, 1), {GREEN: 500})
        for place, left in ((1, 6), (2, 4)):
            count(database, shop, GREEN, date(2026, 3, 25), left, place)
    return alice, bob


def test_shares_are_those_of_the_shop_s_own_sales_of_91_days(database: Database, selling: tuple[Shop, Shop]) -> None:
    for shop, best, second in ((selling[0], RED, BLUE), (selling[1], BLUE, RED)):
        found = of(database, shop)
        assert sorted(found) == [RED, BLUE, GREEN]
        assert sum(variant.share for variant in found.values()) == pytest.approx(1)
        assert found[best].share == pytest.approx((30 + 10 / 3) / 50)
        assert found[second].share > found[GREEN].share > 0


def test_stock_is_that_of_all_places_and_none_where_nobody_counted(
    database: Database, selling: tuple[Shop, Shop]
) -> None:
    found = of(database, selling[0])
    assert (found[GREEN].in_stock, found[RED].in_stock) == (10, None)


def test_a_deleted_variant_leaves_its_share_to_the_others(database: Database, selling: tuple[Shop, Shop]) -> None:
    alice, bob = selling
    tell(database, alice, "products/update", made(BLUE, GREEN, at="2026-03-30T08:00:00+00:00"))
    found = of(database, alice)
    assert sorted(found) == [BLUE, GREEN]
    assert found[BLUE].share == pytest.approx((10 + 5) / 20)
    assert sorted(of(database, bob)) == [RED, BLUE, GREEN]


def test_days_on_which_a_variant_was_sold_out_do_not_make_its_share_smaller(
    database: Database, selling: tuple[Shop, Shop]
) -> None:
    alice, bob = selling
    for shop in selling:
        count(database, shop, RED, date(2025, 12, 1), 0)  # before the span, and out for 31 of its 91 days
        count(database, shop, RED, date(2026, 1, 31), 9)
    tell(database, bob, "products/update", made(RED, BLUE, GREEN, at="2026-03-01T08:00:00+00:00"))
    sold = 30 * 91 / (91 - 31)
    assert of(database, alice)[RED].share == pytest.approx((sold + 10 / 3) / (sold + 10 + 10))
    tell(
        database,
        alice,
        "products/update",
        made(RED, BLUE, GREEN, at="2026-03-02T08:00:00+00:00", inventory_policy="continue"),
    )
    assert of(database, alice)[RED].share == pytest.approx((30 + 10 / 3) / 50)


def test_a_variant_that_ran_out_lately_is_not_blown_up(database: Database, selling: tuple[Shop, Shop]) -> None:
    alice = selling[0]
    sell(database, alice, 9, date(2025, 12, 31), {GREEN: 2})
    count(database, alice, GREEN, date(2026, 1, 2), 0)
    found = of(database, alice)  # nothing of the span was there but its first two days, which say little
    assert found[GREEN].share < found[BLUE].share


def test_a_product_nobody_knows_has_no_variants(database: Database, selling: tuple[Shop, Shop]) -> None:
    with database.reading() as db:
        assert 2 not in variants.of_products(db, selling[0].id)
