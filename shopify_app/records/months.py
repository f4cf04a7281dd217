"""One month of a shop's sales as a table: what a snapshot is made of."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, String, cast, func, select, type_coerce
from sqlalchemy.orm import Session

from shopify_app.tables import Order, OrderLine

if TYPE_CHECKING:
    import pyarrow as pa

LINE = [("order_id", "i8"), ("line_id", "i8"), ("product_id", "i8"), ("units", "i4"), ("price", "f8")]


def last_day(month_on: date) -> date:
    """The last day of the month that starts on `month_on`."""
    return (month_on + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def sales(db: Session, shop_id: int, first_on: date, until_on: date) -> "pa.Table":
    """Sold lines of those days, by order and line: no test or cancelled orders, nothing that was given back.

    Columns: order_id, customer (pseudonym or null), product_id, units, price, created_at, created_on. The same rows
    give the same table, in whatever order they came and on whichever database.
    """
    import numpy as np
    import pyarrow as pa

    orders = _columns(db, _orders(db, shop_id, first_on, until_on), 4)
    lines = np.fromiter(_rows(db, _lines(shop_id, first_on, until_on)), LINE)
    counting = np.array(orders[0], np.int64)
    position = np.searchsorted(counting, lines["order_id"])
    position[position == len(counting)] = 0
    sold = np.flatnonzero(counting[position] == lines["order_id"]) if len(counting) else np.array([], np.int64)
    sold = sold[np.lexsort((lines["line_id"][sold], lines["order_id"][sold]))]
    lines, of_order = lines[sold], pa.array(position[sold])
    return pa.table(
        {
            "order_id": pa.array(lines["order_id"].copy()),
            "customer": pa.array(orders[1], pa.string()).take(of_order),
            "product_id": pa.array(lines["product_id"].copy()),
            "units": pa.array(lines["units"].copy()),
            "price": pa.array(lines["price"].copy()),
            "created_at": _moments(orders[2]).take(of_order),
            "created_on": pa.array(orders[3], pa.string()).cast(pa.date32()).take(of_order),
        }
    )


def _orders(db: Session, shop_id: int, first_on: date, until_on: date) -> Any:
    return (
        select(Order.order_id, Order.pseudonym, _text(db, Order.created_at), _text(db, Order.created_on))
        .where(Order.shop_id == shop_id, Order.created_on.between(first_on, until_on))
        .where(Order.is_test.is_(False), Order.cancelled_at.is_(None))
        .order_by(Order.order_id)
    )


def _lines(shop_id: int, first_on: date, until_on: date) -> Any:
    price = cast(OrderLine.price_amount, Float(53))
    return (
        select(OrderLine.order_id, OrderLine.line_id, OrderLine.product_id, OrderLine.units, price)
        .where(OrderLine.shop_id == shop_id, OrderLine.created_on.between(first_on, until_on))
        .where(OrderLine.units > 0, OrderLine.product_id.is_not(None))
    )


def _text(db: Session, column: Any) -> Any:
    """Times and days as text: a million of them are parsed at once later, rather than one by one here."""
    if db.get_bind().dialect.name == "sqlite":
        return type_coerce(column, String)
    form = "YYYY-MM-DD" if column is Order.created_on else "YYYY-MM-DD HH24:MI:SS.US"
    return func.to_char(column if column is Order.created_on else func.timezone("UTC", column), form)


def _rows(db: Session, statement: Any) -> Any:
    """The result straight from the driver: no column here needs translating."""
    return db.connection().execute(statement).cursor or ()


def _columns(db: Session, statement: Any, width: int) -> list[Any]:
    rows = list(_rows(db, statement))
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _moments(texts: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.assume_timezone(pa.array(texts, pa.string()).cast(pa.timestamp("us")), "UTC")
