"""Query costs: refused when too dear, throttled when the bucket is empty, refilled with time."""

import pytest

from devstore.graphql.cost import Bucket, size_factor
from devstore.server import DevStore
from tests.devstore.conftest import Open
from tests.devstore.shop_api import Api, api_of

MANY = "{ orders(first: 250) { nodes { id customer { id } lineItems(first: 250) { nodes { product { id } } } } } }"


def test_every_answer_tells_its_cost_and_what_is_left(alice: Api) -> None:
    cost = alice.post("{ shop { id name } }").get_json()["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (1, 1)
    assert set(cost["throttleStatus"]) == {"maximumAvailable", "currentlyAvailable", "restoreRate"}


def test_the_published_example_costs_what_was_published(alice: Api) -> None:
    query = """query($id: ID!) { product(id: $id) {
      variants(first: 250) { nodes { inventoryItem { id tracked } } } } }"""
    cost = alice.post(query, id="gid://shopify/Product/404").get_json()["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (25, 1)


def test_a_connection_costs_more_with_its_size_but_less_than_in_proportion() -> None:
    sizes = [size_factor(size) for size in (0, 1, 10, 50, 250)]
    assert sizes == sorted(sizes)
    assert sizes[:2] == [0, 1]
    assert sizes[-1] < 250 / 10


def test_what_was_not_needed_is_given_back(alice: Api) -> None:
    query = "query($first: Int) { products(first: $first) { nodes { id variants(first: 50) { nodes { id } } } } }"
    cost = alice.post(query, first=100).get_json()["extensions"]["cost"]
    assert cost["actualQueryCost"] < cost["requestedQueryCost"]


def test_fragments_on_different_types_cost_the_dearest_of_them(alice: Api) -> None:
    query = """query($ids: [ID!]!) { nodes(ids: $ids) {
      ... on Product { id featuredMedia { preview { image { url } } } } ... on Order { id } } }"""
    cost = alice.post(query, ids=["gid://shopify/Product/1"]).get_json()["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (4, 4)


def test_a_query_over_a_thousand_points_is_refused(alice: Api) -> None:
    deep = "id refunds { id order { id customer { id } } } customer { id } totalPriceSet { shopMoney { amount } }"
    line = "id product { id variants(first: 50) { nodes { id inventoryItem { id } } } }"
    query = f"{{ orders(first: 250) {{ nodes {{ {deep} lineItems(first: 250) {{ nodes {{ {line} }} }} }} }} }}"
    error = alice.errors(query)[0]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert "exceeds the single query max cost limit (1000)" in error["message"]


def test_an_empty_bucket_throttles_with_status_200(open_store: Open) -> None:
    api = api_of(open_store(restore_rate=0.5), "alice")
    query = "{ orders(first: 5) { nodes { id customer { id } } } }"
    answers = [api.post(query) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    body = answers[-1].get_json()
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    cost = body["extensions"]["cost"]
    assert cost["requestedQueryCost"] > cost["throttleStatus"]["currentlyAvailable"]
    assert cost["throttleStatus"]["restoreRate"] == 0.5
    assert "data" not in body


def test_the_bucket_refills_with_time() -> None:
    now = [0.0]
    bucket = Bucket(100, lambda: now[0])
    assert bucket.take(2000)
    assert not bucket.take(1)
    now[0] = 0.5
    assert bucket.status() == {"maximumAvailable": 2000.0, "currentlyAvailable": 50, "restoreRate": 100.0}
    now[0] = 1000.0
    assert bucket.status()["currentlyAvailable"] == 2000


def test_the_throttle_switch_throttles(alice: Api) -> None:
    alice.shop.faults.change({"throttle": 1})
    assert alice.errors("{ shop { id } }")[0]["extensions"]["code"] == "THROTTLED"


def test_long_arrays_are_refused(alice: Api) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    error = alice.errors(query, ids=["gid://shopify/Product/1"] * 251)[0]
    assert error["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


def test_a_broken_api_answers_503_and_a_lost_answer_did_its_work(store: DevStore, alice: Api) -> None:
    alice.shop.faults.change({"api_5xx": 1})
    assert alice.post("{ shop { id } }").status_code == 503
    alice.shop.faults.change({"api_5xx": 0, "api_lost": 1})
    query = """mutation { metafieldsSet(metafields: [{ownerId: "gid://shopify/Product/1", key: "lost", type: "boolean",
      value: "true"}]) { userErrors { message } } }"""
    assert alice.post(query).status_code == 502
    assert alice.shop.metafields.get("gid://shopify/Product/1", None, "lost") is not None


def test_a_missing_scope_is_access_denied_not_null(store: DevStore) -> None:
    api = api_of(store, "alice", ["read_products"])
    error = api.errors("{ orders(first: 1) { nodes { id } } }")[0]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert error["message"].startswith("Access denied for orders field. Required access: `read_orders`")
    assert api.run("{ products(first: 1) { nodes { title } } }")["products"]["nodes"] == [{"title": "Thing 1"}]


@pytest.mark.parametrize(
    ("asked", "status", "served"),
    [
        ("2026-10", 200, "2026-10"),
        ("2026-01", 200, "2026-01"),
        ("unstable", 200, "unstable"),
        ("2024-07", 200, "2025-10"),
        ("2027-01", 404, "2027-01"),
        ("newest", 404, "newest"),
    ],
)
def test_the_version_that_answers_is_named(alice: Api, asked: str, status: int, served: str) -> None:
    answer = alice.post("{ shop { id } }", version=asked)
    assert (answer.status_code, answer.headers["X-Shopify-API-Version"]) == (status, served)


def test_no_token_and_no_json_are_refused(alice: Api) -> None:
    alice.token = ""
    assert alice.post("{ shop { id } }").status_code == 401
    bad = alice.client.post("/admin/api/2026-10/graphql.json", data="x", headers={"Host": alice.shop.domain})
    assert bad.status_code == 401
