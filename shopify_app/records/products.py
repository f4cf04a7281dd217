"""Products as rows, with the price of each day, and how many of each are in stock."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.batches import batches
from shopify_app.db import insert, insert_for
from shopify_app.records import parts, unchanged
from shopify_app.records.goods import ProductRecord
from shopify_app.records.payloads import StockRecord
from shopify_app.records.variants import IS_THERE, OF_PRODUCT
from shopify_app.tables import InventoryItem, Product, ProductDay, Shop, StockDay

CHUNK = 500
"""Records of one round, and numbers named in one statement: a database takes only so many values at once."""
PRODUCTS: Any = Product.__table__
ITEMS: Any = InventoryItem.__table__
DAYS: Any = ProductDay.__table__
COUNTS: Any = StockDay.__table__
SOME_ITEMS = ITEMS.c.shop_id == bindparam("shop_id"), ITEMS.c.inventory_item_id.in_(bindparam("some", expanding=True))
PRODUCTS_OF = select(ITEMS.c.product_id).where(*SOME_ITEMS)
THEIR_UNITS = (
    select(ITEMS.c.inventory_item_id, ITEMS.c.product_id, ITEMS.c.units_in_stock, PRODUCTS.c.units_in_stock)
    .join(PRODUCTS, OF_PRODUCT)
    .where(ITEMS.c.shop_id == bindparam("shop_id"), ITEMS.c.product_id.in_(bindparam("some", expanding=True)), IS_THERE)
)
"""Statements that every webhook repeats are made once: making them costs more than running them."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Older than any version of a product."""
AS_TOLD = ("title", "handle", "product_type", "vendor", "tags", "price_amount", "units_in_stock", "updated_at")
"""What a newer version of a product writes over as it says it."""


def store(db: Session, shop: Shop, records: Sequence[ProductRecord]) -> list[ProductRecord]:
    """Keep these versions of products where no newer one is here; a deleted product stays so, as it last was.

    Those that were news. What is here already, value by value, changes no row, and no file is made again for it.
    """
    news: list[ProductRecord] = []
    is_mended = False
    for some in batches(records, CHUNK):
        fresh = unchanged.new_products(db, shop, some)
        if fresh:
            _write(db, _upserting, [_row(shop, record) for record in fresh])
            _collect(db, shop.id, fresh)
            _remember(db, shop, fresh)
            _map_items(db, shop.id, fresh)
            news += fresh
        # Of all of them: two who count at once may each miss the other's, and only adding up again finds that.
        is_mended |= _add_up(db, shop.id, {record.product_id for record in some})
    if news or is_mended:
        parts.catalogue_changed(db, shop.id)
    if news:
        parts.stock_changed(db, shop.id)
    return news


def delete(db: Session, shop: Shop, product_id: int, deleted_at: datetime) -> None:
    """Mark a product as gone; its sales stay. One that was never seen is noted too, should its creation come late."""
    gone = insert(db, Product).values(
        shop_id=shop.id, product_id=product_id, is_published=False, updated_at=NEVER, deleted_at=deleted_at
    )
    marked = gone.on_conflict_do_update(
        index_elements=["shop_id", "product_id"],
        set_={"deleted_at": gone.excluded.deleted_at, "is_published": False, "collections": []},
        where=Product.deleted_at.is_(None),
    )
    if db.scalar(marked.returning(Product.product_id)) is not None:
        parts.catalogue_changed(db, shop.id)
        parts.collections_changed(db, shop.id)


def known(db: Session, shop_id: int) -> set[int]:
    """The products that are here and not deleted."""
    return set(db.scalars(select(Product.product_id).where(Product.shop_id == shop_id, Product.deleted_at.is_(None))))


def count_stock(db: Session, shop: Shop, records: Sequence[StockRecord]) -> list[StockRecord]:
    """Remember what places had on those days; a product's figure follows when all its items are counted.

    Those that were news: a level that has not changed since says nothing of a new day, the old one holds.
    """
    news: list[StockRecord] = []
    for some in batches(records, CHUNK):
        fresh = unchanged.new_counts(db, shop, some)
        if fresh:
            _write(db, _counting, [_count_row(shop, record) for record in fresh])
            news += fresh
        told = {record.inventory_item_id for record in some}
        if _add_up(db, shop.id, set(db.scalars(PRODUCTS_OF, {"shop_id": shop.id, "some": list(told)}))):
            parts.catalogue_changed(db, shop.id)
    if news:
        parts.stock_changed(db, shop.id)
    return news


def _count_row(shop: Shop, record: StockRecord) -> dict[str, Any]:
    return {
        "shop_id": shop.id,
        "inventory_item_id": record.inventory_item_id,
        "location_id": record.location_id,
        "counted_on": clock.day_in(record.updated_at, shop.time_zone),
        "available": record.available,
        "updated_at": record.updated_at,
    }


@cache
def _counting(dialect: str) -> Any:
    fresh = insert_for(dialect, COUNTS)
    return fresh.on_conflict_do_update(
        index_elements=["shop_id", "inventory_item_id", "location_id", "counted_on"],
        set_={"available": fresh.excluded.available, "updated_at": fresh.excluded.updated_at},
        where=COUNTS.c.updated_at <= fresh.excluded.updated_at,
    )


def _remember(db: Session, shop: Shop, records: Sequence[ProductRecord]) -> None:
    """Every version says what a product cost on its day, whichever came first and whichever is the newest."""
    rows = [
        {
            "shop_id": shop.id,
            "product_id": record.product_id,
            "valid_on": clock.day_in(record.updated_at, shop.time_zone),
            "price_amount": record.price_amount,
            "is_published": record.is_published,
            "sells_on": record.sells_on,
            "updated_at": record.updated_at,
        }
        for record in records
    ]
    _write(db, _remembering, rows)


@cache
def _remembering(dialect: str) -> Any:
    fresh = insert_for(dialect, DAYS)
    return fresh.on_conflict_do_update(
        index_elements=["shop_id", "product_id", "valid_on"],
        set_={name: fresh.excluded[name] for name in ("price_amount", "is_published", "sells_on", "updated_at")},
        where=DAYS.c.updated_at <= fresh.excluded.updated_at,
    )


@cache
def _upserting(dialect: str) -> Any:
    fresh = insert_for(dialect, PRODUCTS)
    newer = {name: fresh.excluded[name] for name in AS_TOLD}
    newer["created_on"] = func.coalesce(PRODUCTS.c.created_on, fresh.excluded.created_on)
    for name in ("is_gift_card", "sells_on", "variants_told_at"):
        newer[name] = func.coalesce(fresh.excluded[name], PRODUCTS.c[name])
    newer["is_published"] = case((PRODUCTS.c.deleted_at.is_(None), fresh.excluded.is_published), else_=False)
    return fresh.on_conflict_do_update(
        index_elements=["shop_id", "product_id"],
        set_=newer,
        where=PRODUCTS.c.updated_at <= fresh.excluded.updated_at,
    )


def _write(db: Session, statement: Callable[[str], Any], rows: list[dict[str, Any]]) -> None:
    """Run the dialect's statement for each of the rows."""
    if rows:
        db.connection().execute(statement(db.get_bind().dialect.name), rows)


def _collect(db: Session, shop_id: int, records: Sequence[ProductRecord]) -> None:
    """Which collections products are in, as the newest version says that told it: most newer ones are webhooks.

    So what a bulk query read of a product counts although orders have moved the product's version on meanwhile.
    """
    at = PRODUCTS.c.collections_told_at
    mine = PRODUCTS.c.shop_id == shop_id, PRODUCTS.c.product_id == bindparam("the_one")
    is_newer = PRODUCTS.c.deleted_at.is_(None), or_(at.is_(None), at <= bindparam("told_at"))
    told = update(PRODUCTS).where(*mine, *is_newer)
    rows = [
        {"the_one": one.product_id, "told_at": one.updated_at, "told": [list(pair) for pair in one.collections]}
        for one in records
        if one.collections is not None
    ]
    if rows:
        values: dict[str, Any] = {"collections": bindparam("told"), "collections_told_at": bindparam("told_at")}
        db.connection().execute(told.values(values), rows)
        parts.collections_changed(db, shop_id)


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
        "is_gift_card": record.is_gift_card,
        "sells_on": record.sells_on,
        "variants_told_at": record.updated_at if record.is_whole else None,
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
            "title": item.title,
            "sku": item.sku,
            "sells_on": item.sells_on,
            "seen_at": record.updated_at,
        }
        for record in records
        for item in record.items
    ]
    _write(db, _mapping, rows)


@cache
def _mapping(dialect: str) -> Any:
    fresh = insert_for(dialect, ITEMS)
    told = ("product_id", "variant_id", "title", "sku", "seen_at")
    newer: dict[str, Any] = {name: fresh.excluded[name] for name in told}
    newer["sells_on"] = func.coalesce(fresh.excluded.sells_on, ITEMS.c.sells_on)
    return fresh.on_conflict_do_update(
        index_elements=["shop_id", "inventory_item_id"],
        set_=newer,
        where=ITEMS.c.seen_at.is_(None) | (ITEMS.c.seen_at <= fresh.excluded.seen_at),
    )


def _add_up(db: Session, shop_id: int, product_ids: Collection[int]) -> bool:
    """An item has the sum of its newest counts; a product that of its items, once each that is there was counted.

    Whether any product's figure changed.
    """
    of_item: dict[int, int] = {}
    items_had: dict[int, int | None] = {}
    products_had: dict[int, int | None] = {}
    for some in batches(sorted(product_ids), CHUNK):
        for row in db.execute(THEIR_UNITS, {"shop_id": shop_id, "some": some}):
            of_item[row[0]], items_had[row[0]], products_had[row[1]] = row[1], row[2], row[3]
    held: dict[int, int] = defaultdict(int)
    for some in batches(of_item, CHUNK):
        for item_id, available in db.execute(_newest_counts(), {"shop_id": shop_id, "some": some}):
            held[item_id] += available
    uncounted = {product_id for item_id, product_id in of_item.items() if item_id not in held}
    sums = dict.fromkeys(set(of_item.values()) - uncounted, 0)
    for item_id, units in held.items():
        if of_item[item_id] in sums:
            sums[of_item[item_id]] += units
    _set(db, shop_id, ITEMS.c.inventory_item_id, items_had, held)
    return _set(db, shop_id, PRODUCTS.c.product_id, products_had, sums)


def _set(db: Session, shop_id: int, key: Any, had: Mapping[int, int | None], units: Mapping[int, int]) -> bool:
    """Write the figures that are others than before; whether there are any."""
    changed = [(number, count) for number, count in units.items() if had[number] != count]
    if changed:
        rows = [{"of_shop": shop_id, "the_one": number, "units": count} for number, count in changed]
        db.connection().execute(_setting(key), rows)
    return bool(changed)


@cache
def _setting(key: Any) -> Any:
    mine = key.table.c.shop_id == bindparam("of_shop"), key == bindparam("the_one")
    return update(key.table).where(*mine).values(units_in_stock=bindparam("units"))


@cache
def _newest_counts() -> Any:
    """Item and units of the newest count at each place."""
    place = COUNTS.c.shop_id, COUNTS.c.inventory_item_id, COUNTS.c.location_id
    mine = COUNTS.c.shop_id == bindparam("shop_id"), COUNTS.c.inventory_item_id.in_(bindparam("some", expanding=True))
    last = select(*place, func.max(COUNTS.c.counted_on).label("counted_on")).where(*mine).group_by(*place).subquery()
    same = [column == last.c[column.key] for column in (*place, COUNTS.c.counted_on)]
    return select(COUNTS.c.inventory_item_id, COUNTS.c.available).join(last, and_(*same))
