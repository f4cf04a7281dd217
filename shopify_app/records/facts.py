"""What rows are made of, out of a payload: named fields and no others, in the payload's own shape, and nobody's name.

Facts are what a replay reads. The same readers (`payloads.py`) make the same records of them as of the whole payload,
but for the customer, who is a pseudonym here. What is not listed is personal until somebody has looked at it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shopify_app.records import choices
from shopify_app.records.goods import ItemRecord, ProductRecord
from shopify_app.records.inbox import WHOLE_ORDER, WHOLE_PRODUCT
from shopify_app.records.payloads import ALL_TOLD, IN_COLLECTIONS, OrderRecord, StockRecord

OWN_ORDERS, OWN_PRODUCTS, OWN_STOCK = "foretally/orders", "foretally/products", "foretally/stock"
OWN_ORDERS_GONE, OWN_PRODUCTS_GONE = "foretally/orders_gone", "foretally/products_gone"
OWN = (OWN_ORDERS, OWN_PRODUCTS, OWN_STOCK, OWN_ORDERS_GONE, OWN_PRODUCTS_GONE)
"""What the app read from Shopify by itself: facts already."""

PLAIN = (str, int, float, bool, type(None))
Shape = Mapping[str, "Shape | None"]
REFUND: Shape = {"refund_line_items": {"line_item_id": None, "quantity": None}}
LINE: Shape = dict.fromkeys(("id", "product_id", "variant_id", "quantity", "current_quantity", "price"))
ORDER: Shape = {
    **dict.fromkeys(("id", "created_at", "updated_at", "cancelled_at", "test", "total_price", "current_total_price")),
    "line_items": LINE,
    "refunds": REFUND,
}
PRODUCT: Shape = {
    **dict.fromkeys(("id", "title", "handle", "product_type", "vendor", "tags", "status", "published_at")),
    **dict.fromkeys(("created_at", "updated_at", "is_gift_card")),
    "variants": dict.fromkeys(
        ("id", "title", "sku", "price", "inventory_policy", "inventory_item_id", "inventory_quantity")
    ),
}
SHAPES: Mapping[str, Shape] = {
    **dict.fromkeys((*WHOLE_ORDER, "orders/partially_fulfilled"), ORDER),
    **dict.fromkeys(WHOLE_PRODUCT, PRODUCT),
    "refunds/create": {"id": None, "order_id": None, "created_at": None, **REFUND},
    "orders/delete": {"id": None},
    "products/delete": {"id": None},
    "inventory_levels/update": dict.fromkeys(("inventory_item_id", "location_id", "available", "updated_at")),
}
"""The topics that rows of sales and products are made of. Others change the app's own state: a replay leaves them."""


def of(topic: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a payload; none for a topic that makes no such rows."""
    found: dict[str, Any] = _trimmed(payload, SHAPES.get(topic, {}))
    lines = payload.get("line_items")
    if isinstance(found.get("line_items"), list) and isinstance(lines, list):
        for told, line in zip(found["line_items"], lines, strict=True):
            if isinstance(told, dict):
                told |= _chosen(line)
    return found


def _chosen(line: Any) -> dict[str, Any]:
    """Of what a shopper or another app wrote on a line only what our blocks did."""
    if not isinstance(line, Mapping):
        return {}
    return choices.noted(choices.beside(line.get("properties")), choices.test_arm(line.get("properties")))


def customer_id(payload: Mapping[str, Any]) -> int | None:
    """The number of the customer whose payload this is."""
    customer = payload.get("customer")
    found = customer.get("id") if isinstance(customer, Mapping) else None
    return found if type(found) is int else None


def order_id(topic: str, payload: Mapping[str, Any]) -> int | None:
    """The order that a payload is about."""
    about = payload
    if topic == "orders/edited":
        edit = payload.get("order_edit")
        about = edit if isinstance(edit, Mapping) else {}
    is_order = topic.partition("/")[0] == "orders" and topic != "orders/edited"
    found = about.get("id" if is_order else "order_id")
    return found if type(found) is int and is_about_an_order(topic) else None


def is_about_an_order(topic: str) -> bool:
    """Whether a payload of this topic may name a buyer."""
    return topic.partition("/")[0] in ("orders", "refunds")


def order(record: OrderRecord, pseudonym: str | None) -> dict[str, Any]:
    """An order that was read as a record, in a payload's shape."""
    told: dict[str, Any] = {
        "id": record.order_id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "total_price": record.total_amount,
        "line_items": [
            {
                "id": line.line_id,
                "product_id": line.product_id,
                "variant_id": line.variant_id,
                "current_quantity": line.units,
                "price": line.price_amount,
                **choices.noted(line.beside_id, line.test_arm),
            }
            for line in record.lines
        ],
    }
    rare = {"cancelled_at": record.cancelled_at, "test": record.is_test, "told_at": record.told_at}
    return told | {name: value for name, value in (rare | {"pseudonym": pseudonym}).items() if value}


def product(record: ProductRecord) -> dict[str, Any]:
    """A product that was read as a record, in a payload's shape."""
    variants = [_variant(item) for item in record.items] or [{}]
    variants[0] |= {"price": record.price_amount, "inventory_quantity": record.units_in_stock}
    told: dict[str, Any] = {} if record.is_gift_card is None else {"is_gift_card": record.is_gift_card}
    if record.collections is not None:
        told[IN_COLLECTIONS] = [{"id": number, "title": title} for number, title in record.collections]
    return told | {
        ALL_TOLD: record.is_whole,
        "id": record.product_id,
        "title": record.title,
        "handle": record.handle,
        "product_type": record.product_type,
        "vendor": record.vendor,
        "tags": list(record.tags),
        "status": "active" if record.is_published else "draft",
        "published_at": record.updated_at if record.is_published else None,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "variants": variants,
    }


def _variant(item: ItemRecord) -> dict[str, Any]:
    told: dict[str, Any] = {"id": item.variant_id, "inventory_item_id": item.inventory_item_id}
    policy = {None: None, True: "continue", False: "deny"}[item.sells_on]
    rare = {"title": item.title, "sku": item.sku, "inventory_policy": policy}
    return told | {name: value for name, value in rare.items() if value}


def stock(records: Iterable[StockRecord]) -> list[dict[str, Any]]:
    """Stock levels that were read as records, in a payload's shape."""
    return [
        {
            "inventory_item_id": one.inventory_item_id,
            "location_id": one.location_id,
            "available": one.available,
            "updated_at": one.updated_at,
        }
        for one in records
    ]


def gone(numbers: Sequence[int], at: datetime) -> dict[str, Any]:
    """Numbers of what Shopify no longer has."""
    return {"ids": list(numbers), "at": at}


def _trimmed(value: Any, shape: Shape) -> Any:
    if isinstance(value, list):
        return [_trimmed(one, shape) for one in value]
    if not isinstance(value, Mapping):
        return None
    return {
        name: _leaf(value[name]) if inner is None else _trimmed(value[name], inner)
        for name, inner in shape.items()
        if name in value
    }


def _leaf(value: Any) -> Any:
    """A value that is what it looks like: nothing hides inside."""
    if isinstance(value, list):
        return [one for one in value if isinstance(one, PLAIN)]
    return value if isinstance(value, PLAIN) else None
