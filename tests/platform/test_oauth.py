"""Tokens, against a real HTTP server: what is sent, what comes back, what each refusal means, what is never written."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from werkzeug.wrappers import Request, Response

from shopify_app.errors import Refused, ShopifyError, ShopifyUnavailable, Throttled
from shopify_app.platform.http import session
from shopify_app.platform.oauth import InvalidClient, InvalidGrant, InvalidSubjectToken, OAuth

ALICE = "alice.myshopify.com"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAIR = {
    "access_token": "shpat_1",
    "scope": "read_orders,write_products",
    "expires_in": 3600,
    "refresh_token": "shprt_1",
    "refresh_token_expires_in": 7_776_000,
}


@pytest.fixture
def oauth(http: requests.Session) -> OAuth:
    return OAuth("foretally", "hush-hush", http, now=lambda: NOW)


def test_an_id_token_is_exchanged_for_an_expiring_offline_pair(oauth: OAuth, shopify: Any) -> None:
    shopify.will_answer(PAIR)
    pair = oauth.exchange_id_token(ALICE, "the.id.token")
    asked = shopify.asked[0]
    assert (asked.method, asked.path, asked.host) == ("POST", "/admin/oauth/access_token", ALICE)
    assert asked.json == {
        "client_id": "foretally",
        "client_secret": "hush-hush",
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "the.id.token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": 1,
    }
    assert (pair.access_token, pair.refresh_token, pair.scope) == ("shpat_1", "shprt_1", "read_orders,write_products")
    assert (pair.expires_at, pair.refresh_expires_at) == (NOW + timedelta(hours=1), NOW + timedelta(days=90))


def test_a_code_is_exchanged_for_an_expiring_pair(oauth: OAuth, shopify: Any) -> None:
    shopify.will_answer(PAIR)
    assert oauth.exchange_code(ALICE, "c0de").access_token == "shpat_1"
    assert shopify.asked[0].json == {
        "client_id": "foretally",
        "client_secret": "hush-hush",
        "code": "c0de",
        "expiring": 1,
    }


def test_a_pair_is_refreshed_with_its_refresh_token(oauth: OAuth, shopify: Any) -> None:
    shopify.will_answer({**PAIR, "access_token": "shpat_2"})
    assert oauth.refresh(ALICE, "shprt_1").access_token == "shpat_2"
    sent = shopify.asked[0].json
    assert (sent["grant_type"], sent["refresh_token"]) == ("refresh_token", "shprt_1")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("invalid_grant", InvalidGrant),
        ("invalid_subject_token", InvalidSubjectToken),
        ("invalid_client", InvalidClient),
        ("application_cannot_be_found", InvalidClient),
        ("invalid_request", ShopifyError),
    ],
)
def test_each_refusal_has_its_own_error(oauth: OAuth, shopify: Any, code: str, error: type[Exception]) -> None:
    shopify.will_answer({"error": code, "error_description": "the token shprt_1 is unknown"}, status=400)
    with pytest.raises(error, match=code) as caught:
        oauth.refresh(ALICE, "shprt_1")
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "body", [b"<html>no</html>", b"[]", b'{"error": {"deep": 1}}', b'{"error": "<b>Oauth error</b>"}']
)
def test_a_refusal_without_a_known_word_still_names_its_status(oauth: OAuth, shopify: Any, body: bytes) -> None:
    shopify.will_answer(body, status=400)
    with pytest.raises(ShopifyError, match="HTTP 400"):
        oauth.exchange_code(ALICE, "c0de")


@pytest.mark.parametrize(
    "changed",
    [{"access_token": None}, {"refresh_token": None}, {"expires_in": "3600"}, {"expires_in": True}, {"scope": 1}],
)
def test_an_answer_without_an_expiring_pair_is_no_answer(oauth: OAuth, shopify: Any, changed: dict[str, Any]) -> None:
    shopify.will_answer({**PAIR, **changed})
    with pytest.raises(ShopifyUnavailable, match="expiring"):
        oauth.refresh(ALICE, "shprt_1")


def test_a_busy_or_broken_endpoint_says_so(oauth: OAuth, shopify: Any) -> None:
    shopify.will_answer("", status=429, headers={"Retry-After": "3"})
    with pytest.raises(Throttled) as busy:
        oauth.refresh(ALICE, "shprt_1")
    assert busy.value.wait == 3.0
    shopify.will_answer("", status=503)
    with pytest.raises(ShopifyUnavailable, match="503"):
        oauth.refresh(ALICE, "shprt_1")
    shopify.will_answer(b"{broken")
    with pytest.raises(ShopifyUnavailable, match="JSON"):
        oauth.refresh(ALICE, "shprt_1")


def test_the_client_secret_follows_no_redirect(oauth: OAuth, shopify: Any) -> None:
    shopify.will_answer("", status=307, headers={"Location": f"{shopify.url}/elsewhere"})
    with pytest.raises(ShopifyError, match="307"):
        oauth.refresh(ALICE, "shprt_1")
    assert len(shopify.asked) == 1


def test_a_token_goes_to_no_address_but_a_shop_s(oauth: OAuth, shopify: Any) -> None:
    for odd in ("evil.com", "alice.myshopify.com@evil.com", "alice.myshopify.com/x?"):
        with pytest.raises(Refused, match="invalid_shop"):
            oauth.refresh(odd, "shprt_1")
        with pytest.raises(Refused, match="invalid_shop"):
            oauth.install_url(odd, ["read_orders"], "https://app.example.com/auth/callback", "s")
    assert shopify.asked == []


def test_nothing_secret_is_printed_or_logged(oauth: OAuth, shopify: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refused = {"error": "invalid_grant", "error_description": "shprt_secret is unknown"}
    shopify.will_answer(PAIR)
    shopify.will_answer(refused, status=400)
    shown = [repr(oauth.refresh(ALICE, "shprt_secret")), repr(oauth)]
    with pytest.raises(InvalidGrant) as caught:
        oauth.refresh(ALICE, "shprt_secret")
    shown += [str(caught.value), caplog.text]
    for secret in ("shpat_1", "shprt_1", "shprt_secret", "hush-hush"):
        assert not [text for text in shown if secret in text]


def test_a_shop_that_does_not_answer_is_unavailable_and_names_no_secret() -> None:
    with session("http://127.0.0.1:9") as nobody, pytest.raises(ShopifyUnavailable) as caught:
        OAuth("foretally", "hush-hush", nobody).refresh(ALICE, "shprt_1")
    assert "ConnectionError" in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_consent_page_gets_everything_it_needs(oauth: OAuth) -> None:
    url = urlsplit(oauth.install_url(ALICE, ["read_orders", "write_products"], "https://app.example.com/cb", "n&nce"))
    assert (url.scheme, url.netloc, url.path) == ("https", ALICE, "/admin/oauth/authorize")
    assert parse_qs(url.query) == {
        "client_id": ["foretally"],
        "scope": ["read_orders,write_products"],
        "redirect_uri": ["https://app.example.com/cb"],
        "state": ["n&nce"],
    }


def test_a_slow_answer_makes_the_token_expire_early_not_late(http: requests.Session, shopify: Any) -> None:
    moments = [NOW]

    def slowly(request: Request) -> Response:
        moments.append(NOW + timedelta(seconds=20))
        return Response(json.dumps(PAIR))

    shopify.will_answer(slowly)
    pair = OAuth("foretally", "hush-hush", http, now=lambda: moments[-1]).refresh(ALICE, "shprt_1")
    assert pair.expires_at == NOW + timedelta(hours=1)
