"""Pages open for the shop's staff alone; others are sent past App Bridge, or told to come back with a token."""

from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shopify_app.tables import Shop
from tests import factories
from tests.web.conftest import Send, SmallShopify

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database

RETRY = "X-Shopify-Retry-Invalid-Session-Request"


def csp(answer: TestResponse) -> str:
    return answer.headers["Content-Security-Policy"]


def test_a_page_opens_with_a_good_token_and_may_be_framed_by_that_shop_only(
    alice: Shop, visit: Send, shopify: SmallShopify
) -> None:
    answer = visit(alice)
    assert answer.status_code == 200
    assert csp(answer) == f"frame-ancestors https://alice.myshopify.com https://admin.shopify.com {shopify.url}"
    assert "preconnect" in answer.headers["Link"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_a_script_is_let_in_by_its_header(alice: Shop, client: FlaskClient) -> None:
    bearer = {"Authorization": f"Bearer {factories.id_token(alice.domain)}"}
    assert client.get("/settings", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    "how",
    [
        {"age": 120.0},
        {"secret": "shpss_somebody_else_s_secret_0123456"},
        {"aud": "another-app"},
        {"iss": "https://bob.myshopify.com/admin"},
        {"dest": "https://evil.example.com", "iss": "https://evil.example.com/admin"},
        {"exp": None},
    ],
)
def test_a_page_with_a_bad_token_is_sent_past_app_bridge(alice: Shop, visit: Send, how: dict[str, object]) -> None:
    answer = visit(alice, "/forecasts", **how)
    assert answer.status_code == 302
    address = urlsplit(answer.headers["Location"])
    query = parse_qs(address.query)
    assert address.path == "/auth/patch-id-token"
    assert "id_token" not in query
    assert query["shop"] == [alice.domain]
    assert query["shopify-reload"] == ["/forecasts?shop=alice.myshopify.com&embedded=1"]


def test_a_page_without_a_token_is_sent_past_app_bridge(client: FlaskClient) -> None:
    answer = client.get("/models?said=promoted")
    assert answer.headers["Location"] == (
        "/auth/patch-id-token?said=promoted&shopify-reload=%2Fmodels%3Fsaid%3Dpromoted"
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_script_with_a_bad_token_is_told_to_try_again(client: FlaskClient, method: str) -> None:
    answer = client.open("/settings", method=method, headers={"Authorization": "Bearer x.y.z"})
    assert (answer.status_code, answer.headers[RETRY]) == (401, "1")


def test_a_form_without_a_token_changes_nothing(client: FlaskClient) -> None:
    answer = client.post("/settings", data={"target_percent": "50"})
    assert (answer.status_code, answer.headers[RETRY]) == (401, "1")


def test_a_token_given_twice_or_of_another_scheme_is_none(alice: Shop, client: FlaskClient) -> None:
    token = factories.id_token(alice.domain)
    assert client.get(f"/settings?id_token={token}&id_token={token}").status_code == 302
    assert client.get("/settings", headers={"Authorization": f"Basic {token}"}).status_code == 401


def test_the_shop_comes_from_the_token_and_never_from_the_address(alice: Shop, bob: Shop, client: FlaskClient) -> None:
    token = factories.id_token(alice.domain)
    answer = client.get("/settings", query_string={"shop": bob.domain, "id_token": token})
    assert "https://alice.myshopify.com" in csp(answer)
    assert "bob" not in csp(answer)


def test_a_path_with_two_slashes_does_not_lead_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/", base_url="http://127.0.0.1:8800//evil.example.com")
    if answer.status_code == 302:
        assert parse_qs(urlsplit(answer.headers["Location"]).query)["shopify-reload"][0].startswith("/")
        assert not parse_qs(urlsplit(answer.headers["Location"]).query)["shopify-reload"][0].startswith("//")


def test_the_stop_over_loads_app_bridge_and_nothing_else(client: FlaskClient, shopify: SmallShopify) -> None:
    query = {"shop": "alice.myshopify.com", "shopify-reload": "/models?said=promoted"}
    answer = client.get("/auth/patch-id-token", query_string=query)
    assert answer.status_code == 200
    assert answer.text.count("<script") == 1
    assert f'<script data-api-key="{factories.KEY}" src="{shopify.url}/cdn/app-bridge.js"></script>' in answer.text
    assert "said" not in answer.text
    assert csp(answer).startswith("frame-ancestors https://alice.myshopify.com https://admin.shopify.com")


@pytest.mark.parametrize(
    "query",
    [
        "shop=evil.com;%20script-src%20*&shopify-reload=/",
        "shop=alice.myshopify.com&shop=evil.com&shopify-reload=/",
        "shop=alice.myshopify.com%0d%0aX-Evil:%201&shopify-reload=/",
        "shop=alice.myshopify.com&shopify-reload=https://evil.example.com",
        "shop=alice.myshopify.com&shopify-reload=//evil.example.com",
        "shop=alice.myshopify.com&shopify-reload=/%5Cevil.example.com",
        "shop=alice.myshopify.com&shopify-reload=/%09/evil.example.com",
        "shop=alice.myshopify.com",
    ],
)
def test_the_stop_over_reflects_nothing_that_was_not_checked(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/auth/patch-id-token?{query}")
    assert answer.status_code == 400
    assert "evil" not in str(answer.headers).lower()
    assert csp(answer) == "frame-ancestors 'none'"


def test_what_is_not_there_is_said_on_a_page_for_those_who_may_see_pages(alice: Shop, visit: Send) -> None:
    answer = visit(alice, "/models/forecast/99")
    assert answer.status_code == 404
    assert "<s-page" in answer.text
    assert "https://alice.myshopify.com" in csp(answer)


def test_an_unknown_address_is_plainly_not_found(client: FlaskClient) -> None:
    answer = client.get("/nothing/here")
    assert (answer.status_code, csp(answer)) == (404, "frame-ancestors 'none'")


@pytest.mark.parametrize(("path", "status"), [("/nothing/here", 404), ("/reorder/purchases", 405)])
def test_an_address_without_a_page_is_said_inside_the_admin_to_those_who_may_see_pages(
    alice: Shop, visit: Send, client: FlaskClient, path: str, status: int
) -> None:
    bearer = {"Authorization": f"Bearer {factories.id_token(alice.domain)}"}
    for answer in (visit(alice, path), client.get(path, headers=bearer)):
        assert answer.status_code == status
        assert "<s-app-nav>" in answer.text
        assert 'href="/">Go to the overview' in answer.text
        assert csp(answer).startswith("frame-ancestors https://alice.myshopify.com https://admin.shopify.com")
    assert csp(visit(alice, path, age=120.0)) == "frame-ancestors 'none'"


def test_what_went_wrong_with_shopify_is_said_with_the_way_on(visit: Send, shopify: SmallShopify) -> None:
    shopify.status = 500
    answer = visit("new.myshopify.com", "/")
    assert answer.status_code == 502
    assert "Shopify did not answer as expected. Please try again in a moment." in answer.text
    assert "<s-app-nav>" in answer.text
