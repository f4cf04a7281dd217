"""Bulk queries and reading by page, against a real HTTP server."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import requests
from werkzeug.wrappers import Request, Response

from shopify_app.errors import ShopifyError, ShopifyUnavailable
from shopify_app.platform import bulk, orders, products
from shopify_app.platform.admin_api import AdminApi, UserErrors
from shopify_app.platform.bulk import BulkGone

RESULT = b"".join(b'{"id":"gid://shopify/Order/%d"}\n' % number for number in range(5000))
BULK = "gid://shopify/BulkOperation/7"


def test_a_bulk_query_is_started_and_watched(api: AdminApi, shopify: Any) -> None:
    started = {"bulkOperation": {"id": BULK, "status": "CREATED"}, "userErrors": []}
    shopify.will_answer({"data": {"bulkOperationRunQuery": started}})
    assert bulk.start(api, bulk.products_query()) == BULK
    assert shopify.asked[0].json["variables"]["query"].startswith("query ProductsBulk")


def test_too_many_bulk_queries_are_refused_with_their_code(api: AdminApi, shopify: Any) -> None:
    refused = [{"code": "LIMIT_REACHED", "field": None, "message": "Too many"}]
    shopify.will_answer({"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": refused}}})
    with pytest.raises(UserErrors) as caught:
        bulk.start(api, bulk.products_query())
    assert caught.value.user_errors[0]["code"] == "LIMIT_REACHED"


def state(**changed: Any) -> dict[str, Any]:
    basic = {
        "id": BULK,
        "status": "RUNNING",
        "errorCode": None,
        "createdAt": "2026-11-20T12:00:00Z",
        "completedAt": None,
        "objectCount": "12",
        "fileSize": None,
        "url": None,
        "partialDataUrl": None,
    }
    return {"data": {"bulkOperation": {**basic, **changed}}}


def test_the_state_of_a_bulk_query_is_a_value(api: AdminApi, shopify: Any) -> None:
    secret = "https://storage.example.com/r.jsonl?Signature=abc"
    shopify.will_answer(
        state(),
        state(status="COMPLETED", url=secret),
        state(status="FAILED", errorCode="TIMEOUT", partialDataUrl=secret),
    )
    running, complete, failed = (bulk.state(api, BULK) for _ in range(3))
    assert (running.status, running.object_count, running.is_over) == ("RUNNING", 12, False)
    assert (complete.is_over, complete.is_complete, complete.url) == (True, True, secret)
    assert (failed.is_over, failed.is_complete, failed.error_code, failed.partial_url) == (
        True,
        False,
        "TIMEOUT",
        secret,
    )
    assert "Signature" not in repr(complete) + repr(failed)


def test_a_bulk_query_that_shopify_forgot_is_an_error(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {"bulkOperation": None}})
    with pytest.raises(ShopifyError, match="no bulk operation"):
        bulk.state(api, BULK)


def test_the_order_query_can_start_at_a_date() -> None:
    berlin = timezone(timedelta(hours=1))
    assert 'orders(query: "created_at:>=1970-01-01T00:00:00Z")' in bulk.orders_query()
    since = bulk.orders_query(datetime(2026, 11, 20, 0, 30, tzinfo=berlin))
    assert 'orders(query: "created_at:>=2026-11-19T23:30:00Z")' in since


def test_the_lines_of_a_result_arrive_whole_and_in_order(http: requests.Session, shopify: Any) -> None:
    shopify.will_answer(RESULT)
    assert list(bulk.lines(http, "https://alice.myshopify.com/bulk/7.jsonl")) == RESULT.splitlines()


def test_a_last_line_without_its_newline_counts(http: requests.Session, shopify: Any) -> None:
    shopify.will_answer(b'{"a":1}\n\n{"b":2}')
    assert list(bulk.lines(http, f"{shopify.url}/7.jsonl")) == [b'{"a":1}', b'{"b":2}']


def ranged(request: Request) -> Response:
    first = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    return Response(RESULT[first:], 206) if first < len(RESULT) else Response("", 416)


@pytest.mark.parametrize("answer", [ranged, RESULT], ids=["a server that knows ranges", "one that does not"])
def test_an_interrupted_download_goes_on_where_it_was(http: requests.Session, shopify: Any, answer: Any) -> None:
    shopify.will_break_off(RESULT[:150_011], len(RESULT))
    shopify.will_answer(answer)
    got: list[bytes] = []
    with pytest.raises(ShopifyUnavailable, match="broke off"):
        got.extend(bulk.lines(http, f"{shopify.url}/7.jsonl"))
    seen = sum(len(line) + 1 for line in got)
    assert 0 < len(got) < 5000
    got += bulk.lines(http, f"{shopify.url}/7.jsonl", offset=seen)
    assert got == RESULT.splitlines()


def test_going_on_after_the_last_line_finds_nothing(http: requests.Session, shopify: Any) -> None:
    shopify.will_answer(ranged)
    assert list(bulk.lines(http, f"{shopify.url}/7.jsonl", offset=len(RESULT))) == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, BulkGone), (403, BulkGone), (503, ShopifyUnavailable), (429, ShopifyUnavailable)],
)
def test_a_result_that_cannot_be_had_says_why(
    http: requests.Session, shopify: Any, status: int, error: type[Exception]
) -> None:
    shopify.will_answer("gone", status=status)
    with pytest.raises(error, match=str(status)) as caught:
        list(bulk.lines(http, f"{shopify.url}/7.jsonl?Signature=abc"))
    assert type(caught.value) is error
    assert "Signature" not in str(caught.value)


def test_memory_stays_constant_over_a_large_result(http: requests.Session, shopify: Any) -> None:
    def large(request: Request) -> Response:
        return Response((RESULT for _ in range(60)), headers={"Content-Length": str(60 * len(RESULT))})

    shopify.will_answer(large)
    tracemalloc.start()
    count = sum(1 for _ in bulk.lines(http, f"{shopify.url}/7.jsonl"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 300_000
    assert peak < 4_000_000


def test_a_line_without_end_is_refused(http: requests.Session, shopify: Any) -> None:
    def endless(request: Request) -> Iterator[bytes] | Response:
        return Response(b"x" * (1 << 20) for _ in range(40))

    shopify.will_answer(endless)
    with pytest.raises(ShopifyError, match="longer than"):
        list(bulk.lines(http, f"{shopify.url}/7.jsonl"))


def page(nodes: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": after is not None, "endCursor": after}, "nodes": nodes}


def test_changed_orders_are_read_page_by_page(api: AdminApi, shopify: Any) -> None:
    nodes = [{"id": f"gid://shopify/Order/{number}", "updatedAt": "2026-11-20T12:00:00Z"} for number in (1, 2, 3)]
    shopify.will_answer({"data": {"orders": page(nodes[:2], "c1")}}, {"data": {"orders": page(nodes[2:], None)}})
    changed = list(orders.changed_since(api, datetime(2026, 11, 20, tzinfo=UTC)))
    assert [one.order_id for one in changed] == [1, 2, 3]
    assert [asked.json["variables"] for asked in shopify.asked] == [
        {"query": "updated_at:>='2026-11-20T00:00:00Z'", "after": None},
        {"query": "updated_at:>='2026-11-20T00:00:00Z'", "after": "c1"},
    ]


def line(number: int, units: int, price: str, product: int | None) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "currentQuantity": units,
        "product": {"id": f"gid://shopify/Product/{product}"} if product else None,
        "variant": {"id": f"gid://shopify/ProductVariant/{product}1"} if product else None,
        "originalUnitPriceSet": {"shopMoney": {"amount": price}},
    }


ORDER = {
    "id": "gid://shopify/Order/900719925474099301",
    "createdAt": "2026-11-20T10:00:00Z",
    "updatedAt": "2026-11-20T12:00:00Z",
    "cancelledAt": None,
    "test": False,
    "currencyCode": "EUR",
    "currentTotalPriceSet": {"shopMoney": {"amount": "18.40"}},
    "customer": {"id": "gid://shopify/Customer/5"},
}


def test_one_order_is_read_with_all_its_lines_in_the_shape_of_a_webhook(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {"order": {**ORDER, "lineItems": page([line(1, 2, "10.10", 7)], "c1")}}})
    shopify.will_answer({"data": {"order": {**ORDER, "lineItems": page([line(2, 1, "0.2", None)], None)}}})
    found = orders.order(api, 900719925474099301)
    assert found is not None
    assert (found["id"], found["customer"], found["current_total_price"]) == (900719925474099301, {"id": 5}, "18.40")
    assert [
        (one["id"], one["product_id"], one["variant_id"], one["current_quantity"]) for one in found["line_items"]
    ] == [
        (1, 7, 71, 2),
        (2, None, None, 1),
    ]
    assert shopify.asked[1].json["variables"]["after"] == "c1"


def test_an_order_out_of_reach_is_none(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {"order": None}})
    assert orders.order(api, 1) is None


def test_orders_are_counted(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer(
        {"data": {"ordersCount": {"count": 12_345, "precision": "EXACT"}}},
        {"data": {"ordersCount": {"count": 5, "precision": "EXACT"}}},
    )
    assert orders.count_since(api) == 12_345
    assert orders.count_since(api, datetime(2026, 9, 21, tzinfo=UTC)) == 5
    assert shopify.asked[1].json["variables"] == {"query": "created_at:>='2026-09-21T00:00:00Z'"}


def test_one_product_is_read_in_the_shape_of_a_webhook(api: AdminApi, shopify: Any) -> None:
    variant = {
        "title": "Blue",
        "inventoryPolicy": "CONTINUE",
        "id": "gid://shopify/ProductVariant/71",
        "sku": "A-1",
        "price": "10.10",
        "inventoryQuantity": 3,
        "inventoryItem": {"id": "gid://shopify/InventoryItem/700"},
    }
    product = {
        "id": "gid://shopify/Product/7",
        "title": "Teapot",
        "handle": "teapot",
        "productType": "Kitchen",
        "vendor": "Alice",
        "tags": ["blue", "tea"],
        "status": "ACTIVE",
        "publishedAt": None,
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-11-20T12:00:00Z",
        "featuredMedia": {"preview": {"image": {"url": "https://cdn.example.com/t.png"}}},
        "variants": page([variant], None),
    }
    shopify.will_answer({"data": {"product": product}}, {"data": {"product": {**product, "featuredMedia": None}}})
    found = products.product(api, 7)
    assert found is not None
    assert (found["id"], found["status"], found["tags"], found["image"]) == (
        7,
        "active",
        "blue, tea",
        {"src": "https://cdn.example.com/t.png"},
    )
    assert found["variants"] == [
        {
            "id": 71,
            "title": "Blue",
            "sku": "A-1",
            "price": "10.10",
            "inventory_policy": "continue",
            "inventory_item_id": 700,
            "inventory_quantity": 3,
        }
    ]
    assert (products.product(api, 7) or {})["image"] is None
