"""Order lines, many at a time."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from shopify_app.records.payloads import LineRecord, OrderRecord
from shopify_app.tables import OrderLine

COLUMNS = (
    *("shop_id", "order_id", "line_id", "product_id", "variant_id", "units", "price_amount"),
    *("beside_id", "test_arm", "created_at", "created_on"),
)

Row = tuple[Any, ...]
Noted = tuple[int | None, str | None]
"""A line's `beside_id` and `test_arm`."""
CHOICES = select(OrderLine.order_id, OrderLine.line_id, OrderLine.beside_id, OrderLine.test_arm).where(
    OrderLine.shop_id == bindparam("shop_id"),
    OrderLine.order_id.in_(bindparam("some", expanding=True)),
    OrderLine.beside_id.is_not(None) | OrderLine.test_arm.is_not(None),
)


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


def named(record: OrderRecord, products: Mapping[int, int]) -> OrderRecord:
    """The order with the products of lines that do not say theirs (any more): Shopify forgets it with the product."""
    if all(line.product_id is not None for line in record.lines):
        return record
    lines = (
        line._replace(product_id=products.get(line.line_id)) if line.product_id is None else line
        for line in record.lines
    )
    return replace(record, lines=tuple(lines))


def chosen(record: OrderRecord, noted: Mapping[int, Noted]) -> OrderRecord:
    """The order with what our blocks noted on its lines, where these do not say so: only webhooks do."""
    if all(line.beside_id is not None and line.test_arm for line in record.lines):
        return record
    return replace(record, lines=tuple(_noted(line, *noted.get(line.line_id, (None, None))) for line in record.lines))


def _noted(line: LineRecord, beside_id: int | None, test_arm: str | None) -> LineRecord:
    return line._replace(
        beside_id=beside_id if line.beside_id is None else line.beside_id, test_arm=line.test_arm or test_arm
    )


def keep_choices(
    db: Session, shop_id: int, records: dict[int, OrderRecord], newer: Collection[int], older: Collection[int]
) -> None:
    """What our blocks once noted stays so, in whatever order versions come; see `keep_products`."""
    here: dict[int, dict[int, Noted]] = {}
    mine = {"shop_id": shop_id, "some": list(newer)}
    for order_id, line_id, beside_id, test_arm in db.execute(CHOICES, mine) if newer else ():
        here.setdefault(order_id, {})[line_id] = (beside_id, test_arm)
    for number, known in here.items():
        records[number] = chosen(records[number], known)
    for number in older:
        for line in records[number].lines:
            if line.beside_id is not None or line.test_arm is not None:
                one = OrderLine.shop_id == shop_id, OrderLine.order_id == number, OrderLine.line_id == line.line_id
                noted = {
                    "beside_id": func.coalesce(OrderLine.beside_id, line.beside_id),
                    "test_arm": func.coalesce(OrderLine.test_arm, line.test_arm),
                }
                db.execute(update(OrderLine).where(*one).values(noted).execution_options(synchronize_session=False))


def keep_products(
    db: Session, shop_id: int, records: dict[int, OrderRecord], newer: Collection[int], older: Collection[int]
) -> set[int]:
    """What was once sold as a product stays so, in whatever order the versions come.

    Newer versions of orders take what they do not say from our rows, and our rows take it from older versions; which
    orders that changed. The order's numbers in `newer` and `older` are those that `records` holds such versions of.
    """
    nameless = [number for number in newer if any(line.product_id is None for line in records[number].lines)]
    if not nameless and not older:
        return set()
    here: dict[int, dict[int, int | None]] = {}
    mine = OrderLine.shop_id == shop_id, OrderLine.order_id.in_([*nameless, *older])
    for order_id, line_id, product_id in db.execute(
        select(OrderLine.order_id, OrderLine.line_id, OrderLine.product_id).where(*mine)
    ):
        here.setdefault(order_id, {})[line_id] = product_id
    for number in nameless:
        known = {line_id: product for line_id, product in here.get(number, {}).items() if product is not None}
        records[number] = named(records[number], known)
    told = [(number, line) for number in older for line in records[number].lines if line.product_id is not None]
    wanted = [(number, line) for number, line in told if here.get(number, {}).get(line.line_id, 0) is None]
    for number, line in wanted:
        one = OrderLine.shop_id == shop_id, OrderLine.order_id == number, OrderLine.line_id == line.line_id
        product = {"product_id": line.product_id, "variant_id": line.variant_id}
        db.execute(update(OrderLine).where(*one).values(**product).execution_options(synchronize_session=False))
    return {number for number, _ in wanted}


def _rows(shop_id: int, orders: Iterable[tuple[OrderRecord, Any, Any]]) -> Iterator[Row]:
    for record, at, on in orders:
        for line in record.lines:
            yield shop_id, record.order_id, *line, at, on


def _stored(at: datetime) -> str:
    """A moment as SQLAlchemy writes it into SQLite (see `tables.base.Moment`): UTC, without saying so."""
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"
