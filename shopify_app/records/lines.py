"""Order lines, many at a time."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from shopify_app.records.payloads import OrderRecord

COLUMNS = (
    *("shop_id", "order_id", "line_id", "product_id", "variant_id", "units", "price_amount"),
    *("created_at", "created_on"),
)

Row = tuple[Any, ...]


def write_lines(db: Session, shop_id: int, orders: Iterable[tuple[OrderRecord, datetime, date]]) -> None:
    """Insert the lines of orders that have none, with each order's time and day.

    Straight through the driver: building a statement's parameters one by one costs more than storing them.
    """
    connection = db.connection()
    if connection.dialect.name == "sqlite":
        rows = list(_rows(shop_id, ((record, _stored(at), on.isoformat()) for record, at, on in orders)))
        marks = ", ".join("?" * len(COLUMNS))
        if rows:
            connection.exec_driver_sql(f"INSERT INTO order_lines ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY order_lines ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in _rows(shop_id, orders):
            copy.write_row(row)


def _rows(shop_id: int, orders: Iterable[tuple[OrderRecord, Any, Any]]) -> Iterator[Row]:
    for record, at, on in orders:
        for line in record.lines:
            yield shop_id, record.order_id, *line, at, on


def _stored(at: datetime) -> str:
    """A moment as SQLAlchemy writes it into SQLite (see `tables.base.Moment`): UTC, without saying so."""
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"
