"""A shop's past, many orders at a time: the same rows as one by one, in few statements."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func
from sqlalchemy.orm import Session

from shopify_app.db import insert
from shopify_app.records import customers, orders, tombstones
from shopify_app.records.payloads import OrderRecord
from shopify_app.tables import Order, OrderLine, Shop

CHUNK = 500
COLUMNS = (
    *("shop_id", "order_id", "line_id", "product_id", "variant_id", "units", "price_amount"),
    *("created_at", "created_on"),
)

LineRow = tuple[Any, ...]


def store(db: Session, shop: Shop, records: Sequence[OrderRecord]) -> int:
    """Keep those orders of which no newer version is here and that were not erased. How many were kept."""
    return sum(_store(db, shop, records[first : first + CHUNK]) for first in range(0, len(records), CHUNK))


def _store(db: Session, shop: Shop, records: Sequence[OrderRecord]) -> int:
    erased = tombstones.among(db, shop.id, "order", {record.order_id for record in records})
    wanted = {record.order_id: record for record in records if record.order_id not in erased}
    names = customers.pseudonyms(db, shop.id, {r.customer_id for r in wanted.values() if r.customer_id is not None})
    rows = [orders.row(shop, record, names, is_backfilled=True) for record in wanted.values()]
    kept = _upsert(db, rows) if rows else set()
    if not kept:
        return 0
    days = {row["order_id"]: row["created_on"] for row in rows if row["order_id"] in kept}
    mine = OrderLine.shop_id == shop.id, OrderLine.order_id.in_(list(kept))
    db.execute(delete(OrderLine).where(*mine).execution_options(synchronize_session=False))
    _write_lines(db, [line for order_id, on in days.items() for line in _lines(db, shop.id, wanted[order_id], on)])
    orders.dirty(db, shop.id, set(days.values()))
    return len(kept)


def _upsert(db: Session, rows: list[dict[str, Any]]) -> set[int]:
    """Write the orders that are newer than what is here; which they were."""
    fresh = insert(db, Order)
    newer = {name: fresh.excluded[name] for name in ("updated_at", "cancelled_at", "is_test", "total_amount")}
    newer["pseudonym"] = func.coalesce(Order.pseudonym, fresh.excluded.pseudonym)
    upsert = fresh.on_conflict_do_update(
        index_elements=["shop_id", "order_id"], set_=newer, where=Order.updated_at < fresh.excluded.updated_at
    )
    return set(db.scalars(upsert.returning(Order.order_id), rows))


def _lines(db: Session, shop_id: int, record: OrderRecord, created_on: date) -> Iterator[LineRow]:
    at: datetime | str = record.created_at
    on: date | str = created_on
    if db.get_bind().dialect.name == "sqlite":  # as `tables.base.Moment` and SQLAlchemy's Date are stored there
        at, on = f"{record.created_at:%Y-%m-%d %H:%M:%S.%f}", created_on.isoformat()
    order_id = record.order_id
    for line in record.lines:
        yield shop_id, order_id, *line, at, on


def _write_lines(db: Session, rows: list[LineRow]) -> None:
    """Insert lines through the driver: building a statement's parameters one by one costs more than storing them."""
    connection = db.connection()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(COLUMNS))
        connection.exec_driver_sql(f"INSERT INTO order_lines ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY order_lines ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
