"""The web pixel's door: a browser's hints, kept for the right shop only, in measure, and under a pseudonym."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from sqlalchemy import select
from werkzeug.test import TestResponse

from shopify_app import clock
from shopify_app.db import Database, insert_many
from shopify_app.errors import Refused
from shopify_app.lifecycle import pixel
from shopify_app.lifecycle.pixel import BROWSER_BURST
from shopify_app.records import shops as shop_records
from shopify_app.records.shops import ShopFacts
from shopify_app.records.views import Seen
from shopify_app.tables import Product, Shop, View, ViewKind
from shopify_app.web.state import KEY
from tests.conftest import Deliver

Tell = Callable[..., TestResponse]


@pytest.fixture
def keys(database: Database, alice: Shop, bob: Shop) -> dict[str, str]:
    """Both shops sell 1 to 3, and their pixels are on."""
    with database.transaction() as db:
        for shop in (alice, bob):
            rows = [{"shop_id": shop.id, "product_id": n, "updated_at": shop.installed_at} for n in (1, 2, 3)]
            insert_many(db, Product, rows)
        return {shop.domain: pixel.key_of(db, shop.id) for shop in (alice, bob)}


@pytest.fixture
def tell(app: Flask, client: FlaskClient, keys: dict[str, str]) -> Iterator[Tell]:
    """Send an event as the pixel does: `tell(alice, kind="viewed", product=1)`."""
    count = iter(range(1_000_000))

    def post(of: Shop, /, **told: Any) -> TestResponse:
        whole = {"shop": of.domain, "key": keys.get(of.domain, ""), "event": f"e{next(count)}", "browser": "b1"}
        return client.post("/pixel/events", data=json.dumps(whole | told), content_type="text/plain")

    yield post
    app.extensions[KEY].pixel.flush()


def kept(app: Flask, database: Database, shop: Shop) -> list[View]:
    app.extensions[KEY].pixel.flush()
    with database.reading() as db:
        return list(db.scalars(select(View).where(View.shop_id == shop.id).order_by(View.id)))


def test_each_shop_keeps_what_its_visitors_looked_at(
    app: Flask, database: Database, alice: Shop, bob: Shop, tell: Tell
) -> None:
    assert tell(alice, kind="viewed", product=1).status_code == 204
    assert tell(alice, kind="shown", beside=1).status_code == 204
    assert tell(alice, kind="clicked", beside=1, product=2).status_code == 204
    assert tell(alice, kind="ordered", order=77).status_code == 204
    assert tell(bob, kind="met", test=3, arm="b", beside=2).status_code == 204
    mine = [(one.kind, one.product_id, one.beside_id, one.order_id) for one in kept(app, database, alice)]
    assert mine == [
        ("viewed", 1, None, None),
        ("shown", None, 1, None),
        ("clicked", 2, 1, None),
        ("ordered", None, None, 77),
    ]
    assert [(one.kind, one.test, one.arm) for one in kept(app, database, bob)] == [("met", 3, "b")]


def test_views_are_kept_in_the_order_in_which_they_came_and_by_the_shop_s_day(
    app: Flask, database: Database, alice: Shop, tell: Tell
) -> None:
    with database.transaction() as db:
        shop_records.get(db, alice.id).business_on = date(2026, 3, 2)
    for product in (3, 1, 2, 1):
        tell(alice, kind="viewed", product=product)
    rows = kept(app, database, alice)
    assert [one.product_id for one in sorted(rows, key=lambda one: (one.seen_at, one.id))] == [3, 1, 2, 1]
    assert len({one.seen_at for one in rows}) == 4
    assert {one.viewed_on for one in rows} == {date(2026, 3, 2)}


def test_a_browser_s_name_for_itself_is_stored_nowhere(
    app: Flask, database: Database, alice: Shop, tell: Tell, capfd: pytest.CaptureFixture[str]
) -> None:
    tell(alice, kind="viewed", product=1, browser="0f8fad5b-d9cb-469f-a165-70867728950e")
    (row,) = kept(app, database, alice)
    assert "0f8fad5b" not in str({column.name: getattr(row, column.name) for column in View.__table__.columns})
    assert "0f8fad5b" not in "".join(capfd.readouterr())


def test_the_same_event_twice_counts_once(app: Flask, database: Database, alice: Shop, tell: Tell) -> None:
    for _ in range(3):
        tell(alice, kind="viewed", product=1, event="same")
    kept(app, database, alice)
    tell(alice, kind="viewed", product=1, event="same")
    assert len(kept(app, database, alice)) == 1


def test_products_the_shop_never_had_are_not_kept(app: Flask, database: Database, alice: Shop, tell: Tell) -> None:
    assert tell(alice, kind="viewed", product=4711).status_code == 204
    assert tell(alice, kind="clicked", product=1, beside=4711).status_code == 204
    assert kept(app, database, alice) == []


def test_a_key_opens_its_own_shop_and_only_while_the_app_is_there(
    app: Flask, database: Database, alice: Shop, bob: Shop, charlie: Shop, keys: dict[str, str], tell: Tell
) -> None:
    for shop, key in ((alice, keys[bob.domain]), (alice, "x"), (charlie, "x"), (charlie, keys[alice.domain])):
        answer = tell(shop, kind="viewed", product=1, key=key)
        assert (answer.status_code, answer.text) == (401, "wrong_key")
    with database.transaction() as db:
        shop_records.uninstall(db, shop_records.get(db, bob.id), bob.installed_at)
    assert tell(bob, kind="viewed", product=1).status_code == 401
    assert kept(app, database, alice) == kept(app, database, bob) == []


def test_what_browsers_tell_of_a_shop_that_is_gone_is_not_kept_for_the_next(
    app: Flask, database: Database, alice: Shop, bob: Shop, tell: Tell, deliver: Deliver, drain: Callable[[], int]
) -> None:
    assert tell(bob, kind="viewed", product=1).status_code == 204
    assert len(kept(app, database, bob)) == 1
    with database.transaction() as db:
        shop_records.needs_reopening(db, bob.id)  # the word of its uninstall was lost, so its key is still believed
    deliver(bob, "shop/redact", {"shop_domain": bob.domain})
    drain()
    with database.transaction() as db:
        facts = ShopFacts(name="Dora", currency="EUR", time_zone="UTC", country="DE")
        dora = shop_records.install(db, "dora.myshopify.com", facts, "", bob.installed_at)
        db.add(Product(shop_id=dora.id, product_id=1, updated_at=bob.installed_at))
    tell(bob, kind="viewed", product=1)
    assert kept(app, database, dora) == []


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "bought"},
        {"kind": None},
        {"kind": ["viewed"]},
        {"kind": "viewed"},
        {"kind": "viewed", "product": "1"},
        {"kind": "viewed", "product": -1},
        {"kind": "viewed", "product": True},
        {"kind": "viewed", "product": 1.5},
        {"kind": "viewed", "product": 2**63},
        {"kind": "clicked", "beside": 1},
        {"kind": "ordered"},
        {"kind": "met", "test": 1},
        {"kind": "met", "test": 1, "arm": "c"},
        {"kind": "met", "test": 2**31, "arm": "a"},
        {"kind": "shown", "browser": ""},
        {"kind": "shown", "browser": "x" * 65},
        {"kind": "shown", "browser": "a\nb"},
        {"kind": "shown", "event": None},
        {"kind": "shown", "shop": "evil.example"},
        {"kind": "shown", "shop": None},
        {"kind": "shown", "key": 7},
        {"kind": "shown", "more": "x" * 1000},
    ],
)
def test_what_cannot_be_meant_is_400(tell: Tell, alice: Shop, told: dict[str, Any]) -> None:
    assert tell(alice, **told).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 900])
def test_what_is_no_event_is_400(client: FlaskClient, body: bytes) -> None:
    assert client.post("/pixel/events", data=body).status_code == 400


def test_one_browser_cannot_fill_the_table(app: Flask, database: Database, alice: Shop, bob: Shop, tell: Tell) -> None:
    answers = [tell(alice, kind="viewed", product=1).status_code for _ in range(int(BROWSER_BURST) + 20)]
    assert answers.count(204) <= BROWSER_BURST + 5
    assert answers[-1] == 429
    assert tell(alice, kind="viewed", product=1, browser="b2").status_code == 204
    assert tell(bob, kind="viewed", product=1).status_code == 204


def test_a_shop_keeps_so_many_events_a_day_whoever_sends_them_and_orders_a_few_more(
    app: Flask, database: Database, alice: Shop, bob: Shop, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel, "DAY", 6)
    monkeypatch.setattr(pixel, "DAY_WITH_ORDERS", 8)
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with database.transaction() as db:
        for shop in (alice, bob):
            same = {"shop_id": shop.id, "kind": "viewed", "visitor": 1, "product_id": 1}
            moments = [midnight - timedelta(hours=1)] * 9 + [midnight] * (3 if shop.id == alice.id else 0)
            insert_many(db, View, [same | {"event_id": f"x{n}", "seen_at": at} for n, at in enumerate(moments)])
    before = told("too_many_today")
    answers = [tell(alice, kind="viewed", product=1, browser=f"b{n}") for n in range(5)]
    assert [one.status_code for one in answers] == [204, 204, 204, 429, 429]
    assert answers[-1].text == "too_many_today"
    assert [tell(alice, kind="ordered", order=n).status_code for n in (1, 2, 3)] == [204, 204, 429]
    assert told("too_many_today") == before + 3
    assert tell(bob, kind="viewed", product=1).status_code == 204
    assert len(kept(app, database, alice)) == 9 + 8
    elsewhere = pixel.Pixel(database)
    with pytest.raises(Refused, match="too_many_today"):
        elsewhere.take(alice.domain, keys_of(database, alice), Seen("new", ViewKind.VIEWED, "b9", product_id=1))


def told(outcome: str) -> float:
    return REGISTRY.get_sample_value("foretally_views_total", {"outcome": outcome}) or 0.0


def keys_of(database: Database, shop: Shop) -> str:
    with database.transaction() as db:
        return pixel.key_of(db, shop.id)


def test_any_of_a_shop_s_pages_may_send_events(tell: Tell, alice: Shop) -> None:
    answer = tell(alice, kind="viewed", product=1)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.data == b""
    assert "Set-Cookie" not in answer.headers
