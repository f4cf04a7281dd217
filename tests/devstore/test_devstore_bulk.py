"""Bulk operations: the same data as pages, as lines that have to be joined."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from devstore.bulk import BulkRefused
from devstore.graphql.call import Call
from devstore.graphql.projector import compile_query
from devstore.sales.model import Order
from devstore.server import DevStore
from tests.devstore.conftest import Open
from tests.devstore.few_sales import FewSales
from tests.devstore.shop_api import Api, api_of

NODE = """id createdAt updatedAt cancelledAt test currencyCode customer { id }
  totalPriceSet { shopMoney { amount currencyCode } }"""
LINE = "id currentQuantity sku product { id } variant { id } originalUnitPriceSet { shopMoney { amount } }"
ORDERS = f"{{ orders {{ edges {{ node {{ {NODE} lineItems {{ edges {{ node {{ {LINE} }} }} }} }} }} }} }}"
RUN = """mutation($query: String!, $grouped: Boolean!) { bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
  bulkOperation { id status } userErrors { code message } } }"""
STATE = """query($id: ID!) { bulkOperation(id: $id) {
  status errorCode objectCount rootObjectCount fileSize url partialDataUrl completedAt } }"""


def start(api: Api, query: str = ORDERS, grouped: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = api.run(RUN, query=query, grouped=grouped)["bulkOperationRunQuery"]
    return found


def finish(api: Api, query: str = ORDERS, grouped: bool = False) -> dict[str, Any]:
    """Run to the end, whatever the end is."""
    operation = start(api, query, grouped)["bulkOperation"]["id"]
    deadline = time.monotonic() + 5
    while True:
        state: dict[str, Any] = api.run(STATE, id=operation)["bulkOperation"]
        if state["completedAt"] or time.monotonic() > deadline:
            return state
        time.sleep(0.005)


def lines(api: Api, url: str) -> list[dict[str, Any]]:
    answer = api.client.get(url.split("8801", 1)[-1])
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def joined(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Orders with their lines, however the file mixed them."""
    orders = {one["id"]: {**one, "lineItems": {"nodes": []}} for one in found if "__parentId" not in one}
    for one in found:
        if parent := one.pop("__parentId", None):
            orders[parent]["lineItems"]["nodes"].append(one)
    return list(orders.values())


def paged(api: Api) -> list[dict[str, Any]]:
    query = f"""query($after: String) {{ orders(first: 20, after: $after, sortKey: CREATED_AT) {{
      pageInfo {{ hasNextPage endCursor }} nodes {{ {NODE} lineItems(first: 30) {{ nodes {{ {LINE} }} }} }} }} }}"""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = api.run(query, after=after)["orders"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


@pytest.mark.parametrize("grouped", [False, True])
def test_the_joined_file_equals_the_pages(store: DevStore, alice: Api, grouped: bool) -> None:
    store.sellers["alice"].step(4)
    state = finish(alice, grouped=grouped)
    found = lines(alice, state["url"])
    assert (state["status"], state["objectCount"], state["rootObjectCount"]) == ("COMPLETED", "360", "120")
    assert joined(found) == paged(alice)


def test_children_do_not_follow_their_parents_unless_asked_to(alice: Api) -> None:
    loose = lines(alice, finish(alice)["url"])
    grouped = lines(alice, finish(alice, grouped=True)["url"])
    assert "__parentId" not in loose[1]
    assert [one.get("__parentId") for one in grouped[1:3]] == [grouped[0]["id"]] * 2


def test_the_wall_holds_in_bulk_too(store: DevStore) -> None:
    query = '{ orders(query: "created_at:>=1970-01-01T00:00:00Z") { edges { node { id } } } }'
    assert finish(api_of(store, "alice"), query)["rootObjectCount"] == "120"
    everything = api_of(store, "bob", ["read_orders", "read_all_orders"])
    assert finish(everything, query)["rootObjectCount"] == "240"


def test_a_finished_operation_is_announced(alice: Api, receiver: Any) -> None:
    finish(alice)
    receiver.wait_for(1)
    payload = json.loads(receiver.of("bulk_operations/finish")[0].body)
    assert (payload["status"], payload["error_code"], payload["type"]) == ("completed", None, "query")


def test_nothing_found_has_no_address(alice: Api) -> None:
    state = finish(alice, '{ orders(query: "id:1") { edges { node { id } } } }')
    assert (state["status"], state["url"], state["objectCount"]) == ("COMPLETED", None, "0")


def test_a_failing_operation_leaves_its_partial_data(alice: Api) -> None:
    alice.shop.faults.change({"bulk": "FAILED"})
    state = finish(alice)
    assert (state["status"], state["errorCode"], state["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    assert lines(alice, state["partialDataUrl"])
    alice.shop.faults.change({"bulk": "EXPIRED"})
    assert finish(alice)["status"] == "EXPIRED"


def test_a_missing_scope_fails_the_operation(store: DevStore) -> None:
    state = finish(api_of(store, "alice", ["read_products"]))
    assert (state["status"], state["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_the_address_is_signed(alice: Api) -> None:
    url = finish(alice)["url"].split("8801", 1)[-1]
    assert alice.client.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
    assert alice.client.get(url.split("?")[0]).status_code == 403


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ orders { edges { node {", "Syntax Error"),
        ("{ orders { edges { node { nonsense } } } }", "Cannot query field"),
        ("{ shop { id } }", "at least one connection"),
        ("{ orders { edges { node { id } } } products { edges { node { id } } } }", "exactly one top level"),
        ("{ orders { edges { node { lineItems { edges { node { id } } } } } } }", "must select the 'id' field"),
        ('{ orders(query: "email:x") { edges { node { id } } } }', "cannot search by"),
        ("mutation { bulkOperationCancel(id: 1) { userErrors { message } } }", "one query operation"),
    ],
)
def test_queries_that_bulk_cannot_run_are_refused_at_once(alice: Api, query: str, words: str) -> None:
    reply = start(alice, query)
    assert reply["bulkOperation"] is None
    assert reply["userErrors"][0]["code"] == "INVALID"
    assert words in reply["userErrors"][0]["message"]


def test_connections_are_limited_in_number_and_depth(alice: Api) -> None:
    call = Call(alice.shop, frozenset(alice.shop.scopes), "2026-10", "")
    variants = "variants { edges { node { id inventoryItem { id inventoryLevels { edges { node { id } } } } } } }"
    compile_query(f"{{ products {{ edges {{ node {{ id {variants} }} }} }} }}", call)
    many = " ".join(f"m{n}: metafields {{ edges {{ node {{ id }} }} }}" for n in range(5))
    with pytest.raises(BulkRefused, match="more than 5 connections"):
        compile_query(f"{{ products {{ edges {{ node {{ id {many} }} }} }} }}", call)


def test_products_come_with_variants_media_and_stock(alice: Api) -> None:
    query = """{ products { edges { node { id title tags featuredMedia { preview { image { url } } }
      variants { edges { node { id price inventoryQuantity inventoryItem { id inventoryLevels { edges { node {
        quantities(names: ["available"]) { name quantity } } } } } } } } } } } }"""
    found = lines(alice, finish(alice, query)["url"])
    assert len(found) == 9
    assert found[0]["featuredMedia"]["preview"]["image"]["url"] == "https://cdn.example/1.png"
    assert found[1]["featuredMedia"] is None
    levels = [one for one in found if "quantities" in one]
    assert {one["__parentId"] for one in levels} == {f"gid://shopify/ProductVariant/{n}" for n in (11, 12, 13)}


def test_products_come_with_their_collections_and_some_with_none(alice: Api) -> None:
    told = "collections { edges { node { id title } } }"
    query = f"{{ products {{ edges {{ node {{ id {told} variants {{ edges {{ node {{ id }} }} }} }} }} }} }}"
    found = [one for one in lines(alice, finish(alice, query)["url"]) if "/Collection/" in one["id"]]
    assert sorted((one["__parentId"], one["id"], one["title"]) for one in found) == [
        ("gid://shopify/Product/1", "gid://shopify/Collection/71", "Summer"),
        ("gid://shopify/Product/1", "gid://shopify/Collection/72", "Gifts"),
        ("gid://shopify/Product/2", "gid://shopify/Collection/72", "Gifts"),
    ]
    paged = "collections(first: 1) { nodes { legacyResourceId handle } pageInfo { hasNextPage } }"
    one = alice.run(f'{{ product(id: "gid://shopify/Product/1") {{ {paged} }} }}')["product"]["collections"]
    assert one == {"nodes": [{"legacyResourceId": "71", "handle": "summer"}], "pageInfo": {"hasNextPage": True}}


class WaitingSales(FewSales):
    """Stops in the middle of its orders until the gate is opened."""

    gate = threading.Event()

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        for place, order in enumerate(super().orders(start, end, as_of)):
            if place == 300:
                self.gate.wait(10)
            yield order


def test_a_running_operation_can_be_cancelled_and_five_are_the_limit(open_store: Open) -> None:
    api = api_of(open_store(sales=WaitingSales(per_day=10)), "alice")
    running = [start(api)["bulkOperation"]["id"] for _ in range(5)]
    assert start(api)["userErrors"][0]["code"] == "LIMIT_REACHED"
    cancel = "mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
    for one in running:
        reply = api.run(cancel, id=one)["bulkOperationCancel"]
        assert (reply["bulkOperation"]["status"], reply["userErrors"]) == ("CANCELING", [])
    WaitingSales.gate.set()
    deadline = time.monotonic() + 5
    states: list[str] = []
    while set(states) != {"CANCELED"} and time.monotonic() < deadline:
        states = [api.run(STATE, id=one)["bulkOperation"]["status"] for one in running]
    assert set(states) == {"CANCELED"}
    refusal = api.run(cancel, id=running[0])["bulkOperationCancel"]["userErrors"][0]["message"]
    assert "cannot be canceled when it is canceled" in refusal


def test_forty_thousand_lines_take_less_than_a_cpu_second(open_store: Open) -> None:
    api = api_of(open_store(sales=FewSales(per_day=12, lines=24, updates=False)), "alice")
    call = Call(api.shop, frozenset(api.shop.scopes), "2026-10", "")
    listing = list(api.shop.orders.stream(call.orders_since, lambda order: True))
    plan = replace(compile_query(ORDERS, call), roots=lambda: listing)
    spent = []
    for _ in range(3):
        began = time.thread_time()
        assert sum(len(run) for run, _ in plan.lines(grouped=False)) == 60 * 12 * 25
        spent.append(time.thread_time() - began)
    assert 60 * 12 * 25 / min(spent) > 40_000
