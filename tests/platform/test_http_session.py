"""The HTTP session: where calls go, how long they wait, and what they never carry along."""

import time
from typing import Any

import pytest
import requests
from werkzeug.wrappers import Request, Response

from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.http import TIMEOUT, session


def test_shop_calls_go_to_the_local_shopify_under_the_shop_s_name(http: requests.Session, shopify: Any) -> None:
    shopify.will_answer("one", "two")
    http.get("https://alice.myshopify.com/bulk/1.jsonl?a=1")
    http.get("https://bob.myshopify.com/bulk/2.jsonl")
    assert [(asked.host, asked.full_path) for asked in shopify.asked] == [
        ("alice.myshopify.com", "/bulk/1.jsonl?a=1"),
        ("bob.myshopify.com", "/bulk/2.jsonl?"),
    ]


@pytest.mark.parametrize("host", ["alice.myshopify.com.evil.invalid", "evil.invalid", "a.b.myshopify.com.invalid"])
def test_nothing_else_is_sent_to_the_local_shopify(http: requests.Session, shopify: Any, host: str) -> None:
    with pytest.raises(requests.ConnectionError):
        http.get(f"https://{host}/", timeout=(2, 2))
    assert shopify.asked == []


def test_a_production_session_knows_no_local_shopify() -> None:
    adapters = {type(adapter).__name__ for adapter in session().adapters.values()}
    assert adapters == {"TimedAdapter"}


def test_one_shop_s_cookie_is_never_sent_to_another(http: requests.Session, shopify: Any) -> None:
    shopify.will_answer("", "", headers={"Set-Cookie": "_session=alice; Path=/"})
    http.get("https://alice.myshopify.com/")
    http.get("https://alice.myshopify.com/")
    assert "Cookie" not in shopify.asked[1].headers


def test_every_call_has_a_timeout(shopify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(request: Request) -> Response:
        time.sleep(0.6)
        return Response("too late")

    monkeypatch.setattr("shopify_app.platform.http.TIMEOUT", (0.2, 0.2))
    shopify.will_answer(never)
    with session(shopify.url) as made, pytest.raises(requests.ReadTimeout):
        made.get("https://alice.myshopify.com/")
    assert all(seconds <= 30 for seconds in TIMEOUT)


def test_two_shops_in_one_session_keep_their_own_tokens(http: requests.Session, shopify: Any) -> None:
    alice, bob = (AdminApi(f"{name}.myshopify.com", f"token-of-{name}", http) for name in ("alice", "bob"))
    shopify.will_answer(b"broken", {"data": {}}, {"data": {}})
    with pytest.raises(Exception, match="no JSON"):
        bob.run("{ shop { id } }")
    alice.run("{ shop { id } }")
    bob.run("{ shop { id } }")
    assert [(asked.host.split(".")[0], asked.headers["X-Shopify-Access-Token"]) for asked in shopify.asked] == [
        ("bob", "token-of-bob"),
        ("alice", "token-of-alice"),
        ("bob", "token-of-bob"),
    ]
