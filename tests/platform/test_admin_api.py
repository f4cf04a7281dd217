"""One Admin API call against a real HTTP server: what is sent, what comes back, which error each failure becomes."""

from typing import Any

import pytest

from shopify_app.errors import ShopifyError, ShopifyUnavailable, Throttled, Unauthorised
from shopify_app.platform.admin_api import AdminApi, UserErrors
from shopify_app.platform.flow import send_trigger
from shopify_app.platform.shop_facts import shop_facts
from shopify_app.platform.subscriptions import Subscription, shop_subscriptions

QUERY = "{ shop { id } }"


def cost(requested: float = 100, available: float = 1000, maximum: float = 2000, rate: float = 100) -> dict[str, Any]:
    bucket = {"maximumAvailable": maximum, "currentlyAvailable": available, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": 7, "throttleStatus": bucket}}


def throttled(**numbers: float) -> dict[str, Any]:
    return {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": cost(**numbers)}


def test_a_call_carries_version_token_document_and_variables(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {"shop": {"id": "gid://shopify/Shop/1"}}, "extensions": cost()})
    assert api.run("order", id="gid://shopify/Order/1", after=None) == {"shop": {"id": "gid://shopify/Shop/1"}}
    asked = shopify.asked[0]
    assert (asked.host, asked.path) == ("alice.myshopify.com", "/admin/api/2026-10/graphql.json")
    assert asked.headers["X-Shopify-Access-Token"] == "shpat_of_alice"
    assert asked.json["query"].startswith("query Order(")
    assert asked.json["variables"] == {"id": "gid://shopify/Order/1", "after": None}


def test_a_variable_may_be_called_query(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {}})
    api.run(QUERY, query="created_at:>=2026-01-01", what="else")
    assert shopify.asked[0].json["variables"] == {"query": "created_at:>=2026-01-01", "what": "else"}


def test_the_cost_of_the_last_call_is_known(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {}, "extensions": cost(requested=12, available=1988)}, {"data": {}})
    api.run(QUERY)
    assert api.cost is not None
    assert (api.cost.requested, api.cost.actual, api.cost.available, api.cost.restore_rate) == (12, 7, 1988, 100)
    api.run(QUERY)
    assert api.cost is None


def test_an_empty_bucket_says_how_long_to_wait(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer(throttled(requested=500, available=200))
    with pytest.raises(Throttled) as busy:
        api.run(QUERY)
    assert (busy.value.shop, busy.value.wait) == ("alice.myshopify.com", 3.0)


def test_waiting_has_a_least_and_a_most(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer(throttled(requested=1, available=1), throttled(requested=2000, available=-1e9, rate=0))
    for seconds in (0.1, 3600.0):
        with pytest.raises(Throttled) as busy:
            api.run(QUERY)
        assert busy.value.wait == seconds


def test_throttled_without_numbers_waits_a_second(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]})
    with pytest.raises(Throttled) as busy:
        api.run(QUERY)
    assert busy.value.wait == 1.0


def test_a_query_larger_than_the_bucket_is_an_error_and_no_wait(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer(throttled(requested=5000, maximum=2000))
    with pytest.raises(ShopifyError) as caught:
        api.run(QUERY)
    assert not isinstance(caught.value, Throttled)


@pytest.mark.parametrize(
    ("header", "seconds"), [("2.0", 2.0), (None, 1.0), ("soon", 1.0), ("nan", 1.0), ("-4", 0.1), ("1e12", 3600.0)]
)
def test_too_many_requests_are_throttled(api: AdminApi, shopify: Any, header: str | None, seconds: float) -> None:
    shopify.will_answer("", status=429, headers={"retry-after": header} if header else None)
    with pytest.raises(Throttled) as busy:
        api.run(QUERY)
    assert busy.value.wait == seconds


def test_a_refused_token_is_told_apart(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"errors": "[API] Invalid API key or access token"}, status=401)
    with pytest.raises(Unauthorised):
        api.run(QUERY)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_may_be_tried_again_by_whoever_can(api: AdminApi, shopify: Any, status: int) -> None:
    shopify.will_answer("<html>", status=status)
    with pytest.raises(ShopifyUnavailable, match=str(status)):
        api.run(QUERY)
    assert len(shopify.asked) == 1


def test_other_statuses_are_errors_with_shopify_s_words(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"errors": "Non-expiring access tokens are no longer accepted"}, status=403)
    with pytest.raises(ShopifyError, match="HTTP 403: Non-expiring"):
        api.run(QUERY)
    shopify.will_answer("<html>gone</html>", status=404)
    with pytest.raises(ShopifyError, match=r"HTTP 404$"):
        api.run(QUERY)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'{"data": null}', b'{"data": []}', b"\xff", b"[" * 99_999]
)
def test_a_broken_answer_is_no_answer(api: AdminApi, shopify: Any, body: bytes) -> None:
    shopify.will_answer(body)
    with pytest.raises(ShopifyUnavailable):
        api.run(QUERY)


def test_a_connection_that_breaks_off_is_no_answer(api: AdminApi, shopify: Any) -> None:
    shopify.will_break_off(b'{"data": {}}', 9999)
    with pytest.raises(ShopifyUnavailable):
        api.run(QUERY)


@pytest.mark.parametrize(
    "errors",
    [
        "Query is wrong",
        ["Query is wrong"],
        [{"message": "Query is wrong"}],
        [{"message": "Query is wrong", "extensions": None}],
    ],
)
def test_errors_come_in_many_shapes(api: AdminApi, shopify: Any, errors: Any) -> None:
    shopify.will_answer({"errors": errors})
    with pytest.raises(ShopifyError, match="Query is wrong"):
        api.run(QUERY)


def test_an_error_keeps_its_code(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"errors": [{"message": "no scope", "extensions": {"code": "ACCESS_DENIED"}}]})
    with pytest.raises(ShopifyError, match="ACCESS_DENIED: no scope"):
        api.run(QUERY)
    shopify.will_answer({"errors": [{"message": "oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]})
    with pytest.raises(ShopifyUnavailable):
        api.run(QUERY)


def test_a_mutation_that_was_not_done_raises_its_user_errors(api: AdminApi, shopify: Any) -> None:
    refused = [{"field": ["handle"], "message": "Handle is unknown"}]
    shopify.will_answer({"data": {"flowTriggerReceive": {"userErrors": refused}}})
    with pytest.raises(UserErrors, match="Handle is unknown") as caught:
        send_trigger(api, "accuracy-alert", {"Task": "forecast"})
    assert caught.value.user_errors == refused


def test_a_trigger_carries_its_handle_and_payload(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {"flowTriggerReceive": {"userErrors": []}}})
    send_trigger(api, "accuracy-alert", {"Task": "forecast", "Accuracy percent": 61.5})
    variables = shopify.asked[0].json["variables"]
    assert variables == {"handle": "accuracy-alert", "payload": {"Task": "forecast", "Accuracy percent": 61.5}}


def test_a_trigger_too_large_for_flow_is_not_sent(api: AdminApi, shopify: Any) -> None:
    with pytest.raises(ValueError, match="10000 bytes"):
        send_trigger(api, "accuracy-alert", {"Message": "x" * 10_000})
    assert shopify.asked == []


def test_an_api_prints_without_its_token(api: AdminApi) -> None:
    assert "shpat" not in repr(api)


def test_a_token_goes_to_no_address_but_a_shop_s(api: AdminApi, shopify: Any) -> None:
    with pytest.raises(Exception, match="invalid_shop"):
        AdminApi("evil.com/?.myshopify.com", "shpat_of_alice", api.session).run(QUERY)
    assert shopify.asked == []


FACTS = {
    "name": "Alice's",
    "myshopifyDomain": "alice.myshopify.com",
    "ianaTimezone": "Europe/Berlin",
    "currencyCode": "EUR",
    "shopAddress": {"countryCodeV2": "DE"},
}


def test_the_facts_of_a_shop_are_read(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {"shop": FACTS}})
    assert shop_facts(api) == ("Alice's", "EUR", "Europe/Berlin", "DE")


def test_a_token_of_another_shop_is_noticed(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {"shop": {**FACTS, "myshopifyDomain": "bob.myshopify.com"}}})
    with pytest.raises(ShopifyError, match=r"belongs to bob\.myshopify\.com"):
        shop_facts(api)


def test_subscriptions_made_by_api_are_read_page_by_page(api: AdminApi, shopify: Any) -> None:
    node = {
        "id": "gid://shopify/WebhookSubscription/1",
        "topic": "ORDERS_CREATE",
        "uri": "/webhooks",
        "includeFields": ["id"],
    }
    for after in ("c1", None):
        page = {"pageInfo": {"hasNextPage": after is not None, "endCursor": after}, "nodes": [node]}
        shopify.will_answer({"data": {"webhookSubscriptions": page}})
    assert shop_subscriptions(api) == [Subscription(node["id"], "ORDERS_CREATE", "/webhooks", ("id",))] * 2
