"""Orders as the API shows them."""

from datetime import date
from typing import Any

import pytest

from devstore.server import DevStore
from tests.devstore.shop_api import Api, api_of

PAGE = """query($first: Int, $after: String, $query: String, $key: OrderSortKeys, $reverse: Boolean) {
  orders(first: $first, after: $after, query: $query, sortKey: $key, reverse: $reverse) {
    pageInfo { hasNextPage hasPreviousPage endCursor }
    nodes { id createdAt updatedAt }
  }
}"""


def pages(api: Api, **variables: Any) -> list[dict[str, Any]]:
    found, after = [], None
    while True:
        page = api.run(PAGE, after=after, **variables)["orders"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def test_orders_older_than_sixty_days_are_hidden(alice: Api) -> None:
    found = pages(alice, first=100)
    assert len(found) == 2 * 60
    assert found[0]["createdAt"] == "2026-03-02T09:00:00Z"
    assert alice.run('{ order(id: "gid://shopify/Order/1000") { id } }') == {"order": None}


def test_read_all_orders_lifts_the_wall(store: DevStore) -> None:
    api = api_of(store, "alice", ["read_orders", "read_all_orders"])
    assert len(pages(api, first=250)) == 2 * 120
    assert api.run('{ order(id: "gid://shopify/Order/1000") { name } }') == {"order": {"name": "#1"}}


def test_the_wall_moves_with_the_business_clock(store: DevStore, alice: Api) -> None:
    store.sellers["alice"].step(5)
    assert pages(alice, first=250)[0]["createdAt"] == "2026-03-07T09:00:00Z"


def test_pages_in_either_direction_hold_every_order_once(alice: Api) -> None:
    forward = [one["id"] for one in pages(alice, first=7, key="UPDATED_AT")]
    backward = [one["id"] for one in pages(alice, first=7, key="UPDATED_AT", reverse=True)]
    assert len(set(forward)) == 120
    assert forward == backward[::-1]


def test_what_changed_since_then_is_found_by_updated_at(store: DevStore, alice: Api) -> None:
    store.sellers["alice"].step(4)
    found = pages(alice, first=50, query="updated_at:>='2026-05-04T00:00:00Z'", key="UPDATED_AT")
    assert [one["updatedAt"] for one in found] == [
        "2026-05-04T09:00:00Z",
        "2026-05-04T12:00:00Z",
        "2026-05-04T15:00:00Z",
    ]
    assert found[1]["createdAt"] == "2026-05-01T09:00:00Z"


def test_an_order_never_shows_a_refund_from_the_future(store: DevStore, alice: Api) -> None:
    query = """{ orders(first: 1, query: "created_at:>='2026-05-01'") { nodes {
      updatedAt displayFinancialStatus lineItems(first: 5) { nodes { quantity currentQuantity } }
      refunds { refundLineItems(first: 5) { nodes { quantity lineItem { sku } subtotalSet { shopMoney { amount } } } } }
    } } }"""
    store.sellers["alice"].step(1)
    before = alice.run(query)["orders"]["nodes"][0]
    store.sellers["alice"].step(3)
    after = alice.run(query)["orders"]["nodes"][0]
    assert before["updatedAt"] == "2026-05-01T09:00:00Z"
    assert before["refunds"] == []
    assert [one["currentQuantity"] for one in before["lineItems"]["nodes"]] == [2, 3]
    assert after["updatedAt"] == "2026-05-04T12:00:00Z"
    assert [one["currentQuantity"] for one in after["lineItems"]["nodes"]] == [1, 3]
    assert after["refunds"][0]["refundLineItems"]["nodes"][0]["quantity"] == 1
    assert after["displayFinancialStatus"] == "PARTIALLY_REFUNDED"


def test_the_day_in_progress_shows_only_what_has_happened(store: DevStore, alice: Api) -> None:
    seller, clock = store.sellers["alice"], alice.shop.clock
    seller._move(clock.midnight(date(2026, 5, 1)).replace(hour=10) - clock.now)
    found = pages(alice, first=10, query="created_at:>='2026-05-01'")
    assert [one["createdAt"] for one in found] == ["2026-05-01T09:00:00Z"]


def test_counts_are_exact_up_to_their_limit(alice: Api) -> None:
    query = "query($limit: Int) { ordersCount(limit: $limit) { count precision } }"
    assert alice.run(query, limit=None) == {"ordersCount": {"count": 120, "precision": "EXACT"}}
    assert alice.run(query, limit=50) == {"ordersCount": {"count": 50, "precision": "AT_LEAST"}}


@pytest.mark.parametrize(
    ("search", "words"),
    [("email:a@b.c", "cannot search by 'email'"), ("a OR b", "does not understand"), ("created_at:>x", "is invalid")],
)
def test_a_search_that_is_not_understood_is_refused(alice: Api, search: str, words: str) -> None:
    errors = alice.errors("query($search: String) { orders(first: 1, query: $search) { nodes { id } } }", search=search)
    assert words in errors[0]["message"]


def test_a_list_without_a_size_is_refused(alice: Api) -> None:
    assert alice.errors("{ orders { nodes { id } } }")[0]["message"] == "you must provide one of first or last"
    assert "between 0 and 250" in alice.errors("{ orders(first: 251) { nodes { id } } }")[0]["message"]


def test_two_shops_with_the_same_ids_do_not_mix(store: DevStore, alice: Api, bob: Api) -> None:
    store.sellers["alice"].step(2)
    query = '{ order(id: "gid://shopify/Order/1241") { id } shop { myshopifyDomain } }'
    assert alice.run(query)["order"] == {"id": "gid://shopify/Order/1241"}
    assert bob.run(query) == {"order": None, "shop": {"myshopifyDomain": "bob.myshopify.com"}}
    bob.token = alice.token
    assert bob.post(query).status_code == 401
