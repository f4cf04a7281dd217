"""What Shopify sends is read exactly or refused with a reason, never half and never with a crash."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_app.records import bulk_lines, facts, payloads
from shopify_app.records.goods import ItemRecord
from shopify_app.records.payloads import LineRecord
from tests.factories import order, product

SHARED = Path(os.environ.get("FORETALLY_SHARED", Path(__file__).parents[3] / "shared"))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def documented(topic: str) -> dict[str, Any]:
    path = SHARED / "shopify" / "payloads" / f"{topic.replace('/', '__')}.json"
    if not path.is_file():
        pytest.skip(f"Shopify's documented samples are not at {path.parent} (set FORETALLY_SHARED)")
    payload: dict[str, Any] = json.loads(path.read_text())["payload"]
    return payload


def test_an_order_is_read_with_its_lines() -> None:
    read = payloads.order(order(7, lines=((1, 2, "9.50"), (2, 1, "3.25")), customer=5))
    assert (read.order_id, read.customer_id, read.total_amount) == (7, 5, 22.25)
    assert read.created_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert read.lines == (LineRecord(700, 1, 10, 2, 9.5), LineRecord(701, 2, 20, 1, 3.25))
    assert read.counts


def test_times_keep_their_moment_whatever_their_offset() -> None:
    read = payloads.order(order(created_at="2026-03-02T01:30:00+09:00", updated_at="2026-03-01T16:30:00.123456789Z"))
    assert read.created_at == datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
    assert read.updated_at == datetime(2026, 3, 1, 16, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"id": "7"}, "id is no id: a str"),
        ({"id": True}, "id is no id"),
        ({"id": 0}, "id is no id"),
        ({"id": 2**63}, "id is no id"),
        ({"id": 7.0}, "id is no id"),
        ({"created_at": "2026-03-02T10:00:00"}, "created_at is no time with offset"),
        ({"updated_at": "yesterday"}, "updated_at is no time with offset"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at is no time with offset"),
        ({"cancelled_at": 5}, "cancelled_at is no time with offset"),
        ({"total_price": "NaN"}, "total_price is no amount"),
        ({"total_price": "1e400"}, "total_price is no amount"),
        ({"customer": {"id": "5"}}, "id is no id"),
        ({"line_items": {}}, "line_items is no list"),
        ({"line_items": [5]}, "line_items is no JSON object"),
        ({"line_items": [{"id": 1, "current_quantity": "2"}]}, "current_quantity is no number of units"),
        ({"line_items": [{"id": 1}]}, "quantity is no number of units"),
        ({"line_items": [{"id": 1, "quantity": 2**40}]}, "quantity is no number of units"),
        ({"line_items": [{"id": 1, "quantity": 1}, {"id": 1, "quantity": 1}]}, "a line comes twice"),
        ({"line_items": [{"id": 1, "quantity": 1, "price": {}}]}, "price is no amount"),
    ],
)
def test_a_wrong_order_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        payloads.order(order() | changes)


def test_what_does_not_matter_may_be_missing() -> None:
    bare = {"id": 7, "created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-02T10:00:00Z"}
    read = payloads.order(bare)
    assert (read.lines, read.customer_id, read.total_amount, read.is_test) == ((), None, 0.0, False)


def test_a_product_is_read_with_its_cheapest_price_and_all_its_stock() -> None:
    variants = [
        {"id": 1, "price": "12.00", "inventory_item_id": 11, "inventory_quantity": 4},
        {"id": 2, "price": "9.99", "inventory_item_id": 12, "inventory_quantity": -1},
        {"id": 3, "price": "15.00", "inventory_item_id": None, "inventory_quantity": None},
    ]
    read = payloads.product(product(5, variants=variants))
    assert (read.price_amount, read.units_in_stock, len(read.items)) == (9.99, 3, 2)
    assert (read.tags, read.is_published) == (("green", "loose"), True)


def test_a_variant_is_read_with_its_name_and_whether_it_is_sold_when_none_is_left() -> None:
    policies = ("continue", "deny", "CONTINUE", None, 5)
    variants = [
        {"id": n, "title": f"Size {n}", "sku": f"S{n}", "inventory_item_id": 10 + n, "inventory_policy": policy}
        for n, policy in enumerate(policies, 1)
    ]
    read = payloads.product(product(5, variants=variants))
    assert [item.sells_on for item in read.items] == [True, False, True, None, None]
    assert (read.items[0].title, read.items[0].sku) == ("Size 1", "S1")
    assert read.sells_on is True
    assert payloads.product(product(5, variants=variants[1:2])).sells_on is False
    assert payloads.product(product(5)).sells_on is None


def test_a_webhook_with_a_hundred_variants_does_not_say_that_they_are_all() -> None:
    variants = [{"id": n, "price": "1.00", "inventory_item_id": n} for n in range(1, 101)]
    assert not payloads.product(product(5, variants=variants)).is_whole
    assert payloads.product(product(5, variants=variants[:99])).is_whole
    assert payloads.product(
        json.loads(orjson.dumps(facts.product(bulk_lines.product(node(), bulk_variants(100)))))
    ).is_whole


def node() -> dict[str, Any]:
    return {"id": "gid://shopify/Product/5", "updatedAt": "2026-03-01T08:00:00Z"}


def bulk_variants(many: int) -> list[dict[str, Any]]:
    gid = "gid://shopify"
    return [
        {"id": f"{gid}/ProductVariant/{n}", "inventoryItem": {"id": f"{gid}/InventoryItem/{n}"}, "title": "Blue"}
        | {"inventoryPolicy": "CONTINUE", "sku": f"B{n}"}
        for n in range(1, many + 1)
    ]


def test_what_the_app_read_by_itself_is_the_same_out_of_the_archive() -> None:
    read = bulk_lines.product(node(), bulk_variants(2))
    assert read.items[1] == ItemRecord(2, 2, "Blue", "B2", True)
    assert payloads.product(json.loads(orjson.dumps(facts.product(read)))).items == read.items


def test_a_draft_and_an_unpublished_product_are_not_published() -> None:
    assert not payloads.product(product(status="draft")).is_published
    assert not payloads.product(product(published_at=None)).is_published


def test_a_product_without_tracked_stock_has_no_figure_instead_of_zero() -> None:
    assert payloads.product(product(variants=[{"id": 1, "price": "1.00"}])).units_in_stock is None


@given(payload=st.dictionaries(st.sampled_from([*order(), *product(), "order_id", "refund_line_items"]), JSON))
def test_whatever_comes_is_read_or_refused_with_a_value_error(payload: dict[str, Any]) -> None:
    for read in (payloads.order, payloads.product, payloads.refund, payloads.stock_level, bulk_lines.order):
        with suppress(ValueError):
            read(payload)


@given(changes=st.dictionaries(st.sampled_from(list(order())), JSON, max_size=3))
def test_a_nearly_right_order_is_read_or_refused_with_a_value_error(changes: dict[str, Any]) -> None:
    with suppress(ValueError):
        payloads.order(order() | changes)


def test_shopify_s_documented_samples_are_read() -> None:
    for topic in ("orders/create", "orders/updated", "orders/cancelled"):
        read = payloads.order(documented(topic))
        assert read.order_id == 820982911946154508
        assert read.customer_id == 115310627314723954
        assert sum(line.units for line in read.lines) > 0
    assert set(payloads.refund(documented("refunds/create")).units.values()) == {1}
    goods = payloads.product(documented("products/update"))
    assert (goods.price_amount, goods.units_in_stock) == (19.99, 125)
    level = payloads.stock_level(documented("inventory_levels/update"))
    assert level is not None
    assert level.available == 10
