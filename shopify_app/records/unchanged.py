"""What of a reading is news: most of a catalogue is here already, as it was read the time before.

The time of a version does not tell: gift cards, stock-keeping units or a variant's policy change without moving it. So
what is stored is compared, value by value. What is no news would change no row, and can be left out of the archive:
a replay makes the same rows without it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.records.goods import ItemRecord, ProductRecord
from shopify_app.records.payloads import StockRecord
from shopify_app.tables import InventoryItem, Product, ProductDay, Shop, StockDay

PRODUCTS, DAYS, ITEMS, COUNTS = (table.__table__ for table in (Product, ProductDay, InventoryItem, StockDay))
SAME = ("title", "handle", "product_type", "vendor", "price_amount")
OF_ITEM = ("variant_id", "title", "sku")
SAME_VERSION = and_(
    DAYS.c.shop_id == PRODUCTS.c.shop_id,
    DAYS.c.product_id == PRODUCTS.c.product_id,
    DAYS.c.updated_at == PRODUCTS.c.updated_at,
)
"""Whatever day it was put on: the shop's time zone may have changed since."""
REMEMBERED = (
    DAYS.c.valid_on,
    DAYS.c.price_amount.label("price_then"),
    DAYS.c.is_published.label("published_then"),
    DAYS.c.sells_on.label("sold_on_then"),
)
STORED = (
    select(PRODUCTS, *REMEMBERED)
    .join(DAYS, SAME_VERSION)
    .where(PRODUCTS.c.shop_id == bindparam("shop_id"), PRODUCTS.c.product_id.in_(bindparam("some", expanding=True)))
)
ITEMS_OF = select(ITEMS).where(
    ITEMS.c.shop_id == bindparam("shop_id"), ITEMS.c.product_id.in_(bindparam("some", expanding=True))
)
COUNTED = (
    select(
        COUNTS.c.inventory_item_id, COUNTS.c.location_id, COUNTS.c.counted_on, COUNTS.c.updated_at, COUNTS.c.available
    )
    .where(
        COUNTS.c.shop_id == bindparam("shop_id"),
        COUNTS.c.inventory_item_id.in_(bindparam("some", expanding=True)),
        or_(
            COUNTS.c.counted_on.in_(bindparam("days", expanding=True)),
            COUNTS.c.updated_at.in_(bindparam("moments", expanding=True)),
        ),
    )
    .order_by(COUNTS.c.counted_on)
)
"""Statements that every webhook repeats are made once: making them costs more than running them."""


def new_products(db: Session, shop: Shop, records: Sequence[ProductRecord]) -> list[ProductRecord]:
    """Those whose storing would change a row; as many records as a statement may name."""
    numbers = sorted({record.product_id for record in records})
    rows = {row.product_id: row for row in db.execute(STORED, {"shop_id": shop.id, "some": numbers})}
    items = _items(db, shop.id, rows)
    return [one for one in records if not _is_here(one, shop, rows.get(one.product_id), items[one.product_id])]


def new_counts(db: Session, shop: Shop, records: Sequence[StockRecord]) -> list[StockRecord]:
    """The same for what was counted."""
    asked = {
        "shop_id": shop.id,
        "some": sorted({one.inventory_item_id for one in records}),
        "days": sorted({clock.day_in(one.updated_at, shop.time_zone) for one in records}),
        "moments": sorted({one.updated_at for one in records}),
    }
    on_day: dict[Any, datetime] = {}
    counted: dict[Any, int] = {}
    for item_id, place, on, at, available in db.execute(COUNTED, asked):
        on_day[item_id, place, on] = at
        counted[item_id, place, at] = available

    def is_here(one: StockRecord) -> bool:
        where, on = (one.inventory_item_id, one.location_id), clock.day_in(one.updated_at, shop.time_zone)
        is_older = one.updated_at < on_day.get((*where, on), one.updated_at)
        return is_older or counted.get((*where, one.updated_at)) == one.available

    return [one for one in records if not is_here(one)]


def _items(db: Session, shop_id: int, numbers: Collection[int]) -> Mapping[int, Mapping[int, Any]]:
    """The items of each product by number."""
    found: dict[int, dict[int, Any]] = defaultdict(dict)
    for item in db.execute(ITEMS_OF, {"shop_id": shop_id, "some": list(numbers)}) if numbers else ():
        found[item.product_id][item.inventory_item_id] = item
    return found


def _is_here(record: ProductRecord, shop: Shop, row: Any, items: Mapping[int, Any]) -> bool:
    """Whether the product's row, its day and its items know all that this version says."""
    if row is None or row.updated_at < record.updated_at:
        return False
    if row.updated_at > record.updated_at:
        is_stored = row.valid_on == clock.day_in(record.updated_at, shop.time_zone)
    else:
        is_stored = _is_row(record, row, items)
    return (is_stored and _knows_collections(record, row)) and all(
        _knows(items.get(item.inventory_item_id), item, record.updated_at) for item in record.items
    )


def _is_row(record: ProductRecord, row: Any, items: Mapping[int, Any]) -> bool:
    """Whether the row says the same as this version of it; what the version leaves unsaid may be known."""
    there = [item for item in items.values() if row.variants_told_at is None or _was_told(item, row.variants_told_at)]
    is_counted = bool(there) and all(item.units_in_stock is not None for item in there)
    then = row.price_then, row.published_then, row.sold_on_then
    return (
        all(getattr(row, name) == getattr(record, name) for name in SAME)
        and tuple(row.tags) == record.tags
        and row.is_published == (record.is_published and row.deleted_at is None)
        and then == (record.price_amount, record.is_published, record.sells_on)
        and record.is_gift_card in (None, row.is_gift_card)
        and record.sells_on in (None, row.sells_on)
        and (record.created_at is None or row.created_on is not None)
        and (not record.is_whole or row.variants_told_at == record.updated_at)
        and (is_counted or row.units_in_stock == record.units_in_stock)
    )


def _knows_collections(record: ProductRecord, row: Any) -> bool:
    """Whether its collections are known as this version says them, or from a newer one that said so."""
    if record.collections is None or row.deleted_at is not None:
        return True
    if row.collections_told_at is None or row.collections_told_at < record.updated_at:
        return False
    return row.collections_told_at > record.updated_at or [*map(tuple, row.collections)] == list(record.collections)


def _was_told(item: Any, at: datetime) -> bool:
    """`variants.IS_THERE`, of rows."""
    return item.seen_at is not None and item.seen_at >= at


def _knows(stored: Any, item: ItemRecord, at: datetime) -> bool:
    if stored is None or stored.seen_at is None or stored.seen_at < at:
        return False
    is_same = all(getattr(stored, name) == getattr(item, name) for name in OF_ITEM)
    return stored.seen_at > at or (is_same and item.sells_on in (None, stored.sells_on))
