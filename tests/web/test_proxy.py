"""Shoppers are answered from their own shop's tables, and only through Shopify."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from ml.recommend import imported
from shopify_app.config import Settings
from shopify_app.db import Database, insert_many
from shopify_app.lifecycle import registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.tables import Exposure, Product, Shop
from shopify_app.web.state import KEY
from tests.factories import proxy_query
from tests.lifecycle.making import a_version


def recommending(database: Database, settings: Settings, shop: Shop, best: int, folder: Path) -> None:
    """A shop whose champion says: whoever looks at 1 also wants `best`."""
    import pandas as pd

    pairs = pd.DataFrame({"product_id": [1, 1], "neighbour_id": [best, 4], "score": [0.9, 0.5]})
    imported.write(folder, pairs, [4, 5])
    name = Bundles(settings).keep(folder)
    products = [
        {"shop_id": shop.id, "product_id": n, "updated_at": shop.installed_at, "is_published": True}
        for n in range(1, 6)
    ]
    with database.transaction() as db:
        insert_many(db, Product, products)
        a_version(db, shop, "recommend", bundle=name)
        registry.promote(db, shop, "recommend", 1, actor="merchant", reason="first")


@pytest.fixture
def shops(database: Database, settings: Settings, alice: Shop, bob: Shop, tmp_path: Path) -> tuple[Shop, Shop]:
    recommending(database, settings, alice, 2, tmp_path / "alice")
    recommending(database, settings, bob, 3, tmp_path / "bob")
    return alice, bob


def ask(client: FlaskClient, shop: str, **params: Any) -> Any:
    return client.get(f"/proxy/recommendations?{proxy_query(shop, **params)}")


def test_each_shop_s_shoppers_get_its_own_recommendations(client: FlaskClient, shops: tuple[Shop, Shop]) -> None:
    told = [ask(client, shop.domain, product_ids="1", limit=1).get_json() for shop in shops]
    assert told == [{"product_ids": [2], "version": 1}, {"product_ids": [3], "version": 1}]


def test_an_answer_is_not_kept_by_anybody(client: FlaskClient, shops: tuple[Shop, Shop]) -> None:
    assert ask(client, shops[0].domain, product_ids="1").headers["Cache-Control"] == "no-store"


def test_a_signature_for_one_shop_opens_no_other(client: FlaskClient, shops: tuple[Shop, Shop]) -> None:
    alice, bob = shops
    swapped = proxy_query(alice.domain, product_ids="1").replace(alice.domain, bob.domain)
    assert client.get(f"/proxy/recommendations?{swapped}").status_code == 401
    doubled = proxy_query(alice.domain, product_ids="1") + f"&shop={bob.domain}"
    assert client.get(f"/proxy/recommendations?{doubled}").status_code in (400, 401)


@pytest.mark.parametrize("how", [{"age": 100.0}, {"secret": "wrong"}])
def test_an_old_or_forged_request_is_refused(client: FlaskClient, alice: Shop, how: dict[str, Any]) -> None:
    assert ask(client, alice.domain, product_ids="1", **how).status_code == 401


def test_a_request_without_signature_is_refused(client: FlaskClient, alice: Shop) -> None:
    assert client.get(f"/proxy/recommendations?shop={alice.domain}&product_ids=1").status_code == 400


def test_a_shop_that_is_unknown_or_has_nothing_to_say_is_404(client: FlaskClient, charlie: Shop) -> None:
    for domain in ("stranger.myshopify.com", charlie.domain):
        answer = ask(client, domain, product_ids="1")
        assert (answer.status_code, answer.get_json()) == (404, {"error": "no_recommendations"})


@pytest.mark.parametrize(
    "params",
    [
        {"product_ids": "x"},
        {"product_ids": "1;2"},
        {"product_ids": ",".join(["1"] * 51)},
        {"product_ids": "1" * 20},
        {"product_ids": str(2**63)},
        {"product_ids": "١"},
        {"product_ids": "1", "limit": "0"},
        {"product_ids": "1", "limit": "21"},
        {"product_ids": "1", "limit": "-1"},
        {"product_ids": "1", "limit": "x"},
    ],
)
def test_a_question_that_makes_no_sense_is_400(
    client: FlaskClient, shops: tuple[Shop, Shop], params: dict[str, str]
) -> None:
    assert ask(client, shops[0].domain, **params).status_code == 400


def test_no_product_at_all_is_answered_with_what_sells_best(
    app: Flask, client: FlaskClient, shops: tuple[Shop, Shop]
) -> None:
    answer = ask(client, shops[0].domain)
    assert answer.status_code == 200
    app.extensions[KEY].serving.flush()


@contextmanager
def no_table_for_exposures(database: Database) -> Iterator[None]:
    """Out of the way for a while: the next test wants it back."""
    with database.transaction() as db:
        db.execute(text("ALTER TABLE exposures RENAME TO hidden"))
    yield
    with database.transaction() as db:
        db.execute(text("ALTER TABLE hidden RENAME TO exposures"))


def test_an_answer_s_bytes_do_not_depend_on_the_shadow(
    app: Flask, client: FlaskClient, database: Database, shops: tuple[Shop, Shop]
) -> None:
    alice, serving = shops[0], app.extensions[KEY].serving

    def answer() -> tuple[int, bytes, list[tuple[str, str]]]:
        serving.forget(alice.domain)
        told = ask(client, alice.domain, product_ids="1,5")
        return told.status_code, told.data, list(told.headers)

    without = answer()
    assert (without[0], without[1]) == (200, b'{"product_ids":[2,4],"version":1}\n')
    with database.transaction() as db:
        shop = db.get_one(Shop, alice.id)
        shop.settings = {"shadow_share": 1.0}
        bundle = registry.version(db, shop, "recommend", 1).bundle
        registry.start_shadow(db, shop, a_version(db, shop, "recommend", bundle=bundle), "test")
    with_shadow = answer()
    serving.flush()
    with database.reading() as db:
        assert db.scalars(select(Exposure.overlap).where(Exposure.shadow_id.is_not(None))).all() == [1.0]
    with no_table_for_exposures(database):
        with_a_broken_queue = [answer() for _ in range(3)]
        serving.flush()
    assert [with_shadow, *with_a_broken_queue] == [without] * 4
