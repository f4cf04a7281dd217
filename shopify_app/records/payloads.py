"""What Shopify sends, as records: the JSON of webhooks and the lines of bulk queries, checked where it matters.

Unknown fields are ignored and unimportant ones may be missing. What rows are built on has to be right: whole ids,
times with an offset, finite numbers. Everything else is a ValueError that says what was wrong, never another error.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from shopify_app import clock
from shopify_app.records import choices
from shopify_app.records.goods import ItemRecord, ProductRecord, collections_of
from shopify_app.tables.base import LARGEST_ID

LARGEST_UNITS = 2**31 - 1
LARGEST_AMOUNT = 1e13
VARIANTS_TOLD = 100
"""Variants in a webhook at most: Shopify leaves out the others without a word."""
_TOTAL = "current_total_price"
"""Net of refunds and edits, as the lines are; `total_price` stays what it once was."""
ALL_TOLD = "variants_are_all"
"""Says so in facts that the app made itself."""
IN_COLLECTIONS = "in_collections"
"""Names them in such facts: no webhook does."""


class LineRecord(NamedTuple):
    """One line of an order, net of refunds and edits."""

    line_id: int
    product_id: int | None
    variant_id: int | None
    units: int
    price_amount: float
    beside_id: int | None = None
    """The product in whose list a shopper chose it, 0 for one that stood beside none; None when it came another way."""
    test_arm: str | None = None
    """A/B test and group of the shopper, like 3a."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One version of an order. All that is known of the customer is the id, which becomes a pseudonym."""

    order_id: int
    customer_id: int | None
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    is_test: bool
    total_amount: float
    lines: tuple[LineRecord, ...]
    told_at: datetime | None = None
    """When Shopify told this version; `updated_at` is in whole seconds, and two changes may share one."""
    pseudonym: str | None = None
    """The customer's, when the order comes from the archive: numbers are not kept there."""

    @property
    def counts(self) -> bool:
        """Neither a test nor cancelled: a sale."""
        return not self.is_test and self.cancelled_at is None


@dataclass(frozen=True, slots=True)
class RefundRecord:
    """Units given back: what to take off which line."""

    order_id: int
    created_at: datetime
    units: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class StockRecord:
    """What one location has of one item."""

    inventory_item_id: int
    location_id: int
    available: int
    updated_at: datetime


def order(payload: Mapping[str, Any], told_at: datetime | None = None) -> OrderRecord:
    """An order from the body of an `orders/…` webhook that was triggered at `told_at`."""
    customer = payload.get("customer")
    refunded = _refunded(payload.get("refunds"))
    lines = tuple(_line(entry, refunded) for entry in entries(payload, "line_items"))
    if len({line.line_id for line in lines}) != len(lines):
        raise ValueError("a line comes twice in this order")
    return OrderRecord(
        order_id=whole(payload, "id"),
        customer_id=optional_id(customer, "id") if isinstance(customer, Mapping) else None,
        created_at=moment(payload, "created_at"),
        updated_at=moment(payload, "updated_at"),
        cancelled_at=optional_moment(payload, "cancelled_at"),
        is_test=payload.get("test") is True,
        total_amount=_price(payload, _TOTAL if payload.get(_TOTAL) is not None else "total_price"),
        lines=lines,
        told_at=told_at,
    )


def product(payload: Mapping[str, Any]) -> ProductRecord:
    """A product from the body of a `products/…` webhook."""
    variants = list(entries(payload, "variants"))
    prices = [amount(variant["price"], "price") for variant in variants if variant.get("price") is not None]
    return ProductRecord(
        product_id=whole(payload, "id"),
        title=text(payload, "title", 500),
        handle=text(payload, "handle", 255),
        product_type=text(payload, "product_type", 255),
        vendor=text(payload, "vendor", 255),
        tags=tags(payload.get("tags")),
        price_amount=min(prices) if prices else None,
        is_published=text(payload, "status", 20).lower() == "active" and payload.get("published_at") is not None,
        units_in_stock=stock(variant.get("inventory_quantity") for variant in variants),
        created_at=optional_moment(payload, "created_at"),
        updated_at=moment(payload, "updated_at"),
        items=tuple(_item(variant) for variant in variants if variant.get("inventory_item_id") is not None),
        is_gift_card=truth(payload.get("is_gift_card")),
        collections=_collections(payload),
        is_whole=len(variants) < VARIANTS_TOLD or payload.get(ALL_TOLD) is True,
    )


def refund(payload: Mapping[str, Any]) -> RefundRecord:
    """What a `refunds/create` webhook takes off an order."""
    return RefundRecord(whole(payload, "order_id"), moment(payload, "created_at"), _refunded([payload]))


def stock_level(payload: Mapping[str, Any]) -> StockRecord | None:
    """The body of `inventory_levels/update`; None when the shop does not track this item."""
    if payload.get("available") is None:
        return None
    return StockRecord(
        whole(payload, "inventory_item_id"),
        whole(payload, "location_id"),
        units(payload["available"], "available"),
        moment(payload, "updated_at"),
    )


def _line(entry: Mapping[str, Any], refunded: Mapping[int, int]) -> LineRecord:
    line_id = whole(entry, "id")
    sold = entry.get("current_quantity")
    if sold is None:  # older API versions and trimmed payloads: take the refunds off ourselves
        sold = units(entry.get("quantity"), "quantity") - refunded.get(line_id, 0)
    return LineRecord(
        line_id,
        optional_id(entry, "product_id"),
        optional_id(entry, "variant_id"),
        max(units(sold, "current_quantity"), 0),
        _price(entry, "price"),
        choices.beside(entry.get("properties")),
        choices.test_arm(entry.get("properties")),
    )


def _item(variant: Mapping[str, Any]) -> ItemRecord:
    return ItemRecord(
        whole(variant, "inventory_item_id"),
        whole(variant, "id"),
        text(variant, "title", 255),
        text(variant, "sku", 255),
        sells_on(variant.get("inventory_policy")),
    )


def sells_on(policy: Any) -> bool | None:
    """What an inventory policy says of being bought when none is left; None when it says nothing."""
    return {"continue": True, "deny": False}.get(policy.lower()) if isinstance(policy, str) else None


def _price(payload: Mapping[str, Any], name: str) -> float:
    value = payload.get(name)
    return 0.0 if value is None else amount(value, name)


def _refunded(refunds: Any) -> dict[int, int]:
    taken: dict[int, int] = {}
    for one in refunds if isinstance(refunds, list) else []:
        for entry in entries(mapping(one, "refunds"), "refund_line_items"):
            line_id = whole(entry, "line_item_id")
            taken[line_id] = taken.get(line_id, 0) + units(entry.get("quantity"), "quantity")
    return taken


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """`value`, when it is a JSON object."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is no JSON object")
    return value


def entries(payload: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    """The objects of a list that may be missing."""
    found = payload.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise ValueError(f"{name} is no list")
    return [mapping(entry, name) for entry in found]


def whole(payload: Mapping[str, Any], name: str) -> int:
    """An id that has to be there."""
    found = optional_id(payload, name)
    if found is None:
        raise ValueError(f"{name} is missing")
    return found


def optional_id(payload: Mapping[str, Any], name: str) -> int | None:
    """An id, or None when there is none."""
    value = payload.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 < value <= LARGEST_ID:
        raise ValueError(f"{name} is no id: {_kind(value)}")
    return value


def units(value: Any, name: str) -> int:
    """A whole number of pieces."""
    if type(value) is not int or abs(value) > LARGEST_UNITS:
        raise ValueError(f"{name} is no number of units: {_kind(value)}")
    return value


def amount(value: Any, name: str) -> float:
    """Money, which Shopify writes as text, to four decimals: as much as both databases keep."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= LARGEST_AMOUNT:
        raise ValueError(f"{name} is no amount: {_kind(value)}")
    return round(number, 4)


def moment(payload: Mapping[str, Any], name: str) -> datetime:
    """A time that has to be there."""
    found = optional_moment(payload, name)
    if found is None:
        raise ValueError(f"{name} is missing")
    return found


def optional_moment(payload: Mapping[str, Any], name: str) -> datetime | None:
    """A time with its offset, in UTC, or None when there is none."""
    value = payload.get(name)
    if value is None:
        return None
    try:
        found = clock.parse(value)
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or not 1970 <= found.year <= 2200:
        raise ValueError(f"{name} is no time with offset: {_kind(value)}")
    return found


def text(payload: Mapping[str, Any], name: str, longest: int) -> str:
    """Words for people, cut to length; empty when missing. NUL goes, because PostgreSQL keeps none."""
    value = payload.get(name)
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:longest] if isinstance(value, str) else ""


def tags(value: Any) -> tuple[str, ...]:
    """Tags from a list (GraphQL) or from text with commas (webhooks), sorted."""
    found = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    words = (text({"tag": tag}, "tag", 255).strip() for tag in found)
    return tuple(sorted({word for word in words if word}))


def _collections(payload: Mapping[str, Any]) -> tuple[tuple[int, str], ...] | None:
    if payload.get(IN_COLLECTIONS) is None:
        return None
    return collections_of((whole(one, "id"), text(one, "title", 255)) for one in entries(payload, IN_COLLECTIONS))


def truth(value: Any) -> bool | None:
    """Yes or no; None when neither is said."""
    return value if isinstance(value, bool) else None


def stock(quantities: Iterable[Any]) -> int | None:
    """The sum of what is tracked; None when nothing is."""
    tracked = [units(quantity, "inventory_quantity") for quantity in quantities if quantity is not None]
    return max(min(sum(tracked), LARGEST_UNITS), -LARGEST_UNITS) if tracked else None


def _kind(value: Any) -> str:
    """What a wrong value is. Not the value: errors are logged, and anything may stand in the wrong place."""
    return f"a {type(value).__name__}"
