"""Which recommendation lists a shop should show, and which of them differ from what it shows now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ml.recommend.neighbours import NeighbourTable
from shopify_app import clock
from shopify_app.db import insert
from shopify_app.lifecycle import shelf
from shopify_app.lifecycle.picking import pick
from shopify_app.tables import Product, PublishedList

SPARE = 2
"""Lists are this many times as long as what is shown, so that a sold-out product leaves no hole."""


@dataclass(frozen=True)
class ListChange:
    """A list to write: the product, its neighbours in order, and the digest of what is there now (None: nothing)."""

    product_id: int
    neighbours: tuple[int, ...]
    digest: str | None


def pages(db: Session, shop_id: int, after: int = 0, most: int | None = None) -> list[int]:
    """The shop's next `most` products after this one that have a page, by number."""
    mine = Product.shop_id == shop_id, Product.deleted_at.is_(None), Product.is_published
    following = select(Product.product_id).where(*mine, Product.product_id > after)
    return list(db.scalars(following.order_by(Product.product_id).limit(most)))


def changes(
    db: Session, shop_id: int, table: NeighbourTable, length: int, among: Sequence[int] | None = None
) -> list[ListChange]:
    """Every list that differs from the published one, as the shop's rules want it; only `among` these pages, if given.

    Sold-out products keep their page and so their list; one that is gone or hidden has none to write. A list of which
    nothing may be shown any more is emptied, so that the theme falls back on Shopify's own.
    """
    on_sale = shelf.look(db, shop_id)
    found = pages(db, shop_id) if among is None else among
    shown = {row.product_id: row for row in db.scalars(_published(shop_id, found))} if found else {}
    changed = []
    for product_id in found:
        fresh = pick(table, [product_id], length * SPARE, on_sale)
        row = shown.get(product_id)
        if fresh != (tuple(row.neighbours) if row else ()):
            changed.append(ListChange(product_id, fresh, row.digest if row else None))
    return changed


def note(db: Session, shop_id: int, version_id: int, written: Iterable[tuple[ListChange, str | None]]) -> None:
    """Remember what a product's metafield holds now, with Shopify's digest of it."""
    rows = [
        {
            "shop_id": shop_id,
            "product_id": change.product_id,
            "neighbours": list(change.neighbours),
            "digest": digest,
            "version_id": version_id,
            "published_at": clock.now(),
        }
        for change, digest in written
    ]
    if rows:
        row = insert(db, PublishedList)
        fresh = {name: row.excluded[name] for name in ("neighbours", "digest", "version_id", "published_at")}
        newer = row.on_conflict_do_update(index_elements=["shop_id", "product_id"], set_=fresh)
        db.connection().execute(newer, rows)


def learn(db: Session, shop_id: int, product_id: int, digest: str | None, neighbours: Iterable[int] = ()) -> None:
    """Somebody else's write won: remember it and its digest, so that the next try replaces exactly that."""
    there = {"digest": digest, "neighbours": list(neighbours)}
    row = insert(db, PublishedList).values(
        shop_id=shop_id, product_id=product_id, version_id=0, published_at=clock.now(), **there
    )
    fresh: dict[str, Any] = there
    db.execute(row.on_conflict_do_update(index_elements=["shop_id", "product_id"], set_=fresh))


def _published(shop_id: int, among: Sequence[int]) -> Select[PublishedList]:
    there = PublishedList.product_id.between(among[0], among[-1])
    return select(PublishedList).where(PublishedList.shop_id == shop_id, there)
