"""Some days of a shop's sales as a table: what a snapshot's files hold."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Float,
    Integer,
    String,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from shopify_app.tables import Order, OrderLine

if TYPE_CHECKING:
    import pyarrow as pa

NOBODY = "-" * 32
"""Stands for a missing pseudonym on the way here: every value of a column is equally long."""
ORDER = {"order_id": "i8", "pseudonym": "S32", "created_at": "S26", "created_on": "S10"}
LINE = {"order_id": "i8", "line_id": "i8", "product_id": "i8", "units": "i4", "price": "f8"}
ELEVEN_DIGITS = 1e11
"""With the four that an amount has after its point they are fifteen."""
Columns = Mapping[str, Any]


def sales(db: Session, shop_id: int, first_on: date, last_on: date) -> "pa.Table":
    """Sold lines of those days, by order and line: no test or cancelled orders, nothing that was given back.

    Columns: order_id, customer (pseudonym or null), product_id, units, price, created_at, created_on. The same rows
    give the same table, in whatever order they came and on whichever database.
    """
    import numpy as np

    of_orders, of_lines = _statements(db.get_bind().dialect.name)
    days = {"shop_id": shop_id, "first_on": first_on, "last_on": last_on}
    orders = _read(db, of_orders, ORDER, days)
    lines = _read(db, of_lines, LINE, days)
    by_id = np.argsort(orders["order_id"])
    ids = orders["order_id"][by_id]
    place = np.minimum(np.searchsorted(ids, lines["order_id"]), max(len(ids) - 1, 0))
    sold = np.flatnonzero(ids[place] == lines["order_id"]) if len(ids) else np.array([], np.int64)
    sold = sold[np.lexsort((lines["line_id"][sold], lines["order_id"][sold]))]
    return _table(orders, lines, by_id[place[sold]], sold)


def _table(orders: Columns, lines: Columns, order: Any, line: Any) -> "pa.Table":
    import pyarrow as pa

    def of_order(column: "pa.Array") -> "pa.Array":
        return column.take(pa.array(order))

    return pa.table(
        {
            "order_id": pa.array(lines["order_id"][line]),
            "customer": of_order(_pseudonyms(orders["pseudonym"])),
            "product_id": pa.array(lines["product_id"][line]),
            "units": pa.array(lines["units"][line]),
            "price": pa.array(lines["price"][line]),
            "created_at": of_order(pa.array(orders["created_at"].astype("M8[us]")).cast(pa.timestamp("us", "UTC"))),
            "created_on": of_order(pa.array(orders["created_on"].astype("M8[D]"))),
        }
    )


def _pseudonyms(values: Any) -> "pa.Array":
    import pyarrow as pa

    return pa.array(values, pa.binary(), mask=values == NOBODY.encode()).cast(pa.string())


@cache
def _statements(dialect: str) -> tuple[Any, Any]:
    """What reads orders and lines, each column packed into one value: a million rows as objects would cost seconds."""
    orders = select(*_packed(dialect, _order(dialect))).where(*_days(Order))
    lines = select(*_packed(dialect, _line(dialect))).where(*_days(OrderLine))
    return (
        orders.where(Order.is_test.is_(False), Order.cancelled_at.is_(None)),
        lines.where(OrderLine.units > 0, OrderLine.product_id.is_not(None)),
    )


def _order(dialect: str) -> list[Any]:
    """An order's columns; times and days as text, to be understood thousands at once."""
    pseudonym = func.coalesce(Order.pseudonym, literal(NOBODY))
    if dialect == "sqlite":
        return [Order.order_id, pseudonym, type_coerce(Order.created_at, String), type_coerce(Order.created_on, String)]
    at = func.to_char(func.timezone("UTC", Order.created_at), "YYYY-MM-DD HH24:MI:SS.US")
    texts = (pseudonym, at, func.to_char(Order.created_on, "YYYY-MM-DD"))
    return [Order.order_id, *(func.convert_to(text, "UTF8") for text in texts)]


def _line(dialect: str) -> list[Any]:
    """An order line's columns. SQLite writes a number with fifteen digits unless asked for more, which takes longer."""
    price: ColumnElement[Any] = cast(OrderLine.price_amount, Float(53))
    if dialect == "sqlite":
        price = case((func.abs(price) < ELEVEN_DIGITS, price), else_=func.printf("%!.17g", price, type_=Float))
    return [OrderLine.order_id, OrderLine.line_id, OrderLine.product_id, OrderLine.units, price]


def _days(table: Any) -> list[Any]:
    between = table.created_on.between(bindparam("first_on", type_=Date), bindparam("last_on", type_=Date))
    return [table.shop_id == bindparam("shop_id", type_=Integer), between]


def _packed(dialect: str, columns: list[Any]) -> list[Any]:
    if dialect == "sqlite":
        return [func.group_concat(column, "" if isinstance(column.type, String) else ",") for column in columns]
    return [func.array_send(func.array_agg(column)) for column in columns]


def _read(db: Session, statement: Any, types: Mapping[str, str], days: Mapping[str, Any]) -> Columns:
    """The columns as arrays, straight from the driver."""
    (row,) = db.connection().execute(statement, days)
    unpacked = _split if db.get_bind().dialect.name == "sqlite" else _unpacked
    found = {name: unpacked(value, types[name]) for name, value in zip(types, row, strict=True)}
    if len({len(column) for column in found.values()}) != 1:
        raise ValueError("columns of the same rows are not equally long")
    return found


def _split(packed: str | None, kind: str) -> Any:
    """SQLite's concatenation: numbers between commas, texts of one length side by side."""
    import numpy as np

    text = packed or ""
    return np.frombuffer(text.encode(), kind) if kind.startswith("S") else np.fromstring(text, kind, sep=",")


def _unpacked(packed: bytes | None, kind: str) -> Any:
    """PostgreSQL's array on the wire: a head of 20 bytes, then each value after its length."""
    import numpy as np

    big_endian = kind if kind.startswith("S") else f">{kind}"
    values = np.frombuffer(
        packed or b"", np.dtype([("length", ">i4"), ("value", big_endian)]), offset=20 if packed else 0
    )
    if (values["length"] != values.dtype["value"].itemsize).any():
        raise ValueError("a column holds values of other lengths than it should")
    return values["value"].astype(kind)
