"""A list can be asked why it is as it is: what speaks for each product, and which rule removed which."""

import pandas as pd
import pytest

from ml.recommend import imported
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import NotFound
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.explain import explain
from shopify_app.records import ingest
from shopify_app.tables import Shop
from tests import factories
from tests.conftest import Say
from tests.lifecycle.making import a_version, lists, put_in_charge
from tests.lifecycle.test_rules import rule, sell_goods

TITLES = {1: "Green Tea Sencha", 2: "Green Tea Gunpowder", 3: "Iron Teapot", 4: "Rooibos", 5: "Cup", 6: "Honey"}


@pytest.fixture
def shop(database: Database, settings: Settings, alice: Shop, bob: Shop) -> Shop:
    """Alice's shop, whose list for product 1 is known, and Bob's with the same products and another list."""
    changes = {f"of_{number}": {"title": title} for number, title in TITLES.items()}
    for one in (alice, bob):
        sell_goods(database, one, **changes)
    rows = pd.DataFrame(
        {"product_id": [1] * 4, "neighbour_id": [3, 2, 4, 5], "score": [0.9, 0.8, 0.7, 0.6], "together": [14, 0, 1, 0]}
    )
    folder = settings.var / "made"
    imported.write(folder, rows, [6], cutoff_on=None, because="test")
    with database.transaction() as db:
        version = a_version(db, alice, "recommend", bundle=Bundles(settings).keep(folder), algorithm="table")
    put_in_charge(database, alice, version)
    put_in_charge(database, bob, lists(database, settings, bob, {1: [6]}, popular=[]))
    return alice


def test_each_product_says_what_speaks_for_it(database: Database, settings: Settings, shop: Shop) -> None:
    with database.reading() as db:
        told = explain(db, Bundles(settings), shop, 1)
    assert (told.title, told.version_number, told.list_name) == ("Green Tea Sencha", 1, "table")
    said = {one.title: (one.kind, one.why) for one in told.shown}
    assert list(said) == ["Iron Teapot", "Green Tea Gunpowder", "Rooibos", "Cup", "Honey"]
    assert said["Iron Teapot"] == ("neighbour", ("Bought together in 14 orders", "Similar: tag green, tag loose"))
    assert said["Green Tea Gunpowder"][1] == ("Similar: “green tea”, type Tea, vendor Leaf",)
    assert said["Rooibos"][1][0] == "Bought together in 1 order"
    assert said["Honey"] == ("popular", ("Sells well in the whole shop",))
    assert told.removed == ()


def test_a_list_of_what_was_looked_at_next_says_so(database: Database, settings: Settings, shop: Shop) -> None:
    rows = pd.DataFrame({"product_id": [1, 1], "neighbour_id": [3, 6], "score": [0.9, 0.8], "together": [14, 0]})
    folder = settings.var / "viewed"
    imported.write(folder, rows, [5], cutoff_on=None, because="test")
    measured = {"places": {"product_page": {"list": "viewed"}}}
    with database.transaction() as db:
        bundle = Bundles(settings).keep(folder)
        version = a_version(db, shop, "recommend", bundle=bundle, algorithm="viewed", metrics=measured)
    put_in_charge(database, shop, version)
    with database.reading() as db:
        told = explain(db, Bundles(settings), shop, 1)
    said = {one.product_id: one.why for one in told.shown}
    assert told.list_name == "viewed"
    assert said[3][:2] == ("Often looked at next", "Bought together in 14 orders")
    assert said[6][0] == "Often looked at next"
    assert said[5] == ("Sells well in the whole shop",)


def test_what_a_rule_removed_is_named_with_the_rule(database: Database, settings: Settings, shop: Shop) -> None:
    rule(database, shop, pinned=(5,), dearest_percent=150, excluded_tags=("Clearance",))
    with database.transaction() as db:
        sold_out = {"inventory_item_id": 55, "location_id": 1, "available": 0, "updated_at": "2026-03-03T08:00:00Z"}
        ingest.apply(db, shop, "inventory_levels/update", sold_out, business_clock="data")
    with database.reading() as db:
        told = explain(db, Bundles(settings), shop, 1)
    assert [one.product_id for one in told.shown] == [2, 6]
    assert {one.product_id: one.rule for one in told.removed} == {
        5: "is sold out",
        3: "costs more than 150 % of it",
    }


def test_variety_is_a_rule_that_can_be_named(database: Database, settings: Settings, shop: Shop) -> None:
    rule(database, shop, most_of_a_vendor=1, dearest_percent=150)
    with database.transaction() as db:
        mine = db.get_one(Shop, shop.id)
        mine.settings = {**mine.settings, "list_length": 1}
        told = explain(db, Bundles(settings), mine, 1)
    assert [(one.product_id, one.is_shown) for one in told.shown] == [(2, True), (5, False)]
    assert {one.product_id: one.rule for one in told.removed} == {
        3: "costs more than 150 % of it",
        4: "would be more than 1 from one vendor in the list",
    }


def test_a_shop_without_lists_and_an_unknown_product_are_not_found(
    database: Database, settings: Settings, shop: Shop, charlie: Shop
) -> None:
    with database.reading() as db:
        for whose, product_id in ((charlie, 1), (shop, 999)):
            with pytest.raises(NotFound):
                explain(db, Bundles(settings), whose, product_id)


def test_a_product_that_came_after_the_fit_has_a_list_too(database: Database, settings: Settings, shop: Shop) -> None:
    with database.transaction() as db:
        ingest.apply(db, shop, "products/create", factories.product(7), business_clock="data")
    with database.reading() as db:
        assert [one.kind for one in explain(db, Bundles(settings), shop, 7).shown] == ["popular"]


def test_the_command_line_tells_it_too(shop: Shop, say: Say) -> None:
    code, told = say("explain", "--shop", shop.domain, "1")
    assert code == 0
    assert (told["product"], told["version"], told["list"], told["removed"]) == ("Green Tea Sencha", 1, "table", [])
    assert told["shown"][0]["why"] == "Bought together in 14 orders; Similar: tag green, tag loose"
    shown = [one["product"] for one in told["shown"]]
    assert (say("set", "--shop", shop.domain, "list_length=1")[0], len(shown) > 1) == (0, True)
    _, told = say("explain", "--shop", shop.domain, "1")
    assert [[one["product"] for one in told[place]] for place in ("shown", "spare")] == [shown[:1], shown[1:2]]
    code, said = say("explain", "--shop", shop.domain, "999", as_json=False)
    assert (code, "has no product 999" in said) == (1, True)
