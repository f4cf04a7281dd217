"""What happened: units sold per product and day, in the frames that forecasts are compared with."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shopify_app.tables import Order, OrderLine
from shopify_app.tables.orders import IS_SALE, SAME_ORDER

if TYPE_CHECKING:
    import pandas as pd


def units(db: Session, shop_id: int, first: date, last: date) -> "pd.DataFrame":
    """Units per product and day, both days inclusive: columns `series` (text), `ds` (day), `units` (float).

    Test and cancelled orders do not count; refunded units are gone from their lines already.
    """
    import numpy as np
    import pandas as pd

    rows = db.execute(_units_by(_sold(shop_id, first, last), OrderLine.product_id, OrderLine.created_on)).all()
    products, days, sold = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame(
        {
            "series": np.array(products, dtype="U20"),
            "ds": np.array(days, dtype="datetime64[s]"),
            "units": np.array(sold, dtype=np.float64),
        }
    )


def total_by_day(db: Session, shop_id: int, first: date, last: date) -> dict[date, float]:
    """Units the whole shop sold on each day that sold any."""
    rows = db.execute(_units_by(_sold(shop_id, first, last), OrderLine.created_on))
    return {day_on: float(sold) for day_on, sold in rows}


def product_by_day(db: Session, shop_id: int, product_id: int, first: date, last: date) -> dict[date, float]:
    """Units one product sold on each day that sold any."""
    sold = [*_sold(shop_id, first, last), OrderLine.product_id == product_id]
    rows = db.execute(_units_by(sold, OrderLine.created_on))
    return {day_on: float(sold) for day_on, sold in rows}


def by_product_and_day(
    db: Session, shop_id: int, first: date, last: date, only: Sequence[int] | None = None
) -> Iterator[tuple[int, date, float]]:
    """Product, day and units of every day on which a product sold any: of all products, or of these only."""
    sold = _sold(shop_id, first, last)
    if only is not None:
        sold.append(OrderLine.product_id.in_(list(only)))
    rows = db.execute(_units_by(sold, OrderLine.product_id, OrderLine.created_on))
    yield from ((product_id, day_on, float(units)) for product_id, day_on, units in rows)


def orders(db: Session, shop_id: int, first: date, last: date) -> int:
    """How many counting orders the days had."""
    span = Order.shop_id == shop_id, Order.created_on >= first, Order.created_on <= last
    return db.scalar(select(func.count()).select_from(Order).where(*span, *IS_SALE)) or 0


def baskets(db: Session, shop_id: int, first: date, last: date) -> dict[int, list[int]]:
    """Distinct products of each order of those days, oldest order first."""
    rows = db.execute(
        select(OrderLine.order_id, OrderLine.product_id)
        .join(Order, SAME_ORDER)
        .where(*_sold(shop_id, first, last))
        .group_by(OrderLine.order_id, OrderLine.product_id)
        .order_by(func.min(OrderLine.created_at), OrderLine.order_id, OrderLine.product_id)
    )
    gathered: dict[int, list[int]] = {}
    for order_id, product_id in rows:
        if product_id is not None:
            gathered.setdefault(order_id, []).append(product_id)
    return gathered


def _sold(shop_id: int, first: date, last: date) -> list[ColumnElement[bool]]:
    """Lines of the shop's counting orders of those days that hold units of a product."""
    span = OrderLine.shop_id == shop_id, OrderLine.created_on >= first, OrderLine.created_on <= last
    return [*span, OrderLine.product_id.is_not(None), OrderLine.units > 0, *IS_SALE]


def _units_by(sold: Sequence[ColumnElement[bool]], *columns: Any) -> Any:
    return select(*columns, func.sum(OrderLine.units)).join(Order, SAME_ORDER).where(*sold).group_by(*columns)
