"""Variants: what each sold and what is left of it at every place."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.tables import InventoryItem, Order, OrderLine, StockDay

AT_ONCE = 500
"""Products asked for in one statement."""


def sold(
    db: Session, shop_id: int, product_ids: Collection[int], first_on: date, last_on: date
) -> dict[int, dict[int, float]]:
    """Units per product and variant in those days; tests, cancelled orders and what was given back do not count."""
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for some in _some(product_ids):
        lines = (
            select(OrderLine.product_id, OrderLine.variant_id, func.sum(OrderLine.units))
            .join(Order, (Order.shop_id == OrderLine.shop_id) & (Order.order_id == OrderLine.order_id))
            .where(
                OrderLine.shop_id == shop_id,
                OrderLine.created_on.between(first_on, last_on),
                OrderLine.product_id.in_(some),
                OrderLine.variant_id.is_not(None),
                OrderLine.units > 0,
                Order.is_test.is_(False),
                Order.cancelled_at.is_(None),
            )
            .group_by(OrderLine.product_id, OrderLine.variant_id)
        )
        for product_id, variant_id, units in db.execute(lines):
            found[product_id][variant_id] = float(units)
    return dict(found)


def known(db: Session, shop_id: int, product_ids: Collection[int]) -> dict[int, set[int]]:
    """The variants of each product that have an inventory item."""
    found: dict[int, set[int]] = defaultdict(set)
    for some in _some(product_ids):
        items = select(InventoryItem.product_id, InventoryItem.variant_id)
        for product_id, variant_id in db.execute(items.where(*_items(shop_id, some))):
            found[product_id].add(variant_id)
    return dict(found)


def stock(db: Session, shop_id: int, product_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """The newest count per variant and location; a variant that was never counted is not in it."""
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for some in _some(product_ids):
        of_item = (InventoryItem.shop_id == StockDay.shop_id) & (
            InventoryItem.inventory_item_id == StockDay.inventory_item_id
        )
        columns = (InventoryItem.variant_id, StockDay.location_id, StockDay.available)
        counts = select(*columns).join(InventoryItem, of_item).where(*_items(shop_id, some))
        for variant_id, location_id, available in db.execute(counts.order_by(StockDay.counted_on)):
            found[variant_id][location_id] = available
    return dict(found)


def _items(shop_id: int, product_ids: list[int]) -> list[Any]:
    return [InventoryItem.shop_id == shop_id, InventoryItem.product_id.in_(product_ids)]


def _some(product_ids: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(product_ids)
    for first in range(0, len(ordered), AT_ONCE):
        yield ordered[first : first + AT_ONCE]
