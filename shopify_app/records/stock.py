"""A shop's products by day: whether they could be bought and what they cost, as a table of changes."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.tables import InventoryItem, ProductDay, StockDay

if TYPE_CHECKING:
    import pyarrow as pa

Changes = dict[tuple[int, date], Any]


def history(db: Session, shop_id: int) -> "pa.Table":
    """One row per product and day on which its stock ran out or came back, or its price changed; it holds until then.

    Columns: product_id, changed_on, is_in_stock (at the end of the day; null while nobody knows), price.
    """
    import pyarrow as pa

    stock, prices = _changes(_in_stock(db, shop_id)), _changes(_prices(db, shop_id))
    rows: list[tuple[int, date, bool | None, float | None]] = []
    for product_id, on in sorted(stock.keys() | prices.keys()):
        known = rows[-1][2:] if rows and rows[-1][0] == product_id else (None, None)
        rows.append((product_id, on, stock.get((product_id, on), known[0]), prices.get((product_id, on), known[1])))
    types = (pa.int64(), pa.date32(), pa.bool_(), pa.float64())
    names = ("product_id", "changed_on", "is_in_stock", "price")
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], names=list(names))


def _changes(days: Iterator[tuple[int, date, Any]]) -> Changes:
    """Only the days that differ from the day before them."""
    found: Changes = {}
    before: tuple[int, Any] | None = None
    for product_id, on, value in days:
        if (product_id, value) != before:
            found[product_id, on] = value
        before = (product_id, value)
    return found


def _prices(db: Session, shop_id: int) -> Iterator[tuple[int, date, float | None]]:
    days = (
        select(ProductDay.product_id, ProductDay.valid_on, ProductDay.price_amount)
        .where(ProductDay.shop_id == shop_id)
        .order_by(ProductDay.product_id, ProductDay.valid_on)
    )
    yield from ((row[0], row[1], row[2]) for row in db.execute(days))


def _in_stock(db: Session, shop_id: int) -> Iterator[tuple[int, date, bool]]:
    """Product, day, and whether anything was left at its end, from the day on that all its items are counted.

    Less than nothing is in stock too: such a shop goes on selling.
    """
    items = _items(db, shop_id)
    for product_id, days in _by_product(db, shop_id).items():
        level: dict[tuple[int, int], int] = {}
        for on in sorted(days):
            level |= days[on]
            if {item_id for item_id, _ in level} >= items[product_id]:
                yield product_id, on, sum(level.values()) != 0


def _by_product(db: Session, shop_id: int) -> dict[int, dict[date, dict[tuple[int, int], int]]]:
    """Of each product by day: what was counted of its items at which place."""
    of_item = (InventoryItem.shop_id == StockDay.shop_id) & (
        InventoryItem.inventory_item_id == StockDay.inventory_item_id
    )
    counts = (
        select(
            *(InventoryItem.product_id, StockDay.counted_on, StockDay.inventory_item_id),
            *(StockDay.location_id, StockDay.available),
        )
        .join(InventoryItem, of_item)
        .where(StockDay.shop_id == shop_id)
        .order_by(InventoryItem.product_id)
    )
    found: dict[int, dict[date, dict[tuple[int, int], int]]] = {}
    for product_id, on, item_id, location_id, available in db.execute(counts):
        found.setdefault(product_id, {}).setdefault(on, {})[item_id, location_id] = available
    return found


def _items(db: Session, shop_id: int) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    mine = select(InventoryItem.product_id, InventoryItem.inventory_item_id).where(InventoryItem.shop_id == shop_id)
    for product_id, item_id in db.execute(mine):
        found.setdefault(product_id, set()).add(item_id)
    return found
