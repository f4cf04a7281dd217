"""A shop's products by day: whether they could be bought and what they cost, as a table of changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.batches import batches
from shopify_app.records.variants import IS_THERE, OF_PRODUCT
from shopify_app.tables import InventoryItem, Product, ProductDay, Shop, StockDay

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[int, date, bool | None, float | None]
Changes = dict[date, Any]
Days = dict[date, dict[tuple[int, int], int]]
"""Of one product by day: what was counted of its items at which place."""
Items = dict[int, tuple[set[int], dict[int, date]]]
"""Of each product the items that are there, and the days on which others went."""
Version = tuple[date, float | None, bool | None]
"""A day, the price, and whether any variant can be bought when none is left, since somebody said so."""
Versions = dict[int, list[Version]]

PRODUCTS, ITEMS, COUNTS, ROWS = 100, 100, 2_000, 50_000
"""How many are read or held at a time: a shop's whole history would be gigabytes."""


def history(db: Session, shop_id: int) -> "pa.Table":
    """One row per product and day on which its stock ran out or came back, or its price changed; it holds until then.

    Columns: product_id, changed_on, is_in_stock (at the end of the day; null while nobody knows), price.
    """
    import pyarrow as pa

    kinds = (pa.int64(), pa.date32(), pa.bool_(), pa.float64())
    schema = pa.schema(list(zip(("product_id", "changed_on", "is_in_stock", "price"), kinds, strict=True)))
    pieces = [
        pa.record_batch(
            [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)], schema
        )
        for rows in batches(_rows(db, shop_id), ROWS)
    ]
    return pa.Table.from_batches(pieces, schema).combine_chunks()


def _rows(db: Session, shop_id: int) -> Iterator[Row]:
    """In the order of products and days. What was counted is in memory for a few products at a time."""
    shop = db.get_one(Shop, shop_id)
    for some in batches(_products(db, shop_id), PRODUCTS):
        items, versions = _items(db, shop, some), _versions(db, shop_id, some)
        stock = {
            product_id: _changes(_in_stock(days, *items[product_id], versions.get(product_id, [])))
            for together in _few(items)
            for product_id, days in _counted(db, shop_id, together).items()
        }
        for product_id in some:
            prices = _changes((on, price) for on, price, _ in versions.get(product_id, []))
            yield from _merged(product_id, stock.get(product_id, {}), prices)


def _merged(product_id: int, stock: Changes, prices: Changes) -> Iterator[Row]:
    is_in, price = None, None
    for on in sorted(stock.keys() | prices.keys()):
        is_in, price = stock.get(on, is_in), prices.get(on, price)
        yield product_id, on, is_in, price


def _changes(days: Iterable[tuple[date, Any]]) -> Changes:
    """Only the days that differ from the day before them."""
    found: Changes = {}
    before: tuple[Any, ...] = ()
    for on, value in days:
        if (value,) != before:
            found[on] = value
        before = (value,)
    return found


def _in_stock(
    days: Days, there: set[int], gone_on: Mapping[int, date], versions: Sequence[Version]
) -> Iterator[tuple[date, bool]]:
    """Of a product: day, and whether it could be bought at its end, from the day on that all its items are counted.

    Less than nothing of an item could be bought too: such a shop goes on selling, whatever it says of that. An item
    that is gone counts up to the first version of its product after the last that told it.
    """
    level: dict[tuple[int, int], int] = {}
    sells_on = {on: told for on, _, told in versions if told is not None}
    can = False
    for on in sorted(days.keys() | sells_on.keys() | set(gone_on.values())):
        level |= days.get(on, {})
        level = {place: n for place, n in level.items() if gone_on.get(place[0], date.max) > on}
        can = sells_on.get(on, can)
        if {item_id for item_id, _ in level} >= there:
            yield on, can or _any_left(level)


def _any_left(level: Mapping[tuple[int, int], int]) -> bool:
    left: dict[int, int] = {}
    for (item_id, _), available in level.items():
        left[item_id] = left.get(item_id, 0) + available
    return any(left.values())


def _products(db: Session, shop_id: int) -> list[int]:
    """All of which anything is told, in order."""
    ids = (select(table.product_id).where(table.shop_id == shop_id).distinct() for table in (InventoryItem, ProductDay))
    return sorted({product_id for every in ids for product_id in db.scalars(every)})


def _few(items: Items) -> Iterator[dict[int, int]]:
    """Items, each with its product: all those of some products, or of a single one that has many."""
    some: dict[int, int] = {}
    for product_id, (there, gone_on) in items.items():
        if some and len(some) + len(there) + len(gone_on) > ITEMS:
            yield some
            some = {}
        some |= dict.fromkeys((*there, *gone_on), product_id)
    if some:
        yield some


def _counted(db: Session, shop_id: int, product_of: Mapping[int, int]) -> dict[int, Days]:
    """What was counted of these items, by product. Asked for by item, as the table is ordered."""
    found: dict[int, Days] = {}
    for few in batches(sorted(product_of), ITEMS):
        mine = StockDay.shop_id == shop_id, StockDay.inventory_item_id.in_(few)
        counts = select(
            StockDay.inventory_item_id, StockDay.counted_on, StockDay.location_id, StockDay.available
        ).where(*mine)
        for item_id, on, location_id, available in db.execute(counts.execution_options(yield_per=COUNTS)):
            found.setdefault(product_of[item_id], {}).setdefault(on, {})[item_id, location_id] = available
    return found


def _items(db: Session, shop: Shop, product_ids: Sequence[int]) -> Items:
    found: Items = {}
    mine = (
        select(InventoryItem.product_id, InventoryItem.inventory_item_id, InventoryItem.seen_at, IS_THERE)
        .join(Product, OF_PRODUCT, isouter=True)
        .where(InventoryItem.shop_id == shop.id, InventoryItem.product_id.in_(product_ids))
    )
    for product_id, item_id, seen_at, is_there in db.execute(mine).all():
        there, gone_on = found.setdefault(product_id, (set(), {}))
        if is_there:
            there.add(item_id)
        else:
            seen_on = _seen_on(db, shop, product_id, seen_at) if seen_at else _counted_on(db, shop.id, item_id)
            gone_on[item_id] = _next_version(db, shop.id, product_id, seen_on)
    return found


def _seen_on(db: Session, shop: Shop, product_id: int, seen_at: datetime) -> date:
    """The day that version was put on: the shop's time zone may have been another one then."""
    since = ProductDay.shop_id == shop.id, ProductDay.product_id == product_id, ProductDay.updated_at >= seen_at
    return db.scalar(select(func.min(ProductDay.valid_on)).where(*since)) or clock.day_in(seen_at, shop.time_zone)


def _counted_on(db: Session, shop_id: int, item_id: int) -> date:
    """The day of an item's newest count, which stands in for a last version of before versions were remembered."""
    mine = StockDay.shop_id == shop_id, StockDay.inventory_item_id == item_id
    return db.scalar(select(func.max(StockDay.counted_on)).where(*mine)) or date.min


def _next_version(db: Session, shop_id: int, product_id: int, seen_on: date) -> date:
    """The day of the first version after that day; that day itself when there is none."""
    later = ProductDay.shop_id == shop_id, ProductDay.product_id == product_id, ProductDay.valid_on > seen_on
    return db.scalar(select(func.min(ProductDay.valid_on)).where(*later)) or seen_on


def _versions(db: Session, shop_id: int, product_ids: Sequence[int]) -> Versions:
    told = (
        select(ProductDay.product_id, ProductDay.valid_on, ProductDay.price_amount, ProductDay.sells_on)
        .where(ProductDay.shop_id == shop_id, ProductDay.product_id.in_(product_ids))
        .order_by(ProductDay.product_id, ProductDay.valid_on)
    )
    found: Versions = {}
    for product_id, on, price, sells_on in db.execute(told):
        found.setdefault(product_id, []).append((on, price, sells_on))
    return found
