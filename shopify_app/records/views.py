"""What visitors looked at: kept once, under a pseudonym, for a while, and forgotten with the customer it leads to."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from shopify_app.db import Database, count, insert_for
from shopify_app.policy import Policy
from shopify_app.records import parts, pieces, steps, tombstones
from shopify_app.records.keys import Secret
from shopify_app.tables import Shop, View, ViewKind
from shopify_app.tables.base import LARGEST_ID

VIEWS: Any = View.__table__


@dataclass(frozen=True)
class Seen:
    """One thing that a browser says happened. `browser` is its own name for itself; it is stored nowhere."""

    event_id: str
    kind: ViewKind
    browser: str
    product_id: int | None = None
    beside_id: int | None = None
    order_id: int | None = None
    test: int | None = None
    arm: str | None = None
    heard_at: datetime | None = None
    """When it came in, which may be before it is kept: visitors' ways follow from it."""


def keep(db: Session, secret: Secret, seen: Sequence[Seen], now: datetime, on: date | None = None) -> int:
    """Store what is new; what came before, or leads to a buyer who was forgotten, is not. How many were new.

    on: the shop's business day. Once a week closes, or one before it changes, snapshots count its steps anew.
    """
    gone = tombstones.among(db, secret, "buyer", {one.order_id for one in seen if one.order_id is not None})
    rows = [
        {
            "shop_id": secret.shop_id,
            "event_id": one.event_id,
            "kind": one.kind.value,
            "visitor": visitor(secret, one.browser),
            "seen_at": one.heard_at or now,
            "viewed_on": on,
            "product_id": one.product_id,
            "beside_id": one.beside_id,
            "order_id": one.order_id,
            "test": one.test,
            "arm": one.arm,
        }
        for one in seen
        if one.order_id not in gone
    ]
    if on is not None and steps.week_of(on) != steps.open_week(db, secret.shop_id):
        parts.views_changed(db, secret.shop_id)
    return len(db.scalars(_inserting(db.get_bind().dialect.name), rows).all()) if rows else 0


@cache
def _inserting(dialect: str) -> Any:
    return insert_for(dialect, VIEWS).on_conflict_do_nothing().returning(VIEWS.c.id)


def since(db: Session, shop_id: int, moment: datetime, most: int) -> int:
    """How many were kept since that moment, or `most` when there are more."""
    found = select(View.id).where(View.shop_id == shop_id, View.seen_at >= moment).limit(most)
    return db.scalars(select(func.count()).select_from(found.subquery())).one()


def visitor(secret: Secret, browser: str) -> int:
    """The pseudonym of a browser in this shop: the same each time, and nothing to anybody without the shop's secret."""
    digest = hashlib.blake2b(f"{secret.shop_id} browser {browser}".encode(), digest_size=8).digest()
    return secret.mark_of(int.from_bytes(digest, "big") >> 1)


def retire(database: Database, shop: Shop, now: datetime, most: int = LARGEST_ID) -> int:
    """Delete what is older than the shop keeps it, a few rows in a transaction, about `most` of them; how many."""
    limit = now - timedelta(days=Policy.of(shop.settings).keep_views_days)
    total = pieces.delete(database, partial(_oldest_gone, shop_id=shop.id, limit=limit), pieces.FEW, most)
    if total:
        with database.transaction() as db:
            parts.views_changed(db, shop.id)
    return total


def forget(db: Session, shop_id: int, order_ids: Collection[int]) -> int:
    """Delete everything that was seen in the browsers these orders were placed in; how many."""
    return _gone(db, shop_id, *_in_browsers(shop_id, order_ids)) if order_ids else 0


def about(db: Session, shop_id: int, order_ids: Collection[int]) -> list[dict[str, Any]]:
    """Everything that was seen in those browsers, as stored, for the person it is about."""
    found = select(*View.__table__.c).where(*_in_browsers(shop_id, order_ids)).order_by(View.id)
    return [dict(row._mapping) for row in db.execute(found)] if order_ids else []


def _oldest_gone(db: Session, shop_id: int, limit: datetime) -> int:
    old = select(View.id).where(View.shop_id == shop_id, View.seen_at < limit).order_by(View.seen_at).limit(pieces.FEW)
    return count(db, delete(View).where(View.id.in_(old)))


def _gone(db: Session, shop_id: int, *which: ColumnElement[bool]) -> int:
    gone = count(db, delete(View).where(*which))
    if gone:
        parts.views_changed(db, shop_id)
    return gone


def _in_browsers(shop_id: int, order_ids: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    theirs = select(View.visitor).where(View.shop_id == shop_id, View.order_id.in_(sorted(order_ids)))
    return View.shop_id == shop_id, View.visitor.in_(theirs)
