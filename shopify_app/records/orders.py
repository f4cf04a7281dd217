"""Orders as rows: the newest version wins, inside the statement, so that no two workers can interleave."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import case, delete, func, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.records import customers, tombstones
from shopify_app.records.lines import write_lines
from shopify_app.records.payloads import OrderRecord, RefundRecord
from shopify_app.tables import Order, OrderLine, Shop, SnapshotPart

CHUNK = 500
ORDERS = Order.__table__
NEWER = ("updated_at", "cancelled_at", "is_test", "total_amount")


@dataclass(frozen=True)
class Stored:
    """Which orders were seen for the first time, and which were written at all."""

    new: frozenset[int]
    written: frozenset[int]


def store(db: Session, shop: Shop, records: Sequence[OrderRecord], *, is_backfilled: bool = False) -> Stored:
    """Keep the newest version of each order, unless a newer one is here or the order was erased.

    Equal times are written again, but for history: Shopify's times are whole seconds, and of two in one second the
    later one counts. Day and time of an order never change, and a customer once known stays known, by pseudonym.
    """
    newest = sorted(_newest(records).values(), key=lambda record: record.order_id)  # two writers lock in one sequence
    new: set[int] = set()
    written: set[int] = set()
    for first in range(0, len(newest), CHUNK):
        some = _store(db, shop, newest[first : first + CHUNK], is_backfilled)
        new |= some.new
        written |= some.written
    return Stored(frozenset(new), frozenset(written))


def take_back(db: Session, shop: Shop, record: RefundRecord) -> bool:
    """Take refunded units off the lines, unless this version of the order knows of the refund already.

    The order then counts as of the refund's time, so a repeated refund changes nothing, and the order's own message
    about it, which has that time too, still replaces all lines.
    """
    mine = Order.shop_id == shop.id, Order.order_id == record.order_id, Order.updated_at < record.created_at
    touched = update(Order).where(*mine).values(updated_at=record.created_at).returning(Order.created_on)
    created_on = db.scalar(touched.execution_options(synchronize_session=False))
    if created_on is None:
        return False
    for line_id, units in record.units.items():
        line = OrderLine.shop_id == shop.id, OrderLine.order_id == record.order_id, OrderLine.line_id == line_id
        left = case((OrderLine.units > units, OrderLine.units - units), else_=0)
        db.execute(update(OrderLine).where(*line).values(units=left).execution_options(synchronize_session=False))
    dirty(db, shop.id, {created_on})
    return True


def erase(db: Session, shop: Shop, order_id: int) -> bool:
    """Delete an order for good: no late message brings it back. False when it was not here."""
    tombstones.put(db, shop.id, "order", order_id)
    db.execute(delete(OrderLine).where(OrderLine.shop_id == shop.id, OrderLine.order_id == order_id))
    mine = Order.shop_id == shop.id, Order.order_id == order_id
    created_on = db.scalar(delete(Order).where(*mine).returning(Order.created_on))
    if created_on is not None:
        dirty(db, shop.id, {created_on})
    return created_on is not None


def dirty(db: Session, shop_id: int, days: Collection[date]) -> None:
    """The months of these days have changed: the next snapshot writes them again."""
    fresh = insert(db, SnapshotPart).values(shop_id=shop_id, revision=1, written_revision=-1, orders=0, lines=0)
    raised = fresh.on_conflict_do_update(
        index_elements=["shop_id", "month_on"], set_={"revision": SnapshotPart.revision + 1}
    )
    for month_on in sorted({day.replace(day=1) for day in days}):
        db.execute(raised.values(month_on=month_on))


def _newest(records: Iterable[OrderRecord]) -> dict[int, OrderRecord]:
    """One version per order: the newest, and of equally new ones the last. Any of them may know the customer."""
    newest: dict[int, OrderRecord] = {}
    for record in records:
        other = newest.get(record.order_id, record)
        older, newer = (other, record) if other.updated_at <= record.updated_at else (record, other)
        if newer.customer_id is None and older.customer_id is not None:
            newer = replace(newer, customer_id=older.customer_id)
        newest[record.order_id] = newer
    return newest


def _store(db: Session, shop: Shop, records: Sequence[OrderRecord], is_backfilled: bool) -> Stored:
    erased = tombstones.among(db, shop.id, "order", {record.order_id for record in records})
    wanted = {record.order_id: record for record in records if record.order_id not in erased}
    names = customers.pseudonyms(db, shop.id, {r.customer_id for r in wanted.values() if r.customer_id is not None})
    rows = [_row(shop, record, names, is_backfilled) for record in wanted.values()]
    new = _insert(db, rows)
    known = [row for row in rows if row["order_id"] not in new]
    replaced = _replace(db, known, is_backfilled)
    days = {row["order_id"]: row["created_on"] for row in rows}
    written = {order_id: (wanted[order_id].created_at, days[order_id]) for order_id in new} | replaced
    if replaced:
        old = OrderLine.shop_id == shop.id, OrderLine.order_id.in_(list(replaced))
        db.execute(delete(OrderLine).where(*old).execution_options(synchronize_session=False))
    write_lines(db, shop.id, [(wanted[order_id], *when) for order_id, when in written.items()])
    dirty(db, shop.id, {created_on for _, created_on in written.values()})
    return Stored(frozenset(new), frozenset(written))


def _row(shop: Shop, record: OrderRecord, pseudonyms: dict[int, str], is_backfilled: bool) -> dict[str, Any]:
    return {
        "shop_id": shop.id,
        "order_id": record.order_id,
        "pseudonym": pseudonyms.get(record.customer_id) if record.customer_id is not None else None,
        "created_at": record.created_at,
        "created_on": clock.day_in(record.created_at, shop.time_zone),
        "updated_at": record.updated_at,
        "cancelled_at": record.cancelled_at,
        "is_test": record.is_test,
        "total_amount": record.total_amount,
        "is_backfilled": is_backfilled,
    }


def _insert(db: Session, rows: list[dict[str, Any]]) -> set[int]:
    """Write the orders that are not here yet; which they were."""
    fresh = insert(db, ORDERS).on_conflict_do_nothing().returning(ORDERS.c.order_id)
    return set(db.scalars(fresh, rows)) if rows else set()


def _replace(db: Session, rows: list[dict[str, Any]], is_backfilled: bool) -> dict[int, tuple[Any, date]]:
    """Write over older versions; time and day of the orders that were replaced."""
    fresh = insert(db, ORDERS)
    newer = {name: fresh.excluded[name] for name in NEWER}
    newer["pseudonym"] = func.coalesce(ORDERS.c.pseudonym, fresh.excluded.pseudonym)
    is_older = ORDERS.c.updated_at < fresh.excluded.updated_at
    upsert = fresh.on_conflict_do_update(
        index_elements=["shop_id", "order_id"],
        set_=newer,
        where=is_older if is_backfilled else ORDERS.c.updated_at <= fresh.excluded.updated_at,
    )
    told = upsert.returning(ORDERS.c.order_id, ORDERS.c.created_at, ORDERS.c.created_on)
    return {row[0]: (row[1], row[2]) for row in db.execute(told, rows)} if rows else {}
