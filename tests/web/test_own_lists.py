"""A customer who is signed in gets lists of their own; only Shopify says who that is, and who is forgotten has none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from ml.bundles import Trained
from ml.recommend import lists as writing
from ml.recommend.customers import CustomerTable
from ml.recommend.neighbours import NOBODY, NeighbourTable
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle import registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records import customers, ingest, privacy
from shopify_app.records.mentions import Person
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Exposure, Shop
from shopify_app.web.state import KEY
from tests import factories
from tests.factories import proxy_query
from tests.lifecycle.making import a_version
from tests.lifecycle.test_rules import rule

ANNA, BEN = 501, 502
PRODUCTS = np.arange(1, 7)


def own_lists(database: Database, settings: Settings, shop: Shop, again: dict[int, list[int]]) -> str:
    """A bundle in which these customers have lists of their own, `personal` the other way round; its name."""
    with database.transaction() as db:
        names = customers.pseudonyms(db, shop.id, list(again))
    rows = sorted((names[number], held) for number, held in again.items())
    index = np.full((len(rows), 4), NOBODY, np.int32)
    for place, (_, held) in enumerate(rows):
        index[place, : len(held)] = np.array(held) - 1
    scores = np.zeros(index.shape, np.float32)
    turned = np.array([[*row[row != NOBODY][::-1], *row[row == NOBODY]] for row in index], np.int32)
    lists = {"again": (index, scores), "personal": (turned, scores)}
    table = CustomerTable(np.array([name for name, _ in rows]), PRODUCTS, lists)
    none = np.full((len(PRODUCTS), 1), NOBODY, np.int32)
    near = NeighbourTable(PRODUCTS, none, np.zeros(none.shape, np.float32), none * 0, np.array([6, 5]))
    folder: Path = settings.var / "made"
    writing.write(Trained(folder, "recommend", "table", {}, shop.id, None, {}, "test"), near, table)
    return Bundles(settings).keep(folder)


@pytest.fixture
def shops(database: Database, settings: Settings, alice: Shop, bob: Shop) -> tuple[Shop, Shop]:
    """Two shops with the same customers, who bought other things in each."""
    for shop, again in ((alice, {ANNA: [1, 2], BEN: [3]}), (bob, {ANNA: [4]})):
        with database.transaction() as db:
            for number in PRODUCTS.tolist():
                ingest.apply(db, shop, "products/create", factories.product(number), business_clock="data")
        bundle = own_lists(database, settings, shop, again)
        with database.transaction() as db:
            a_version(db, shop, "recommend", bundle=bundle)
            registry.promote(db, shop, "recommend", 1, actor="merchant", reason="first")
    return alice, bob


@pytest.fixture
def ask(client: FlaskClient, app: Flask) -> Iterator[Any]:
    def asked(shop: Shop, customer: int | str = "", **params: Any) -> Any:
        return client.get(
            f"/proxy/recommendations?{proxy_query(shop.domain, logged_in_customer_id=customer, **params)}"
        )

    yield asked
    app.extensions[KEY].serving.flush()


def test_a_customer_is_shown_their_own_products_of_this_shop(ask: Any, shops: tuple[Shop, Shop]) -> None:
    alice, bob = shops
    told = [ask(shop, who, list="again").get_json() for shop, who in ((alice, ANNA), (alice, BEN), (bob, ANNA))]
    assert [one["product_ids"] for one in told] == [[1, 2], [3], [4]]
    assert told[0] == {"product_ids": [1, 2], "version": 1, "list": "again"}
    assert ask(alice, ANNA, list="personal").get_json()["product_ids"] == [2, 1]


def test_what_is_in_the_cart_excluded_or_sold_out_is_not_offered_again(
    ask: Any, shops: tuple[Shop, Shop], app: Flask, database: Database
) -> None:
    alice, _ = shops
    assert ask(alice, ANNA, list="again", product_ids="1").get_json()["product_ids"] == [2]
    rule(database, alice, excluded_vendors=("leaf & co",))
    app.extensions[KEY].serving.forget_shelf(alice.id)
    assert ask(alice, ANNA, list="again").status_code == 404


def test_without_an_own_list_there_is_nothing_to_buy_again_and_everybody_s_list_otherwise(
    ask: Any, shops: tuple[Shop, Shop]
) -> None:
    _, bob = shops
    assert ask(bob, BEN, list="again").status_code == 404
    assert ask(bob, BEN, list="personal").get_json() == {"product_ids": [6, 5], "version": 1, "list": "home"}
    assert ask(bob, ANNA, list="personal_new").get_json()["list"] == "home"


def test_only_who_is_signed_in_with_shopify_is_a_customer(
    ask: Any, client: FlaskClient, shops: tuple[Shop, Shop]
) -> None:
    alice, _ = shops
    assert ask(alice, list="again").status_code == 404
    assert ask(alice, list="again", customer_id=ANNA).status_code == 404
    swapped = proxy_query(alice.domain, logged_in_customer_id=ANNA, list="again").replace(str(ANNA), str(BEN))
    assert client.get(f"/proxy/recommendations?{swapped}").status_code == 401
    doubled = proxy_query(alice.domain, list="again") + f"&logged_in_customer_id={ANNA}"
    assert client.get(f"/proxy/recommendations?{doubled}").status_code in (400, 401)
    assert ask(alice, ANNA, list="everything").status_code == 400


def test_who_was_forgotten_is_not_known_a_moment_later(
    ask: Any, shops: tuple[Shop, Shop], database: Database, objects: Objects, seal: Seal
) -> None:
    alice, bob = shops
    assert ask(alice, ANNA, list="again").status_code == 200
    with database.transaction() as db:
        privacy.redact_customer(db, objects, seal, alice, privacy.Known(Person(ANNA, frozenset())))
    assert ask(alice, ANNA, list="again").status_code == 404
    assert ask(bob, ANNA, list="again").status_code == 200


def test_an_exposure_names_the_list_and_nobody(
    ask: Any, shops: tuple[Shop, Shop], app: Flask, database: Database
) -> None:
    alice, _ = shops
    for params in ({"list": "again"}, {"list": "personal"}, {}, {"product_ids": "1"}, {"product_ids": "1,2,3,4"}):
        ask(alice, ANNA, **params)
    app.extensions[KEY].serving.flush()
    with database.reading() as db:
        rows = db.scalars(select(Exposure).order_by(Exposure.id)).all()
        names = customers.pseudonyms(db, alice.id, [ANNA])[ANNA]
    assert [row.list_name for row in rows] == ["again", "personal", "home", "product_page", "full_cart"]
    assert rows[0].answer == [1, 2]
    assert names not in str([vars(row) for row in rows])


def test_an_own_list_s_bytes_do_not_depend_on_the_shadow(
    ask: Any, shops: tuple[Shop, Shop], app: Flask, database: Database
) -> None:
    alice, _ = shops
    serving = app.extensions[KEY].serving

    def answer() -> tuple[bytes, list[tuple[str, str]]]:
        serving.forget(alice.domain)
        told = ask(alice, ANNA, list="again")
        return told.data, list(told.headers)

    without = answer()
    with database.transaction() as db:
        shop = db.get_one(Shop, alice.id)
        shop.settings = {"shadow_share": 1.0}
        bundle = registry.version(db, shop, "recommend", 1).bundle
        registry.start_shadow(db, shop, a_version(db, shop, "recommend", bundle=bundle), "test")
    assert answer() == without
    serving.flush()
    with database.reading() as db:
        assert db.scalars(select(Exposure.overlap).where(Exposure.shadow_id.is_not(None))).all() == [1.0]
