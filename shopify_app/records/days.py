"""A shop's business time and what follows from it: a night's work after each day, a retrain after so many orders."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlalchemy import Integer, bindparam, case, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from shopify_app import clock
from shopify_app.policy import Policy
from shopify_app.records import jobs
from shopify_app.records.turns import happened
from shopify_app.tables import Shop
from shopify_app.tables.base import Moment

BY_ORDERS = "new orders"
"""How the cause of a retrain by orders ends."""
FOLLOWED = (Shop.business_at, Shop.business_on, Shop.orders_counted, Shop.orders_at_retrain, Shop.settings)
AT = bindparam("at", type_=Moment())
MOVED = (
    update(Shop)
    .where(Shop.id == bindparam("of_shop"))
    .values(
        business_at=case((Shop.business_at > AT, Shop.business_at), else_=AT),
        orders_counted=Shop.orders_counted + bindparam("more", type_=Integer()),
    )
    .returning(*FOLLOWED)
    .execution_options(synchronize_session=False)
)
"""Made once: every order repeats it."""


def advance(
    db: Session, shop: Shop, moments: Collection[datetime], *, new_orders: int = 0, business_clock: str = "wall"
) -> None:
    """Things happened in the shop at these moments: move its business time on, count its new orders.

    Writes the retrain job when enough orders have come, once, in the caller's transaction. With the data's own clock,
    an event of a new day closes the day before.
    """
    _move(db, shop, max(moments), new_orders)
    if new_orders:
        _retrain_if_due(db, shop)
    if business_clock == "data":
        for on in sorted({clock.day_in(moment, shop.time_zone) for moment in moments}):
            open_day(db, shop, on)


def open_day(db: Session, shop: Shop, on: date) -> bool:
    """`on` is the shop's day now. When it is a new one, the days before it are over: ask for their night's work.

    False when the day is open already; of several who notice a new day, one wins. A shop's very first day closes none.
    """
    before = shop.business_on
    if before is not None and before >= on:
        return False
    older = Shop.business_on.is_(None) if before is None else Shop.business_on < on
    if not happened(db, update(Shop).where(Shop.id == shop.id, older).values(business_on=on)):
        return False
    set_committed_value(shop, "business_on", on)
    if before is not None:
        closed_on = on - timedelta(days=1)
        payload = {"closed_on": closed_on.isoformat()}
        jobs.ask(db, shop.id, "night", f"{closed_on} is over", payload=payload)
    return True


def settle(db: Session, shop: Shop) -> None:
    """Open the day that the shop's newest event fell on, without a night's work: history has no nights."""
    on = clock.day_in(shop.business_at or clock.now(), shop.time_zone)
    older = Shop.business_on.is_(None) | (Shop.business_on < on)
    if happened(db, update(Shop).where(Shop.id == shop.id, older).values(business_on=on)):
        set_committed_value(shop, "business_on", on)


def _move(db: Session, shop: Shop, moment: datetime, new_orders: int) -> None:
    told = {"of_shop": shop.id, "at": moment, "more": new_orders}
    for column, value in zip(FOLLOWED, db.execute(MOVED, told).one(), strict=True):
        set_committed_value(shop, column.key, value)


def _retrain_if_due(db: Session, shop: Shop) -> None:
    """Ask once per threshold; orders beyond it count towards the next one."""
    wanted, seen = Policy.of(shop.settings).retrain_orders, shop.orders_at_retrain
    since = shop.orders_counted - seen
    if since < wanted:
        return
    reached = shop.orders_counted - since % wanted
    due = Shop.id == shop.id, Shop.orders_at_retrain == seen
    if happened(db, update(Shop).where(*due).values(orders_at_retrain=reached)):
        set_committed_value(shop, "orders_at_retrain", reached)
        jobs.ask(db, shop.id, "retrain", f"{wanted} {BY_ORDERS}")
