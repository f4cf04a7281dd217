"""Which recommendation lists a shop should show, and which of them differ from what it shows now."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ml.recommend.neighbours import NeighbourTable
from shopify_app import clock
from shopify_app.db import insert
from shopify_app.tables import Product, PublishedList

PIECE = 500
SPARE = 2
"""Lists are this many times as long as what is shown, so that a sold-out product leaves no hole."""


@dataclass(frozen=True)
class ListChange:
    """A list to write: the product, its neighbours in order, and the digest of what is there now (None: nothing)."""

    product_id: int
    neighbours: tuple[int, ...]
    digest: str | None


def sellable(db: Session, shop_id: int) -> frozenset[int]:
    """Products that a shopper can buy today: published, not deleted, priced and not known to be out of stock."""
    on_sale = select(Product.product_id).where(
        Product.shop_id == shop_id,
        Product.deleted_at.is_(None),
        Product.is_published,
        (Product.price_amount.is_(None)) | (Product.price_amount > 0),
        (Product.units_in_stock.is_(None)) | (Product.units_in_stock > 0),
    )
    # From the driver, a piece at a time: 100,000 rows by way of the session hold up a web server's threads for 60 ms.
    cursor: Any = db.connection().execute(on_sale).cursor
    pieces = iter(lambda: cursor.fetchmany(PIECE), [])
    return frozenset(product_id for piece in pieces for (product_id,) in piece)


def changes(db: Session, shop_id: int, table: NeighbourTable, length: int) -> list[ListChange]:
    """Every list that differs from the published one; products without neighbours get what sells most."""
    allowed = sellable(db, shop_id)
    shown = {row.product_id: row for row in db.scalars(_published(shop_id))}
    popular = [product for product in (int(p) for p in table.popular) if product in allowed]
    wanted = length * SPARE
    changed = []
    for product_id in sorted(allowed | (shown.keys() & allowed)):
        fresh = _list(table, product_id, allowed, popular, wanted)
        row = shown.get(product_id)
        if fresh and (row is None or tuple(row.neighbours) != fresh):
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


def learn(db: Session, shop_id: int, product_id: int, digest: str | None) -> None:
    """Somebody else's write won: remember its digest, so that the next try replaces exactly that."""
    row = insert(db, PublishedList).values(
        shop_id=shop_id, product_id=product_id, neighbours=[], digest=digest, version_id=0, published_at=clock.now()
    )
    fresh: dict[str, Any] = {"digest": digest, "neighbours": []}
    db.execute(row.on_conflict_do_update(index_elements=["shop_id", "product_id"], set_=fresh))


def _published(shop_id: int) -> Select[PublishedList]:
    return select(PublishedList).where(PublishedList.shop_id == shop_id)


def _list(
    table: NeighbourTable, product_id: int, allowed: frozenset[int], popular: list[int], wanted: int
) -> tuple[int, ...]:
    near = [n.product_id for n in table.neighbours(product_id, 50) if n.product_id in allowed][:wanted]
    taken = {product_id, *near}
    return tuple(near + [p for p in popular if p not in taken][: wanted - len(near)])
