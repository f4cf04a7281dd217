"""Feeds: what is read from Shopify again and again, how far it is, and which of it is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.records import jobs
from shopify_app.tables import Feed, Shop, ShopState

ORDERS, CATALOGUE = "orders", "catalogue"
JOBS = {ORDERS: "reconcile", CATALOGUE: "catalogue"}
"""The job that reads each feed."""
EVERY = {ORDERS: timedelta(days=1), CATALOGUE: timedelta(hours=4)}


@dataclass(frozen=True)
class Due:
    """A feed of a shop that was not read for too long; at once, without a time to read it at."""

    shop_id: int
    job: str
    cause: str
    due_at: datetime | None = None


def of(db: Session, shop_id: int, kind: str) -> Feed | None:
    """How far this feed of the shop is; None before it was read once."""
    return db.get(Feed, (shop_id, kind), populate_existing=True)


def done(
    db: Session,
    shop_id: int,
    kind: str,
    *,
    reached_at: datetime | None = None,
    told: Mapping[str, Any] | None = None,
) -> None:
    """The feed was read to its end just now. `reached_at` only moves on."""
    fresh = insert(db, Feed).values(
        shop_id=shop_id, kind=kind, reached_at=reached_at, checked_at=clock.now(), told=dict(told or {})
    )
    later = or_(Feed.reached_at.is_(None), Feed.reached_at < fresh.excluded.reached_at)
    values = {
        "checked_at": fresh.excluded.checked_at,
        "told": fresh.excluded.told,
        "reached_at": case((later, fresh.excluded.reached_at), else_=Feed.reached_at),
    }
    db.execute(fresh.on_conflict_do_update(index_elements=["shop_id", "kind"], set_=values))


def due(db: Session, now: datetime) -> list[Due]:
    """Feeds of installed shops whose time has come. Before its history was read, a shop has none.

    Not what is asked for already; what was given up is due again when its time has come again.
    """
    return [one for kind in EVERY for one in _due(db, kind, now)]


def _due(db: Session, kind: str, now: datetime) -> list[Due]:
    before = now - EVERY[kind]
    installed = select(Feed.shop_id, Feed.checked_at).join(Shop).where(Shop.state == ShopState.INSTALLED)
    found = installed.where(
        Feed.kind == kind,
        Feed.checked_at <= before,
        Feed.shop_id.not_in(jobs.shops_served(JOBS[kind], now, before)),
    )
    return [
        Due(shop_id, JOBS[kind], f"last read {checked_at:%Y-%m-%d %H:%M} UTC")
        for shop_id, checked_at in db.execute(found.order_by(Feed.checked_at, Feed.shop_id))
        if checked_at is not None
    ]
