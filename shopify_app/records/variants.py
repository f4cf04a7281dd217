"""Variants: which a product has now, what is left of each at all places together, and what each sold."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from shopify_app.tables import InventoryItem, Order, OrderLine, Product, StockDay
from shopify_app.tables.orders import IS_SALE, SAME_ORDER

ITEMS: Any = InventoryItem.__table__
OF_PRODUCT = and_(Product.shop_id == InventoryItem.shop_id, Product.product_id == InventoryItem.product_id)
IS_THERE = or_(Product.variants_told_at.is_(None), InventoryItem.seen_at >= Product.variants_told_at)
"""Of items joined with their products: the newest version that told all variants told this one."""
AT_ONCE = 500
"""Products or variants asked for in one statement."""


class Item(NamedTuple):
    """A variant as it is now. sold: see `InventoryItem.sold_units`."""

    product_id: int
    variant_id: int
    title: str
    sku: str
    sells_on: bool
    units_in_stock: int | None
    sold: float


def of_products(db: Session, shop_id: int, only: int | None = None) -> dict[int, list[Item]]:
    """The variants of each product that is there and has, or had, several, by number; `only` asks about one product."""
    items = (
        select(
            *(InventoryItem.product_id, InventoryItem.variant_id, InventoryItem.title, InventoryItem.sku),
            *(InventoryItem.sells_on, InventoryItem.units_in_stock, InventoryItem.sold_units),
        )
        .join(Product, OF_PRODUCT)
        .where(*_there(shop_id))
        .order_by(InventoryItem.product_id, InventoryItem.variant_id)
    )
    if only is not None:
        items = items.where(InventoryItem.product_id == only)
    found: dict[int, list[Item]] = defaultdict(list)
    for product_id, variant_id, title, sku, sells_on, units, sold in db.execute(items):
        found[product_id].append(Item(product_id, variant_id, title, sku, sells_on is True, units, sold or 0.0))
    return dict(found)


def titles(db: Session, shop_id: int, variant_ids: Collection[int]) -> dict[int, str]:
    """What variants are called, also those that are gone."""
    found: dict[int, str] = {}
    for some in _some(variant_ids):
        mine = InventoryItem.shop_id == shop_id, InventoryItem.variant_id.in_(some)
        found |= dict(db.execute(select(InventoryItem.variant_id, InventoryItem.title).where(*mine)).all())
    return found


def skus(db: Session, shop_id: int, product_ids: Collection[int]) -> dict[int, str]:
    """The stock-keeping unit of each of these products that has but one variant."""
    found: dict[int, set[str]] = defaultdict(set)
    for some in _some(product_ids):
        items = select(InventoryItem.product_id, InventoryItem.sku).join(Product, OF_PRODUCT)
        mine = InventoryItem.shop_id == shop_id, InventoryItem.product_id.in_(some), IS_THERE
        for product_id, sku in db.execute(items.where(*mine)):
            found[product_id].add(sku)
    return {product_id: named.pop() for product_id, named in found.items() if len(named) == 1}


def several(db: Session, shop_id: int) -> dict[int, dict[int, int]]:
    """Products with more than one variant: their inventory items, each with its variant."""
    items = (
        select(InventoryItem.product_id, InventoryItem.inventory_item_id, InventoryItem.variant_id)
        .join(Product, OF_PRODUCT)
        .where(*_there(shop_id))
    )
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for product_id, item_id, variant_id in db.execute(items):
        found[product_id][item_id] = variant_id
    return {product_id: mine for product_id, mine in found.items() if len(mine) > 1}


def sold(
    db: Session, shop_id: int, product_ids: Collection[int], first_on: date, last_on: date
) -> dict[int, dict[int, float]]:
    """Units per product and variant in those days; tests, cancelled orders and what was given back do not count."""
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for some in _some(product_ids):
        lines = (
            select(OrderLine.product_id, OrderLine.variant_id, func.sum(OrderLine.units))
            .join(Order, SAME_ORDER)
            .where(
                OrderLine.shop_id == shop_id,
                OrderLine.created_on.between(first_on, last_on),
                OrderLine.product_id.in_(some),
                OrderLine.variant_id.is_not(None),
                OrderLine.units > 0,
                *IS_SALE,
            )
            .group_by(OrderLine.product_id, OrderLine.variant_id)
        )
        for product_id, variant_id, units in db.execute(lines):
            found[product_id or 0][variant_id or 0] = float(units)
    return dict(found)


def days_gone(db: Session, shop_id: int, product_ids: Collection[int], first_on: date, last_on: date) -> dict[int, int]:
    """Per inventory item on how many of those days none was left, from the evening before to the evening.

    One that is sold when none is left was never gone, nor one before its first count.
    """
    found: dict[int, int] = {}
    for some in _some(product_ids):
        counts: dict[int, dict[date, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
        of_item = (InventoryItem.shop_id == StockDay.shop_id) & (
            InventoryItem.inventory_item_id == StockDay.inventory_item_id
        )
        days = (
            select(StockDay.inventory_item_id, StockDay.location_id, StockDay.counted_on, StockDay.available)
            .join(InventoryItem, of_item)
            .where(
                StockDay.shop_id == shop_id,
                InventoryItem.product_id.in_(some),
                InventoryItem.sells_on.is_not(True),
                StockDay.counted_on <= last_on,
            )
        )
        for item_id, location_id, on, available in db.execute(days):
            counts[item_id][on][location_id] = available
        found |= {item_id: _gone(mine, first_on, last_on) for item_id, mine in counts.items()}
    return found


def remember_sold(db: Session, shop_id: int, units: Mapping[int, float]) -> None:
    """Keep what each of these inventory items sold; see `InventoryItem.sold_units`."""
    mine = ITEMS.c.shop_id == shop_id, ITEMS.c.inventory_item_id == bindparam("item")
    changed = or_(ITEMS.c.sold_units.is_(None), ITEMS.c.sold_units != bindparam("sold"))
    told = update(ITEMS).where(*mine, changed).values(sold_units=bindparam("sold"))
    if units:
        db.connection().execute(told, [{"item": item, "sold": sold} for item, sold in units.items()])


def _gone(counts: Mapping[date, Mapping[int, int]], first_on: date, last_on: date) -> int:
    """Days of the span between two evenings on which nothing was left at any place."""
    level: dict[int, int] = {}
    since: date | None = None
    gone = 0
    for on in [*sorted(counts), None]:
        level |= counts[on] if on else {}
        is_out = on is not None and sum(level.values()) <= 0
        if since is not None and not is_out:
            until = on - timedelta(days=1) if on else last_on
            gone += max((until - max(since, first_on - timedelta(days=1))).days, 0)
        since = (since or on) if is_out else None
    return gone


def _there(shop_id: int) -> list[Any]:
    """Variants that are there, of products that have or had several."""
    mine = select(InventoryItem.product_id).where(InventoryItem.shop_id == shop_id)
    several = mine.group_by(InventoryItem.product_id).having(func.count() > 1)
    mine_there = InventoryItem.shop_id == shop_id, InventoryItem.product_id.in_(several)
    return [*mine_there, Product.deleted_at.is_(None), IS_THERE]


def _some(numbers: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(numbers)
    for first in range(0, len(ordered), AT_ONCE):
        yield ordered[first : first + AT_ONCE]
