"""From a global id to the thing, and from the thing to its global id and type."""

from collections.abc import Callable
from typing import Any

from devstore.gid import gid, parse
from devstore.graphql.call import Call
from devstore.installation import Installation
from devstore.products import Variant
from devstore.sales.model import Order, Product

FINDERS: dict[str, Callable[[Call, int], Any]] = {
    "AppInstallation": lambda call, found: (
        call.shop.installation if found == call.shop.installation.installation_id else None
    ),
    "BulkOperation": lambda call, found: call.shop.bulk.get(found),
    "InventoryItem": lambda call, found: call.shop.products.item(found),
    "Order": lambda call, found: call.shop.orders.get(found, call.orders_since),
    "Product": lambda call, found: call.shop.products.get(found),
    "ProductVariant": lambda call, found: call.shop.products.variant(found),
    "Shop": lambda call, found: call.shop if found == call.shop.shop_id else None,
}
"""Kinds of global id that the dev store can look up."""


def find(call: Call, text: str) -> Any:
    """The thing of a global id, None when the shop has none. Raises ValueError for a kind that cannot be looked up."""
    kind, found = parse(text)
    if kind not in FINDERS:
        raise ValueError(f"devstore cannot look up a {kind} by id, only {', '.join(sorted(FINDERS))}")
    return FINDERS[kind](call, found)


def owner_id(thing: Any, call: Call) -> str:
    """The global id of something that has metafields."""
    match thing:
        case Order():
            return gid("Order", thing.order_id)
        case Product():
            return gid("Product", thing.product_id)
        case Variant():
            return gid("ProductVariant", thing.product.variant_id)
        case Installation():
            return gid("AppInstallation", thing.installation_id)
        case _:
            return gid("Shop", call.shop.shop_id)


class References:
    """The global ids that a metafield's reference may name, as a container."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def __contains__(self, text: object) -> bool:
        try:
            return find(self._call, str(text)) is not None
        except ValueError:
            return False
