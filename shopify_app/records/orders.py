"""Orders as rows: the newest version wins, inside the statement, so that no two workers can interleave."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, delete, func, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert, insert_many
from shopify_app.records import customers, tombstones
from shopify_app.records.payloads import LineRecord, OrderRecord, RefundRecord
from shopify_app.tables import Order, OrderLine, Shop, SnapshotPart


def store(db: Session, shop: Shop, record: OrderRecord) -> bool:
    """Keep this version of an order unless a newer one is here or the order was erased. True when it is a new order."""
    names = customers.pseudonyms(db, shop.id, {record.customer_id} - {None})  # type: ignore[arg-type]
    values = row(shop, record, names, is_backfilled=False)
    if _insert(db, shop.id, record.order_id, values):
        write_lines(db, shop.id, record.order_id, record.created_at, values["created_on"], record.lines)
        dirty(db, shop.id, {values["created_on"]})
        return True
    _replace(db, shop.id, record, values)
    return False


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
    months = sorted({day.replace(day=1) for day in days})
    fresh = insert(db, SnapshotPart).values(shop_id=shop_id, revision=1, written_revision=-1, orders=0, lines=0)
    raised = fresh.on_conflict_do_update(
        index_elements=["shop_id", "month_on"], set_={"revision": SnapshotPart.revision + 1}
    )
    for month_on in months:
        db.execute(raised.values(month_on=month_on))


def row(shop: Shop, record: OrderRecord, pseudonyms: dict[int, str], *, is_backfilled: bool) -> dict[str, Any]:
    """The order's row."""
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


def write_lines(
    db: Session, shop_id: int, order_id: int, created_at: datetime, created_on: date, lines: Collection[LineRecord]
) -> None:
    """The order's lines, which must not be there yet."""
    when = {"shop_id": shop_id, "order_id": order_id, "created_at": created_at, "created_on": created_on}
    insert_many(db, OrderLine, [line._asdict() | when for line in lines])


def _insert(db: Session, shop_id: int, order_id: int, values: dict[str, Any]) -> bool:
    if tombstones.among(db, shop_id, "order", {order_id}):
        return False
    fresh = insert(db, Order).values(**values).on_conflict_do_nothing().returning(Order.order_id)
    return db.scalar(fresh) is not None


def _replace(db: Session, shop_id: int, record: OrderRecord, values: dict[str, Any]) -> None:
    """Equal times are replaced too: Shopify's times are whole seconds, and of two in one second the later one counts.

    Day and time of an order never change, and a customer once known stays known, under the pseudonym.
    """
    mine = Order.shop_id == shop_id, Order.order_id == record.order_id, Order.updated_at <= record.updated_at
    newer = {name: values[name] for name in ("updated_at", "cancelled_at", "is_test", "total_amount")}
    newer["pseudonym"] = func.coalesce(Order.pseudonym, values["pseudonym"])
    changed = update(Order).where(*mine).values(**newer).returning(Order.created_at, Order.created_on)
    found = db.execute(changed.execution_options(synchronize_session=False)).first()
    if found is None:
        return
    created_at, created_on = found
    db.execute(delete(OrderLine).where(OrderLine.shop_id == shop_id, OrderLine.order_id == record.order_id))
    write_lines(db, shop_id, record.order_id, created_at, created_on, record.lines)
    dirty(db, shop_id, {created_on})
