"""Bulk results: children are found by their parent's id wherever they stand, and a broken result is no short one."""

import json
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopify_app.records import bulk_lines

AT = "2026-03-02T10:00:00Z"


def node(order_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Order/{order_id}",
        "createdAt": AT,
        "updatedAt": AT,
        "cancelledAt": None,
        "test": False,
        "currencyCode": "EUR",
        "customer": {"id": "gid://shopify/Customer/5"},
        **changes,
    }


def line(line_id: int, order_id: int, product: int | None = 1, units: int = 2, price: str = "9.5") -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{line_id}",
        "currentQuantity": units,
        "product": {"id": f"gid://shopify/Product/{product}"} if product else None,
        "variant": None,
        "originalUnitPriceSet": {"shopMoney": {"amount": price}},
        "__parentId": f"gid://shopify/Order/{order_id}",
    }


def encoded(*nodes: Any) -> list[bytes]:
    return [json.dumps(one).encode() for one in nodes]


def test_lines_find_their_order_in_any_sequence() -> None:
    nodes = [node(1), node(2), *(line(10 + n, 1 + n % 2) for n in range(6))]
    straight = list(bulk_lines.orders(encoded(*nodes)))
    for seed in range(5):
        random.Random(seed).shuffle(nodes)
        mixed = list(bulk_lines.orders(encoded(*nodes)))
        assert [(o.order_id, sorted(o.lines)) for o in mixed] == [(o.order_id, sorted(o.lines)) for o in straight]
    assert [len(order.lines) for order in straight] == [3, 3]
    assert straight[0].total_amount == 57.0
    assert straight[0].customer_id == 5


def test_orders_come_oldest_first() -> None:
    nodes = encoded(node(1, createdAt="2026-03-05T00:00:00Z"), node(2, createdAt="2026-03-01T00:00:00Z"))
    assert [order.order_id for order in bulk_lines.orders(nodes)] == [2, 1]


def test_a_line_of_a_product_that_is_gone_is_kept_without_one() -> None:
    (order,) = bulk_lines.orders(encoded(node(1, customer=None), line(10, 1, product=None)))
    assert (order.customer_id, order.lines[0].product_id) == (None, None)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([b'{"id": "gid://shopify/Order/1", "crea'], "line 1 of the bulk result is no JSON"),
        ([b"[]"], "line 1 of the bulk result is no JSON object"),
        (encoded(node(1, id="1")), "not a global id"),
        (encoded(node(1, createdAt=None)), "createdAt is missing"),
        (encoded(line(10, 1)), "1 parents are missing"),
        (encoded(node(1), line(10, 1) | {"originalUnitPriceSet": {}}), "this is no order line"),
        (encoded(node(1), line(10, 1) | {"product": {}}), "this is no order line"),
        (encoded(node(1), line(10, 1) | {"currentQuantity": None}), "currentQuantity is no number of units"),
    ],
)
def test_a_broken_result_is_refused_as_a_whole(lines: list[bytes], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        list(bulk_lines.orders(lines))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60) | st.sampled_from(encoded(node(1), line(10, 1), {"__parentId": 5}, {"id": {}}))))
def test_any_lines_are_read_or_refused_with_a_value_error(lines: list[bytes]) -> None:
    for read in (bulk_lines.orders, bulk_lines.products):
        with suppress(ValueError):
            list(read(lines))


def test_a_catalogue_is_read_with_its_variants() -> None:
    thing = {
        "id": "gid://shopify/Product/1",
        "title": "Tea",
        "handle": "tea",
        "productType": "Drinks",
        "vendor": "Leaf",
        "tags": ["loose", "green"],
        "status": "ACTIVE",
        "publishedAt": AT,
        "createdAt": AT,
        "updatedAt": AT,
    }
    variants = [
        {
            "id": f"gid://shopify/ProductVariant/{number}",
            "price": price,
            "inventoryQuantity": 3,
            "inventoryItem": {"id": f"gid://shopify/InventoryItem/{number}0"},
            "__parentId": "gid://shopify/Product/1",
        }
        for number, price in ((1, "9.00"), (2, "8.00"))
    ]
    collections = [
        {"id": f"gid://shopify/Collection/{n}", "title": f"Set {n}", "__parentId": thing["id"]} for n in (9, 7, 9)
    ]
    (read,) = bulk_lines.products(encoded(collections[0], variants[0], thing, variants[1], *collections[1:]))
    assert read.collections == ((7, "Set 7"), (9, "Set 9"))
    assert (read.title, read.price_amount, read.units_in_stock, read.tags) == ("Tea", 8.0, 6, ("green", "loose"))
    assert [item.inventory_item_id for item in read.items] == [10, 20]
    assert read.is_published
    (alone,) = bulk_lines.products(encoded(thing))
    assert alone.collections == ()
    with pytest.raises(ValueError, match="1 parents are missing"):
        list(bulk_lines.products(encoded(thing, collections[0] | {"__parentId": "gid://shopify/Product/2"})))


def test_of_a_product_in_very_many_collections_those_made_first_are_kept() -> None:
    thing = {"id": "gid://shopify/Product/1", "updatedAt": AT}
    many = [
        {"id": f"gid://shopify/Collection/{n}", "title": f"Set {n}", "__parentId": thing["id"]}
        for n in range(900, 0, -1)
    ]
    (read,) = bulk_lines.products(encoded(thing, *many))
    assert read.collections == tuple((n, f"Set {n}") for n in range(1, 251))
