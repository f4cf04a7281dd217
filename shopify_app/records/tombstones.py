"""What was erased and must stay so, whatever arrives late. The list itself tells nobody's number: it keeps marks."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.records.keys import Secret
from shopify_app.tables import Tombstone


def put(db: Session, secret: Secret, kind: str, shopify_ids: Collection[int]) -> None:
    """Remember that these were erased: a `customer`, an `order`, or the `buyer` of an order."""
    put_marks(db, secret.shop_id, kind, [secret.mark(kind, one) for one in shopify_ids])


def put_marks(db: Session, shop_id: int, kind: str, marks: Collection[int]) -> None:
    """The same by their marks."""
    at = clock.now()
    rows = [{"shop_id": shop_id, "kind": kind, "mark": mark, "erased_at": at} for mark in sorted(marks)]
    if rows:
        db.execute(insert(db, Tombstone).on_conflict_do_nothing(), rows)


def among(db: Session, secret: Secret, kind: str, shopify_ids: Collection[int]) -> set[int]:
    """Which of these were erased."""
    if not shopify_ids:
        return set()
    marks = {secret.mark(kind, shopify_id): shopify_id for shopify_id in shopify_ids}
    wanted = Tombstone.shop_id == secret.shop_id, Tombstone.kind == kind, Tombstone.mark.in_(list(marks))
    return {marks[row[0]] for row in db.connection().execute(select(Tombstone.mark).where(*wanted))}
