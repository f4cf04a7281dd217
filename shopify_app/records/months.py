"""Some days of a shop's sales as a table: what a snapshot's files hold."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Float,
    Integer,
    LargeBinary,
    String,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
    type_coerce,
)
from sqlalchemy.orm import Session

from shopify_app.tables import Order, OrderLine
from shopify_app.tables.orders import IS_SALE

if TYPE_CHECKING:
    import pyarrow as pa

NOTHING: Any = literal_column("''")
COMMA: Any = literal_column("','")
"""Written out: a parameter SQLite would copy for each row, which takes as long as the row itself."""
NOBODY = "-" * 32
"""Stands for a missing pseudonym on the way here: every value of a column is equally long."""
ORDER = {"order_id": "i8", "pseudonym": "S32", "created_at": "S26", "created_on": "S10"}
LINE = {"order_id": "i8", "line_id": "i8", "product_id": "i8", "units": "i4", "price": "f8"}
TEN_THOUSANDTHS = 10_000
"""Amounts have four decimals. SQLite hands over whole ten-thousandths: floats take ten times as long to understand."""
ELEVEN_DIGITS = 1e11
"""Below it, an amount times ten thousand is off by less than a fifth, so that rounding finds what was meant."""
EXACT = 2**53
"""Whole numbers up to here are floats as they are."""
Columns = Mapping[str, Any]


def sales(db: Session, shop_id: int, first_on: date, last_on: date) -> "pa.Table":
    """Sold lines of those days, by order and line: no test or cancelled orders, nothing that was given back.

    Columns: order_id, customer (pseudonym or null), product_id, units, price, created_at, created_on. The same rows
    give the same table, in whatever order they came and on whichever database.
    """
    import numpy as np

    orders, lines = _read(db, {"shop_id": shop_id, "first_on": first_on, "last_on": last_on})
    by_id = np.argsort(orders["order_id"])
    ids = orders["order_id"][by_id]
    place = np.minimum(np.searchsorted(ids, lines["order_id"]), max(len(ids) - 1, 0))
    sold = np.flatnonzero(ids[place] == lines["order_id"]) if len(ids) else np.array([], np.int64)
    sold = sold[np.lexsort((lines["line_id"][sold], lines["order_id"][sold]))]
    return _table(orders, lines, by_id[place[sold]], sold)


def _table(orders: Columns, lines: Columns, order: Any, line: Any) -> "pa.Table":
    import pyarrow as pa

    created_at, created_on = orders["created_at"].astype("M8[us]"), orders["created_on"].astype("M8[D]")
    return pa.table(
        {
            "order_id": _column(pa.int64(), lines["order_id"][line]),
            "customer": _pseudonyms(orders["pseudonym"][order]),
            "product_id": _column(pa.int64(), lines["product_id"][line]),
            "units": _column(pa.int32(), lines["units"][line]),
            "price": _column(pa.float64(), lines["price"][line]),
            "created_at": _column(pa.timestamp("us", "UTC"), created_at.astype("i8")[order]),
            "created_on": _column(pa.date32(), created_on.astype("i4")[order]),
        }
    )


def _column(kind: "pa.DataType", values: Any) -> "pa.Array":
    """An array's own memory as a column. Asked to convert it, pyarrow imports pandas, which costs more than a month."""
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _pseudonyms(values: Any) -> "pa.Array":
    import numpy as np
    import pyarrow as pa

    is_known = np.packbits(values != NOBODY.encode(), bitorder="little")
    begins = np.arange(len(values) + 1, dtype="i4") * len(NOBODY)
    memory = [pa.py_buffer(array) for array in (is_known, begins, values)]
    return pa.Array.from_buffers(pa.string(), len(values), memory)


@cache
def _statement(dialect: str) -> Any:
    """What reads orders and lines, each column packed into one value: a million rows as objects would cost seconds."""
    orders = select(*_packed(dialect, _order(dialect))).where(*_days(Order))
    lines = select(*_packed(dialect, _line(dialect))).where(*_days(OrderLine))
    placed = orders.where(*IS_SALE).subquery()
    sold = lines.where(OrderLine.units > 0, OrderLine.product_id.is_not(None)).subquery()
    return select(placed, sold).select_from(placed.join(sold, true()))  # one row beside one row


def _order(dialect: str) -> list[Any]:
    """An order's columns; times and days as text, to be understood thousands at once."""
    pseudonym = func.coalesce(Order.pseudonym, literal_column(f"'{NOBODY}'"))
    if dialect == "sqlite":
        return [Order.order_id, pseudonym, type_coerce(Order.created_at, String), type_coerce(Order.created_on, String)]
    at = func.to_char(func.timezone("UTC", Order.created_at), "YYYY-MM-DD HH24:MI:SS.US")
    texts = (pseudonym, at, func.to_char(Order.created_on, "YYYY-MM-DD"))
    return [Order.order_id, *(func.convert_to(text, "UTF8") for text in texts)]


def _line(dialect: str) -> list[Any]:
    """An order line's columns."""
    price = _ten_thousandths() if dialect == "sqlite" else cast(OrderLine.price_amount, Float(53))
    return [OrderLine.order_id, OrderLine.line_id, OrderLine.product_id, OrderLine.units, price]


def _ten_thousandths() -> ColumnElement[Any]:
    """How many of them a price is, to the nearest. A large price is taken apart: its parts are small again."""
    price = type_coerce(OrderLine.price_amount, Float)
    whole = cast(price, BigInteger)
    rest = cast(func.round((price - whole) * TEN_THOUSANDTHS), BigInteger)
    usual = price.between(0, ELEVEN_DIGITS), cast(price * TEN_THOUSANDTHS + 0.5, BigInteger)
    return case(usual, else_=whole * TEN_THOUSANDTHS + rest)


def _days(table: Any) -> list[Any]:
    between = table.created_on.between(bindparam("first_on", type_=Date), bindparam("last_on", type_=Date))
    return [table.shop_id == bindparam("shop_id", type_=Integer), between]


def _packed(dialect: str, columns: list[Any]) -> list[Any]:
    if dialect == "sqlite":
        between = (NOTHING if isinstance(column.type, String) else COMMA for column in columns)
        packed = map(func.group_concat, columns, between)
        return [cast(text, LargeBinary) for text in packed]
    return [func.array_send(func.array_agg(column)) for column in columns]


def _read(db: Session, days: Mapping[str, Any]) -> tuple[Columns, Columns]:
    """The columns of orders and of lines as arrays, straight from the driver."""
    dialect = db.get_bind().dialect.name
    (row,) = db.connection().execute(_statement(dialect), days)
    unpacked = _split if dialect == "sqlite" else _unpacked
    orders = {name: unpacked(value, kind) for (name, kind), value in zip(ORDER.items(), row, strict=False)}
    lines = {name: unpacked(value, kind) for (name, kind), value in zip(LINE.items(), row[len(ORDER) :], strict=True)}
    if any(len({len(column) for column in table.values()}) != 1 for table in (orders, lines)):
        raise ValueError("columns of the same rows are not equally long")
    return orders, lines


def _split(packed: bytes | None, kind: str) -> Any:
    """SQLite's concatenation: whole numbers between commas, texts of one length side by side."""
    import numpy as np

    text = packed or b""
    if kind.startswith("S"):
        return np.frombuffer(text, kind)
    return _amounts(np.fromstring(text, "i8", sep=",")) if kind == "f8" else np.fromstring(text, kind, sep=",")


def _amounts(ten_thousandths: Any) -> Any:
    """The floats nearest to these amounts, which is what PostgreSQL makes of them.

    Dividing is exact to the last bit for numbers that are floats themselves. Beyond, the whole part is one, and what
    the rest lacks is too little to move a sum as large as that to another float.
    """
    import numpy as np

    amounts = ten_thousandths / TEN_THOUSANDTHS
    large = np.flatnonzero(np.abs(ten_thousandths) > EXACT)
    whole, rest = np.divmod(ten_thousandths[large], TEN_THOUSANDTHS)
    amounts[large] = whole + rest / TEN_THOUSANDTHS
    return amounts


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
