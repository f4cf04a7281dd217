"""All of Shopify's signatures are made with one secret: what opens one door must do nothing behind another.

A merchant sees two of them, in the address of the consent flow and in every ID token, and may install the app in a shop
of their own to get some. Neither is JSON, so neither is ever understood as a delivery.
"""

import base64
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shopify_app.db import Database
from shopify_app.records import shops
from shopify_app.tables import Event, EventState, Order, Shop, ShopState
from tests import factories
from tests.conftest import Deliver
from tests.factories import SECRET
from tests.web.conftest import Send

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database
Drain = Callable[[], int]


def as_delivery(client: FlaskClient, shop: Shop, topic: str, body: bytes, signature: bytes) -> int:
    """Post a body with a signature made elsewhere, under headers of the forger's choice."""
    headers = factories.webhook_headers(shop.domain, topic, b"")
    headers["X-Shopify-Hmac-Sha256"] = base64.b64encode(signature).decode()
    return client.post("/webhooks", data=body, headers=headers).status_code


def state_of(database: Database, shop: Shop) -> str:
    with database.reading() as db:
        return shops.get(db, shop.id).state


def drained(database: Database, drain: Drain) -> set[str]:
    """The states of everything that was taken, after as many tries as it gets."""
    for _ in range(5):
        drain()
    with database.reading() as db:
        return set(db.scalars(select(Event.state)))


@pytest.mark.parametrize("topic", ["app/uninstalled", "shop/redact", "orders/create"])
def test_the_signature_of_an_id_token_is_no_delivery(
    database: Database, alice: Shop, bob: Shop, client: FlaskClient, drain: Drain, topic: str
) -> None:
    signed, _, signature = factories.id_token(alice.domain).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    as_delivery(client, bob, topic, signed.encode(), raw)
    assert drained(database, drain) <= {EventState.PARKED}
    assert state_of(database, bob) == ShopState.INSTALLED


@pytest.mark.parametrize("topic", ["app/uninstalled", "shop/redact"])
def test_the_signature_of_the_consent_flow_is_no_delivery(
    database: Database, alice: Shop, bob: Shop, client: FlaskClient, drain: Drain, topic: str
) -> None:
    query = dict(parse_qsl(factories.oauth_query(alice.domain, state="x")))
    signature = bytes.fromhex(query.pop("hmac"))
    text = "&".join(f"{name}={value}" for name, value in sorted(query.items())).encode()
    assert hmac.digest(SECRET.encode(), text, "sha256") == signature
    as_delivery(client, bob, topic, text, signature)
    assert drained(database, drain) <= {EventState.PARKED}
    assert state_of(database, bob) == ShopState.INSTALLED


def test_a_flow_call_is_no_delivery_and_a_delivery_no_flow_call(
    database: Database, alice: Shop, bob: Shop, client: FlaskClient, drain: Drain
) -> None:
    body = factories.flow_body(alice.domain, "retrain-model")
    as_delivery(client, bob, "orders/create", body, hmac.digest(SECRET.encode(), body, "sha256"))
    assert drained(database, drain) <= {EventState.PARKED}
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Order)) == 0
    order = factories.encoded(factories.order())
    headers = factories.webhook_headers(alice.domain, "orders/create", order)
    assert client.post("/flow/retrain-model", data=order, headers=headers).status_code == 400


def test_one_shop_s_farewell_does_not_remove_the_app_from_another(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(bob, "app/uninstalled", {"id": 1, "myshopify_domain": alice.domain})
    assert drained(database, drain) == {EventState.PARKED}
    assert [state_of(database, shop) for shop in (alice, bob)] == [ShopState.INSTALLED] * 2
    deliver(bob, "app/uninstalled", {"id": 2, "myshopify_domain": bob.domain})
    drain()
    assert [state_of(database, shop) for shop in (alice, bob)] == [ShopState.INSTALLED, ShopState.UNINSTALLED]


def test_a_signed_query_opens_only_the_door_it_was_signed_for(client: FlaskClient, alice: Shop) -> None:
    consent = factories.oauth_query(alice.domain, state="x")
    shopper = factories.proxy_query(alice.domain, code="c", state="x")
    assert client.get(f"/proxy/recommendations?{consent}").status_code == 400
    assert client.get(f"/auth/callback?{shopper}").status_code == 400
    renamed = {"proxy": consent.replace("hmac=", "signature="), "auth": shopper.replace("signature=", "hmac=")}
    assert client.get(f"/proxy/recommendations?{renamed['proxy']}").status_code == 401
    assert client.get(f"/auth/callback?{renamed['auth']}").status_code == 401


def test_an_id_token_in_the_wrong_place_opens_nothing(client: FlaskClient, alice: Shop, send: Send) -> None:
    token = factories.id_token(alice.domain)
    bearer = {"Authorization": f"Bearer {token}"}
    tried: dict[str, Any] = {
        "webhook": client.post("/webhooks", data=b"{}", headers=bearer),
        "flow": client.post("/flow/retrain-model", data=b"{}", headers=bearer),
        "proxy": client.get(f"/proxy/recommendations?shop={alice.domain}&id_token={token}", headers=bearer),
        "consent": client.get(f"/auth/callback?shop={alice.domain}&id_token={token}", headers=bearer),
    }
    assert {name: answer.status_code for name, answer in tried.items()} == dict.fromkeys(tried, 400)
