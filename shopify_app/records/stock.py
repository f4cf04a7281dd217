"""A shop's products by day: whether they could be bought and what they cost, as a table of changes."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.records.variants import IS_THERE, OF_PRODUCT
from shopify_app.tables import InventoryItem, Product, ProductDay, Shop, StockDay

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
    """Product, day, and whether it could be bought at its end, from the day on that all its items are counted.

    Less than nothing of an item could be bought too: such a shop goes on selling, whatever it says of that. An item
    that is gone counts up to the first version of its product after the last that told it.
    """
    items, policies = _items(db, shop_id), _policies(db, shop_id)
    for product_id, days in _by_product(db, shop_id).items():
        level: dict[tuple[int, int], int] = {}
        there, gone_on = items[product_id]
        sells_on = policies.get(product_id, {})
        can = False
        for on in sorted(days.keys() | sells_on.keys() | set(gone_on.values())):
            level |= days.get(on, {})
            level = {place: n for place, n in level.items() if gone_on.get(place[0], date.max) > on}
            can = sells_on.get(on, can)
            if {item_id for item_id, _ in level} >= there:
                yield product_id, on, can or _any_left(level)


def _any_left(level: Mapping[tuple[int, int], int]) -> bool:
    left: dict[int, int] = {}
    for (item_id, _), available in level.items():
        left[item_id] = left.get(item_id, 0) + available
    return any(left.values())


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


def _items(db: Session, shop_id: int) -> dict[int, tuple[set[int], dict[int, date]]]:
    """Of each product the items that are there, and the days on which others went."""
    shop = db.get_one(Shop, shop_id)
    found: dict[int, tuple[set[int], dict[int, date]]] = {}
    mine = (
        select(InventoryItem.product_id, InventoryItem.inventory_item_id, InventoryItem.seen_at, IS_THERE)
        .join(Product, OF_PRODUCT, isouter=True)
        .where(InventoryItem.shop_id == shop_id)
    )
    for product_id, item_id, seen_at, is_there in db.execute(mine):
        there, gone_on = found.setdefault(product_id, (set(), {}))
        if is_there:
            there.add(item_id)
        else:
            seen_on = clock.day_in(seen_at, shop.time_zone) if seen_at else _counted_on(db, shop_id, item_id)
            gone_on[item_id] = _next_version(db, shop_id, product_id, seen_on)
    return found


def _counted_on(db: Session, shop_id: int, item_id: int) -> date:
    """The day of an item's newest count, which stands in for a last version of before versions were remembered."""
    mine = StockDay.shop_id == shop_id, StockDay.inventory_item_id == item_id
    return db.scalar(select(func.max(StockDay.counted_on)).where(*mine)) or date.min


def _next_version(db: Session, shop_id: int, product_id: int, seen_on: date) -> date:
    """The day of the first version after that day; that day itself when there is none."""
    later = ProductDay.shop_id == shop_id, ProductDay.product_id == product_id, ProductDay.valid_on > seen_on
    return db.scalar(select(func.min(ProductDay.valid_on)).where(*later)) or seen_on


def _policies(db: Session, shop_id: int) -> dict[int, dict[date, bool]]:
    """Of each product by day whether any of its variants can be bought when none is left, since somebody said so."""
    told = select(ProductDay.product_id, ProductDay.valid_on, ProductDay.sells_on)
    found: dict[int, dict[date, bool]] = {}
    for product_id, on, sells_on in db.execute(
        told.where(ProductDay.shop_id == shop_id, ProductDay.sells_on.is_not(None))
    ):
        found.setdefault(product_id, {})[on] = bool(sells_on)
    return found
