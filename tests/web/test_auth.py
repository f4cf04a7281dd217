"""The consent flow for shops without managed installation: state, signature and code are each checked once."""

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from shopify_app.db import Database
from shopify_app.tables import Shop
from tests import factories
from tests.web.conftest import SmallShopify

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database

DORA = "dora.myshopify.com"


def test_the_merchant_consents_and_the_shop_is_installed(app: Flask, database: Database, shopify: SmallShopify) -> None:
    client = app.test_client()
    asked = client.get("/auth/install", query_string={"shop": DORA})
    address = urlsplit(asked.headers["Location"])
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert (address.netloc, address.path) == (DORA, "/admin/oauth/authorize")
    assert query["client_id"] == factories.KEY
    assert query["redirect_uri"] == "http://127.0.0.1:8800/auth/callback"
    assert "read_orders" in query["scope"].split(",")
    back = client.get(f"/auth/callback?{factories.oauth_query(DORA, state=query['state'])}")
    assert back.headers["Location"] == f"{shopify.url}/store/dora/apps/{factories.KEY}"
    assert shopify.grants[0]["code"] == "a-code"
    assert shopify.grants[0]["expiring"] == 1
    with database.reading() as db:
        assert db.scalars(select(Shop)).one().state == "installed"


def test_a_callback_in_a_browser_that_did_not_ask_is_refused(
    app: Flask, database: Database, shopify: SmallShopify
) -> None:
    asked = app.test_client().get("/auth/install", query_string={"shop": DORA})
    state = parse_qs(urlsplit(asked.headers["Location"]).query)["state"][0]
    answer = app.test_client().get(f"/auth/callback?{factories.oauth_query(DORA, state=state)}")
    assert (answer.status_code, answer.text) == (401, "wrong_state")
    assert shopify.grants == []


def test_a_state_is_good_for_one_callback(app: Flask) -> None:
    client = app.test_client()
    asked = client.get("/auth/install", query_string={"shop": DORA})
    state = parse_qs(urlsplit(asked.headers["Location"]).query)["state"][0]
    statuses = [client.get(f"/auth/callback?{factories.oauth_query(DORA, state=state)}").status_code for _ in range(2)]
    assert statuses == [302, 401]


def test_a_callback_with_a_wrong_signature_is_refused(app: Flask, shopify: SmallShopify) -> None:
    client = app.test_client()
    client.get("/auth/install", query_string={"shop": DORA})
    answer = client.get(f"/auth/callback?{factories.oauth_query(DORA, state='x', secret='wrong')}")
    assert answer.status_code == 401
    assert shopify.grants == []


@pytest.mark.parametrize("query", ["", "shop=evil.com", "shop=a.myshopify.com&shop=b.myshopify.com", "shop=a"])
def test_consent_is_asked_only_of_a_shop(app: Flask, query: str) -> None:
    answer = app.test_client().get(f"/auth/install?{query}")
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_the_cookie_is_not_signed_with_the_client_secret(app: Flask) -> None:
    assert factories.SECRET.encode() not in bytes(app.config["SECRET_KEY"])
    assert app.config["SECRET_KEY"] != factories.SECRET
