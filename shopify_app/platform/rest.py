"""What GraphQL and bulk results say, in the shape in which webhooks say it: one kind of payload for our rows.

The children of a bulk result are passed beside their parent, because they come on lines of their own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shopify_app.platform.gids import number

Node = Mapping[str, Any]


def order(node: Node, lines: Iterable[Node]) -> dict[str, Any]:
    """An order of `order.graphql`."""
    return {
        "id": number(node["id"]),
        "admin_graphql_api_id": node["id"],
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "cancelled_at": node["cancelledAt"],
        "test": node["test"],
        "currency": node["currencyCode"],
        "current_total_price": node["currentTotalPriceSet"]["shopMoney"]["amount"],
        "customer": {"id": number(node["customer"]["id"])} if node["customer"] else None,
        "line_items": [_line(line) for line in lines],
        "refunds": [],  # already taken off: `current_quantity` is net of refunds and removals
    }


def product(node: Node, variants: Iterable[Node]) -> dict[str, Any]:
    """A product of `products_bulk.graphql` or `product.graphql`."""
    image = ((node["featuredMedia"] or {}).get("preview") or {}).get("image")
    return {
        "id": number(node["id"]),
        "admin_graphql_api_id": node["id"],
        "title": node["title"],
        "handle": node["handle"],
        "product_type": node["productType"],
        "vendor": node["vendor"],
        "tags": ", ".join(node["tags"]),
        "status": node["status"].lower(),
        "published_at": node["publishedAt"],
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "is_gift_card": node.get("isGiftCard"),
        "image": {"src": image["url"]} if image else None,
        "variants": [_variant(variant) for variant in variants],
    }


def _line(node: Node) -> dict[str, Any]:
    return {
        "id": number(node["id"]),
        "product_id": _number_of(node["product"]),
        "variant_id": _number_of(node["variant"]),
        "quantity": node["currentQuantity"],
        "current_quantity": node["currentQuantity"],
        "price": node["originalUnitPriceSet"]["shopMoney"]["amount"],
    }


def _variant(node: Node) -> dict[str, Any]:
    return {
        "id": number(node["id"]),
        "title": node["title"],
        "sku": node["sku"],
        "price": node["price"],
        "inventory_policy": node["inventoryPolicy"].lower(),
        "inventory_item_id": _number_of(node["inventoryItem"]),
        "inventory_quantity": node["inventoryQuantity"],
    }


def _number_of(node: Node | None) -> int | None:
    """A custom line has no product, and neither has one whose product was deleted."""
    return number(node["id"]) if node else None
