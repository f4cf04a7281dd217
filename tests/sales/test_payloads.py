"""Webhook payloads look like Shopify's: same names, same types."""

import json
from datetime import timedelta

import pytest

from devstore.sales.model import Event
from devstore.sales.synthetic import SyntheticSales


@pytest.fixture(scope="module")
def events(shop: SyntheticSales) -> dict[str, Event]:
    """The first event of each topic in the shop's last months."""
    found: dict[str, Event] = {}
    for ahead in range(45):
        for event in shop.day(shop.history_until - timedelta(days=ahead)):
            found.setdefault(event.topic, event)
    return found


def test_payloads_survive_json(events: dict[str, Event]) -> None:
    for event in events.values():
        assert json.loads(json.dumps(event.payload)) == event.payload


def test_an_order_carries_what_the_app_subscribes_to(events: dict[str, Event]) -> None:
    order = events["orders/create"].payload
    wanted = (
        "id admin_graphql_api_id created_at updated_at processed_at cancelled_at test currency total_price source_name"
    )
    assert set(wanted.split()) <= set(order)
    line = "id product_id variant_id sku title quantity current_quantity price gift_card"
    assert set(line.split()) <= set(order["line_items"][0])
    assert order["created_at"].endswith(("-04:00", "-05:00"))
    total = sum(item["quantity"] * round(float(item["price"]) * 100) for item in order["line_items"])
    assert total == round(float(order["total_price"]) * 100)


def test_a_product_carries_what_the_app_subscribes_to(events: dict[str, Event]) -> None:
    product = events["products/update"].payload
    assert product["status"] == "active"
    assert {"id", "price", "sku", "inventory_item_id", "inventory_quantity"} <= set(product["variants"][0])
    assert product["updated_at"] > product["created_at"]


def test_a_refund_names_the_lines_of_its_order(events: dict[str, Event]) -> None:
    refund = events["refunds/create"].payload
    assert refund["order_id"] > 0
    assert all(part["line_item"]["id"] == part["line_item_id"] for part in refund["refund_line_items"])


def test_stock_levels_have_no_root_id(events: dict[str, Event]) -> None:
    assert "id" not in events["inventory_levels/update"].payload


def test_the_only_person_is_invented(events: dict[str, Event]) -> None:
    customer = events["orders/create"].payload["customer"]
    assert customer["email"].endswith("@example.com")
    assert customer["first_name"] == "Customer"
