"""Metafields: atomic, typed, and safe against a faster writer."""

import json
import threading
from typing import Any

from devstore.server import DevStore
from tests.devstore.shop_api import Api, api_of

SET = """mutation($inputs: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $inputs) {
  metafields { namespace key value compareDigest owner { ... on Product { id } } }
  userErrors { code elementIndex field message }
} }"""
READ = """query($id: ID!) { product(id: $id) {
  metafield(key: "recommendations") {
    value compareDigest type references(first: 5) { nodes { ... on Product { title } } }
  }
} }"""


def product(number: int) -> str:
    return f"gid://shopify/Product/{number}"


def recommend(owner: int, *others: int, **more: Any) -> dict[str, Any]:
    value = json.dumps([product(one) for one in others])
    return {"ownerId": product(owner), "key": "recommendations", "value": value, **more}


def write(api: Api, *inputs: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.run(SET, inputs=list(inputs))["metafieldsSet"]
    return found


def codes(api: Api, *inputs: dict[str, Any]) -> list[str]:
    reply = write(api, *inputs)
    assert reply["metafields"] is None
    return [error["code"] for error in reply["userErrors"]]


def test_a_list_of_products_is_written_and_read_back(alice: Api) -> None:
    written = write(alice, recommend(1, 2, 3))["metafields"][0]
    found = alice.run(READ, id=product(1))["product"]["metafield"]
    assert written["namespace"].startswith("app--")
    assert written["owner"] == {"id": product(1)}
    assert found["compareDigest"] == written["compareDigest"]
    assert found["type"] == "list.product_reference"
    assert [one["title"] for one in found["references"]["nodes"]] == ["Thing 2", "Thing 3"]


def test_a_writer_that_names_the_digest_wins_and_the_next_with_the_same_digest_loses(alice: Api) -> None:
    first = write(alice, recommend(1, 2, compareDigest=None))["metafields"][0]
    digest = first["compareDigest"]
    assert write(alice, recommend(1, 3, compareDigest=digest))["userErrors"] == []
    reply = write(alice, recommend(1, 2, compareDigest=digest))
    assert (reply["userErrors"][0]["code"], reply["userErrors"][0]["elementIndex"]) == ("STALE_OBJECT", 0)
    assert alice.run(READ, id=product(1))["product"]["metafield"]["value"] == json.dumps([product(3)])


def test_a_null_digest_means_only_if_there_is_none(alice: Api) -> None:
    assert write(alice, recommend(1, 2, compareDigest=None))["userErrors"] == []
    assert codes(alice, recommend(1, 3, compareDigest=None)) == ["STALE_OBJECT"]


def test_of_many_writers_with_one_digest_exactly_one_wins(store: DevStore, alice: Api) -> None:
    digest = write(alice, recommend(1, 2))["metafields"][0]["compareDigest"]
    results: list[list[Any]] = []

    def race(number: int) -> None:
        own = Api(store.wsgi.test_client(), alice.shop, alice.token)
        value = json.dumps([product(3)] * (number + 1))
        results.append(write(own, {**recommend(1, compareDigest=digest), "value": value})["userErrors"])

    racers = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for one in racers:
        one.start()
    for one in racers:
        one.join()
    assert sorted(len(errors) for errors in results) == [0, *([1] * 7)]


def test_one_wrong_input_keeps_all_others_from_being_written(alice: Api) -> None:
    assert codes(alice, recommend(1, 2), recommend(2, 404)) == ["INVALID_VALUE"]
    assert alice.run(READ, id=product(1))["product"]["metafield"] is None


def test_what_shopify_refuses_is_refused(alice: Api) -> None:
    assert codes(alice, *[recommend(1, 2)] * 26) == ["LESS_THAN_OR_EQUAL_TO"]
    assert codes(alice, recommend(1, *[2] * 129)) == ["INVALID_VALUE"]
    assert codes(alice, recommend(404, 1)) == ["INVALID"]
    assert codes(alice, {**recommend(1, 2), "type": "json"}) == ["INVALID_TYPE"]
    assert codes(alice, {**recommend(1, 2), "key": "other"}) == ["BLANK"]
    assert codes(alice, recommend(1, 2, namespace="app--1")) == ["APP_NOT_AUTHORIZED"]
    number = {"ownerId": product(1), "key": "n", "type": "number_integer", "value": "1.5"}
    assert codes(alice, number) == ["INVALID_VALUE"]


def test_writing_on_products_needs_write_products(store: DevStore) -> None:
    api = api_of(store, "alice", ["read_products"])
    assert codes(api, recommend(1, 2)) == ["APP_NOT_AUTHORIZED"]


def test_the_apps_own_installation_needs_no_scope(store: DevStore) -> None:
    api = api_of(store, "alice", [])
    owner = api.run("{ currentAppInstallation { id } }")["currentAppInstallation"]["id"]
    reply = write(api, {"ownerId": owner, "key": "on", "type": "boolean", "value": "true"})
    assert reply["userErrors"] == []
    found = api.run('{ currentAppInstallation { metafield(key: "on") { jsonValue ownerType } } }')
    assert found["currentAppInstallation"]["metafield"] == {"jsonValue": True, "ownerType": "API_PERMISSION"}


def test_metafields_of_one_shop_are_not_those_of_another(alice: Api, bob: Api) -> None:
    write(alice, recommend(1, 2))
    assert bob.run(READ, id=product(1))["product"]["metafield"] is None


def test_a_deleted_metafield_is_gone_and_a_missing_one_answers_null(alice: Api) -> None:
    write(alice, recommend(1, 2))
    query = """mutation($one: [MetafieldIdentifierInput!]!) { metafieldsDelete(metafields: $one) {
      deletedMetafields { key } userErrors { message } } }"""
    one = {"ownerId": product(1), "namespace": "$app", "key": "recommendations"}
    assert alice.run(query, one=[one])["metafieldsDelete"]["deletedMetafields"] == [{"key": "recommendations"}]
    assert alice.run(query, one=[one])["metafieldsDelete"]["deletedMetafields"] == [None]


def test_the_storefront_finds_a_metafield_through_the_shop(store: DevStore, alice: Api) -> None:
    write(alice, recommend(1, 2))
    found = store.shop("alice").metafields.get(product(1), "$app", "recommendations")
    assert found is not None
    assert json.loads(found.value) == [product(2)]
