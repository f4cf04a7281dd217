"""What staff said about vendors, kept per shop, on both databases."""

from collections.abc import Callable
from datetime import date

from shopify_app.db import Database
from shopify_app.lifecycle import reordering
from shopify_app.policy import Policy
from shopify_app.records import vendors
from shopify_app.records.vendors import Bought
from shopify_app.tables import Shop
from tests import factories
from tests.conftest import Deliver

TODAY = date(2026, 3, 10)


def products(deliver: Deliver, drain: Callable[[], int], *shops: Shop) -> None:
    for shop in shops:
        for number, vendor in ((1, "leaf"), (2, "Kiln"), (3, "Kiln"), (4, "")):
            deliver(shop, "products/create", factories.product(number, vendor=vendor, note=shop.domain))
    drain()


def test_vendors_are_those_of_a_shop_s_products_in_order_of_their_names(
    database: Database, deliver: Deliver, drain: Callable[[], int], alice: Shop, bob: Shop
) -> None:
    products(deliver, drain, alice)
    with database.reading() as db:
        assert list(vendors.names(db, alice.id).items()) == [("", 1), ("Kiln", 2), ("leaf", 1)]
        assert vendors.names(db, bob.id) == {}


def test_terms_are_kept_changed_and_taken_back_without_touching_the_other_shop(
    database: Database, alice: Shop, bob: Shop
) -> None:
    with database.transaction() as db:
        for shop, days in ((alice, 3), (bob, 30)):
            vendors.say(db, shop.id, "Kiln", {"lead_days": days})
        vendors.say(db, alice.id, "Kiln", {"service_level": 0.99})
        assert vendors.said(db, alice.id)["Kiln"]["lead_days"] is None
        assert vendors.said(db, alice.id)["Kiln"]["service_level"] == 0.99
        vendors.say(db, alice.id, "Kiln", {})
        assert vendors.said(db, alice.id) == {}
        assert vendors.said(db, bob.id)["Kiln"]["lead_days"] == 30


def test_what_is_bought_twice_on_a_day_counts_once_and_only_until_it_is_due(
    database: Database, deliver: Deliver, drain: Callable[[], int], alice: Shop, bob: Shop
) -> None:
    products(deliver, drain, alice, bob)
    due = date(2026, 3, 12)
    with database.transaction() as db:
        for units in (5, 7):
            assert vendors.buy(db, alice.id, TODAY, [Bought(1, units, due), Bought(99, 3, due)]) == 1
        assert vendors.buy(db, bob.id, TODAY, [Bought(1, 2, due)]) == 1
        assert [(one.product_id, one.units) for one in vendors.on_the_way(db, alice.id, due)] == [(1, 7)]
        assert vendors.on_the_way(db, alice.id, date(2026, 3, 13)) == []
        assert not vendors.forget(db, alice.id, 2, TODAY)
        assert vendors.forget(db, alice.id, 1, TODAY)
        assert [one.units for one in vendors.on_the_way(db, bob.id, TODAY)] == [2]


def test_stock_is_known_once_every_item_of_a_product_was_counted(
    database: Database, deliver: Deliver, drain: Callable[[], int], alice: Shop, bob: Shop
) -> None:
    two = [{"id": n, "price": "9.50", "inventory_item_id": 10 + n, "inventory_quantity": 7} for n in (1, 2)]
    deliver(alice, "products/create", factories.product(1, variants=two))
    deliver(bob, "products/create", factories.product(1, note="bob"))
    seen = []
    for item in (11, 12):
        level = {"inventory_item_id": item, "location_id": 1, "available": -3, "updated_at": "2026-03-09T10:00:00Z"}
        deliver(alice, "inventory_levels/update", level)
        drain()
        with database.reading() as db:
            seen.append(reordering.stock(db, alice.id)[1].in_stock)
            assert reordering.stock(db, bob.id)[1].in_stock is None
    assert seen == [None, -6]


def test_terms_that_a_vendor_does_not_have_are_the_shop_s() -> None:
    found = reordering.terms_of(Policy(lead_days=5, pack_units=6), {"Kiln": {"lead_days": 9}}, {"Kiln", ""})
    assert (found["Kiln"].lead_days, found["Kiln"].step_units, found[""].lead_days) == (9, 6, 5)
