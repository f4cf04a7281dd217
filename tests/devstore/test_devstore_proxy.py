"""The app proxy: signed, without cookies, and nothing that a visitor could forge."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

from devstore.server import DevStore
from devstore.signing import sign_proxy
from tests.devstore.conftest import SECRET
from tests.devstore.receiver import Receiver
from tests.devstore.shop_api import Api


def test_a_storefront_request_reaches_the_app_signed(store: DevStore, alice: Api, receiver: Receiver) -> None:
    receiver.answer = lambda request: (200, {"Content-Type": "application/json", "Set-Cookie": "a=b"}, b'{"ok":1}')
    answer = alice.client.get("/s/alice/apps/test/recommendations?product_ids=1&product_ids=2&shop=evil&signature=x")
    sent = receiver.requests[0]
    query = parse_qsl(urlsplit(sent.path).query, keep_blank_values=True)
    assert (answer.status_code, answer.get_json()) == (200, {"ok": 1})
    assert "Set-Cookie" not in answer.headers
    assert urlsplit(sent.path).path == "/proxy/recommendations"
    assert dict(query)["signature"] == sign_proxy(SECRET, query)
    assert [value for key, value in query if key == "shop"] == ["alice.myshopify.com"]
    assert [value for key, value in query if key == "product_ids"] == ["1", "2"]
    assert dict(query)["logged_in_customer_id"] == ""
    assert dict(query)["path_prefix"] == "/apps/test"


def test_who_is_logged_in_comes_from_the_shop_and_cookies_stay_there(alice: Api, receiver: Receiver) -> None:
    alice.client.set_cookie("devstore_customer", "501")
    alice.client.get("/s/alice/apps/test/recommendations?logged_in_customer_id=999")
    sent = receiver.requests[0]
    assert parse_qs(urlsplit(sent.path).query)["logged_in_customer_id"] == ["501"]
    assert "cookie" not in sent.headers


def test_posts_are_handed_on_with_their_body(alice: Api, receiver: Receiver) -> None:
    alice.client.post("/s/alice/apps/test/track", data=b'{"a":1}', content_type="application/json")
    assert (receiver.requests[0].method, receiver.requests[0].body) == ("POST", b'{"a":1}')


def test_an_app_that_is_away_is_a_bad_gateway(alice: Api, receiver: Receiver) -> None:
    receiver.close()
    assert alice.client.get("/s/alice/apps/test/x").status_code == 502


def test_liquid_answers_are_refused_loudly(alice: Api, receiver: Receiver) -> None:
    receiver.answer = lambda request: (200, {"Content-Type": "application/liquid"}, b"{{ shop.name }}")
    assert alice.client.get("/s/alice/apps/test/x").status_code == 501


def test_an_uninstalled_app_has_no_proxy(store: DevStore, receiver: Receiver) -> None:
    assert store.wsgi.test_client().get("/s/alice/apps/test/x").status_code == 404
    assert receiver.requests == []
