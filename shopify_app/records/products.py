"""Products as rows, and how many of each are in stock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.records.payloads import ProductRecord, StockRecord
from shopify_app.tables import InventoryItem, Product, Shop, StockDay

CHUNK = 500


def store(db: Session, shop: Shop, records: Sequence[ProductRecord]) -> None:
    """Keep these versions of products where no newer one is here; a deleted product stays deleted."""
    for first in range(0, len(records), CHUNK):
        some = records[first : first + CHUNK]
        _upsert(db, [_row(shop, record) for record in some])
        _map_items(db, shop.id, some)


def delete(db: Session, shop: Shop, product_id: int, deleted_at: datetime) -> None:
    """Mark a product as gone; its sales stay. One that was never seen is noted too, should its creation come late."""
    gone = insert(db, Product).values(
        shop_id=shop.id, product_id=product_id, is_published=False, updated_at=deleted_at, deleted_at=deleted_at
    )
    marked = gone.on_conflict_do_update(
        index_elements=["shop_id", "product_id"],
        set_={"deleted_at": gone.excluded.deleted_at, "is_published": False},
        where=Product.deleted_at.is_(None),
    )
    db.execute(marked)


def count_stock(db: Session, shop: Shop, record: StockRecord) -> None:
    """Remember what a location had on that day; the product's figure follows when all its items are counted."""
    counted_on = clock.day_in(record.updated_at, shop.time_zone)
    fresh = insert(db, StockDay).values(
        shop_id=shop.id,
        inventory_item_id=record.inventory_item_id,
        location_id=record.location_id,
        counted_on=counted_on,
        available=record.available,
        updated_at=record.updated_at,
    )
    newest = fresh.on_conflict_do_update(
        index_elements=["shop_id", "inventory_item_id", "location_id", "counted_on"],
        set_={"available": fresh.excluded.available, "updated_at": fresh.excluded.updated_at},
        where=StockDay.updated_at <= fresh.excluded.updated_at,
    )
    db.execute(newest)
    item = db.get(InventoryItem, (shop.id, record.inventory_item_id))
    if item is not None:
        _add_up(db, shop.id, item.product_id)


def _upsert(db: Session, rows: list[dict[str, Any]]) -> None:
    fresh = insert(db, Product)
    kept = ("shop_id", "product_id", "created_on", "deleted_at")
    newer = {name: fresh.excluded[name] for name in rows[0] if name not in kept}
    newer["created_on"] = func.coalesce(Product.created_on, fresh.excluded.created_on)
    upsert = fresh.on_conflict_do_update(
        index_elements=["shop_id", "product_id"],
        set_=newer,
        where=(Product.updated_at <= fresh.excluded.updated_at) & Product.deleted_at.is_(None),
    )
    db.execute(upsert, rows)


def _row(shop: Shop, record: ProductRecord) -> dict[str, Any]:
    return {
        "shop_id": shop.id,
        "product_id": record.product_id,
        "title": record.title,
        "handle": record.handle,
        "product_type": record.product_type,
        "vendor": record.vendor,
        "tags": list(record.tags),
        "price_amount": record.price_amount,
        "is_published": record.is_published,
        "units_in_stock": record.units_in_stock,
        "created_on": clock.day_in(record.created_at, shop.time_zone) if record.created_at else None,
        "updated_at": record.updated_at,
    }


def _map_items(db: Session, shop_id: int, records: Sequence[ProductRecord]) -> None:
    rows = [
        {
            "shop_id": shop_id,
            "inventory_item_id": item.inventory_item_id,
            "product_id": record.product_id,
            "variant_id": item.variant_id,
        }
        for record in records
        for item in record.items
    ]
    fresh = insert(db, InventoryItem)
    moved = fresh.on_conflict_do_update(
        index_elements=["shop_id", "inventory_item_id"],
        set_={"product_id": fresh.excluded.product_id, "variant_id": fresh.excluded.variant_id},
    )
    if rows:
        db.execute(moved, rows)


def _add_up(db: Session, shop_id: int, product_id: int) -> None:
    """The product's stock is the sum of its newest counts, once each of its items has one."""
    items = select(InventoryItem.inventory_item_id).where(
        InventoryItem.shop_id == shop_id, InventoryItem.product_id == product_id
    )
    newest: dict[tuple[int, int], int] = {}
    counts = (
        select(StockDay.inventory_item_id, StockDay.location_id, StockDay.available)
        .where(StockDay.shop_id == shop_id, StockDay.inventory_item_id.in_(items))
        .order_by(StockDay.counted_on)
    )
    for item_id, location_id, available in db.execute(counts):
        newest[item_id, location_id] = available
    if {item_id for item_id, _ in newest} == set(db.scalars(items)):
        mine = Product.shop_id == shop_id, Product.product_id == product_id
        db.execute(update(Product).where(*mine).values(units_in_stock=sum(newest.values())))
