"""Orders as rows: the newest version wins, inside the statement, so that no two workers can interleave."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.batches import batches
from shopify_app.db import insert_for
from shopify_app.records import customers, keys, parts, tombstones
from shopify_app.records.lines import chosen, keep_choices, keep_products, named, write_lines
from shopify_app.records.payloads import OrderRecord, RefundRecord
from shopify_app.tables import Order, OrderLine, Shop

CHUNK = 500
ORDERS: Any = Order.__table__
NEWER = ("updated_at", "told_at", "cancelled_at", "is_test", "total_amount")


@dataclass(frozen=True)
class Stored:
    """Which orders were seen for the first time, and which were written at all."""

    new: frozenset[int]
    written: frozenset[int]


def store(db: Session, shop: Shop, records: Sequence[OrderRecord], *, is_backfilled: bool = False) -> Stored:
    """Keep the newest version of each order, unless a newer one is here or the order was erased.

    Shopify's times are whole seconds: of two versions in one second the one that was told later counts, and when nobody
    says, the one that comes later, but for history. Day and time of an order never change, and a customer once known
    stays known, by pseudonym.
    """
    newest = sorted(_newest(records).values(), key=lambda record: record.order_id)  # two writers lock in one sequence
    new: set[int] = set()
    written: set[int] = set()
    for first in range(0, len(newest), CHUNK):
        some = _store(db, shop, newest[first : first + CHUNK], is_backfilled)
        new |= some.new
        written |= some.written
    return Stored(frozenset(new), frozenset(written))


def outdated(db: Session, shop_id: int, changed: Mapping[int, datetime]) -> set[int]:
    """Of orders with the time of their last change, those that are not here as they were then. Erased ones are fine."""
    secret = keys.find(db, shop_id)
    found: set[int] = set()
    for some in batches(sorted(changed), CHUNK):
        mine = select(Order.order_id, Order.updated_at).where(Order.shop_id == shop_id, Order.order_id.in_(some))
        missing = set(some) - {row[0] for row in db.execute(mine) if row[1] >= changed[row[0]]}
        found |= missing - tombstones.among(db, secret, "order", missing) if secret else missing
    return found


def numbers_since(db: Session, shop_id: int, since: datetime) -> dict[int, datetime]:
    """The orders created at or after `since`, with the time of their creation."""
    found = select(Order.order_id, Order.created_at).where(Order.shop_id == shop_id, Order.created_at >= since)
    return {row[0]: row[1] for row in db.execute(found)}


def take_back(db: Session, shop: Shop, record: RefundRecord) -> bool:
    """Take refunded units off the lines, unless this version of the order knows of the refund already.

    The order then counts as of the refund's time, so a repeated refund changes nothing, and the order's own message
    about it, which has that time too, still replaces all lines.
    """
    mine = Order.shop_id == shop.id, Order.order_id == record.order_id, Order.updated_at < record.created_at
    touched = update(Order).where(*mine).values(updated_at=record.created_at, told_at=None).returning(Order.created_on)
    created_on = db.scalar(touched.execution_options(synchronize_session=False))
    if created_on is None:
        return False
    for line_id, units in record.units.items():
        line = OrderLine.shop_id == shop.id, OrderLine.order_id == record.order_id, OrderLine.line_id == line_id
        left = case((OrderLine.units > units, OrderLine.units - units), else_=0)
        db.execute(update(OrderLine).where(*line).values(units=left).execution_options(synchronize_session=False))
    parts.sales_changed(db, shop.id, {created_on})
    return True


def erase(db: Session, shop: Shop, order_id: int) -> bool:
    """Delete an order for good: no late message brings it back. False when it was not here."""
    secret = keys.of(db, shop.id)
    tombstones.put(db, secret, "order", [order_id])
    keys.erase(db, shop.id, [secret.mark("order", order_id)])
    db.execute(delete(OrderLine).where(OrderLine.shop_id == shop.id, OrderLine.order_id == order_id))
    mine = Order.shop_id == shop.id, Order.order_id == order_id
    created_on = db.scalar(delete(Order).where(*mine).returning(Order.created_on))
    if created_on is not None:
        parts.sales_changed(db, shop.id, {created_on})
    return created_on is not None


def _newest(records: Iterable[OrderRecord]) -> dict[int, OrderRecord]:
    """One version per order: the newest, and of equally new ones the last. Any of them may know the customer."""
    newest: dict[int, OrderRecord] = {}
    for record in records:
        other = newest.get(record.order_id, record)
        older, newer = (record, other) if _is_newer(other, record) else (other, record)
        newest[record.order_id] = newer if newer is older else _completed(newer, older)
    return newest


def _completed(newer: OrderRecord, older: OrderRecord) -> OrderRecord:
    """The newer version with what only the older one knows: the customer, and products that were deleted since."""
    products = {line.line_id: line.product_id for line in older.lines if line.product_id is not None}
    noted = {line.line_id: (line.beside_id, line.test_arm) for line in older.lines}
    knows = newer if newer.customer_id is not None or newer.pseudonym is not None else older
    return replace(chosen(named(newer, products), noted), customer_id=knows.customer_id, pseudonym=knows.pseudonym)


def _is_newer(one: OrderRecord, other: OrderRecord) -> bool:
    """Whether `one` is the newer version of the order; of two that cannot be told apart neither is."""
    if one.updated_at != other.updated_at or one.told_at is None or other.told_at is None:
        return one.updated_at > other.updated_at
    return one.told_at > other.told_at


def _store(db: Session, shop: Shop, records: Sequence[OrderRecord], is_backfilled: bool) -> Stored:
    erased = tombstones.among(db, keys.of(db, shop.id), "order", {record.order_id for record in records})
    wanted = {record.order_id: record for record in records if record.order_id not in erased}
    names = customers.pseudonyms(db, shop.id, {r.customer_id for r in wanted.values() if r.customer_id is not None})
    rows = [_row(shop, record, names, is_backfilled) for record in wanted.values()]
    new = _insert(db, rows)
    known = [row for row in rows if row["order_id"] not in new]
    replaced = _replace(db, known, is_backfilled)
    days = {row["order_id"]: row["created_on"] for row in rows}
    written = {order_id: (wanted[order_id].created_at, days[order_id]) for order_id in new} | replaced
    older = wanted.keys() - written.keys()
    learned = keep_products(db, shop.id, wanted, replaced.keys(), older)
    keep_choices(db, shop.id, wanted, replaced.keys(), older)
    learned |= _keep_customers(db, shop.id, [row for row in known if row["order_id"] in older])
    if replaced:
        old = OrderLine.shop_id == shop.id, OrderLine.order_id.in_(list(replaced))
        db.execute(delete(OrderLine).where(*old).execution_options(synchronize_session=False))
    write_lines(db, shop.id, [(wanted[order_id], *when) for order_id, when in written.items()])
    changed = {created_on for _, created_on in written.values()} | _days(db, shop.id, learned - written.keys())
    parts.sales_changed(db, shop.id, changed)
    return Stored(frozenset(new), frozenset(written))


def _days(db: Session, shop_id: int, order_ids: Collection[int]) -> set[date]:
    """The days that these orders are on, which the shop's time zone of today need not give."""
    if not order_ids:
        return set()
    mine = Order.shop_id == shop_id, Order.order_id.in_(list(order_ids))
    return set(db.scalars(select(Order.created_on).where(*mine)))


def _row(shop: Shop, record: OrderRecord, pseudonyms: dict[int, str], is_backfilled: bool) -> dict[str, Any]:
    return {
        "shop_id": shop.id,
        "order_id": record.order_id,
        "pseudonym": record.pseudonym or pseudonyms.get(record.customer_id or 0),
        "created_at": record.created_at,
        "created_on": clock.day_in(record.created_at, shop.time_zone),
        "updated_at": record.updated_at,
        "told_at": record.told_at,
        "cancelled_at": record.cancelled_at,
        "is_test": record.is_test,
        "total_amount": record.total_amount,
        "is_backfilled": is_backfilled,
    }


def _keep_customers(db: Session, shop_id: int, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """Orders that had no customer take theirs from older versions, in whatever order those come; which they were."""
    told = {row["order_id"]: row["pseudonym"] for row in rows if row["pseudonym"] is not None}
    if not told:
        return set()
    nobodys = ORDERS.c.shop_id == shop_id, ORDERS.c.order_id.in_(list(told)), ORDERS.c.pseudonym.is_(None)
    wanting = [row[0] for row in db.execute(select(ORDERS.c.order_id).where(*nobodys))]
    for order_id in wanting:
        one = ORDERS.c.shop_id == shop_id, ORDERS.c.order_id == order_id, ORDERS.c.pseudonym.is_(None)
        db.execute(update(ORDERS).where(*one).values(pseudonym=told[order_id]))
    return set(wanting)


def _insert(db: Session, rows: list[dict[str, Any]]) -> set[int]:
    """Write the orders that are not here yet; which they were."""
    return set(db.scalars(_inserting(db.get_bind().dialect.name), rows)) if rows else set()


def _replace(db: Session, rows: list[dict[str, Any]], is_backfilled: bool) -> dict[int, tuple[Any, date]]:
    """Write over older versions; time and day of the orders that were replaced."""
    told = _replacing(db.get_bind().dialect.name, is_backfilled)
    return {row[0]: (row[1], row[2]) for row in db.execute(told, rows)} if rows else {}


@cache
def _inserting(dialect: str) -> Any:
    return insert_for(dialect, ORDERS).on_conflict_do_nothing().returning(ORDERS.c.order_id)


@cache
def _replacing(dialect: str, is_backfilled: bool) -> Any:
    fresh = insert_for(dialect, ORDERS)
    newer = {name: fresh.excluded[name] for name in NEWER}
    newer["pseudonym"] = func.coalesce(fresh.excluded.pseudonym, ORDERS.c.pseudonym)
    is_older = ORDERS.c.updated_at < fresh.excluded.updated_at
    unsaid = ORDERS.c.told_at.is_(None) | fresh.excluded.told_at.is_(None)
    is_earlier = unsaid | (ORDERS.c.told_at <= fresh.excluded.told_at)
    is_as_old = (ORDERS.c.updated_at == fresh.excluded.updated_at) & is_earlier
    upsert = fresh.on_conflict_do_update(
        index_elements=["shop_id", "order_id"],
        set_=newer,
        where=is_older if is_backfilled else is_older | is_as_old,
    )
    return upsert.returning(ORDERS.c.order_id, ORDERS.c.created_at, ORDERS.c.created_on)
