"""What was erased and must stay so, whatever arrives late. The list itself tells nobody's number: it keeps hashes."""

import hashlib
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.tables import Tombstone


def put(db: Session, shop_id: int, kind: str, shopify_id: int) -> None:
    """Remember that a `customer` or `order` was erased."""
    mark = _mark(shop_id, kind, shopify_id)
    row = insert(db, Tombstone).values(shop_id=shop_id, kind=kind, shopify_id=mark, erased_at=clock.now())
    db.execute(row.on_conflict_do_nothing())


def among(db: Session, shop_id: int, kind: str, shopify_ids: Collection[int]) -> set[int]:
    """Which of these were erased."""
    if not shopify_ids:
        return set()
    marks = {_mark(shop_id, kind, shopify_id): shopify_id for shopify_id in shopify_ids}
    wanted = Tombstone.shop_id == shop_id, Tombstone.kind == kind, Tombstone.shopify_id.in_(list(marks))
    return {marks[mark] for mark in db.scalars(select(Tombstone.shopify_id).where(*wanted))}


def _mark(shop_id: int, kind: str, shopify_id: int) -> int:
    """63 bits that stand for an id."""
    digest = hashlib.blake2b(f"{shop_id} {kind} {shopify_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
