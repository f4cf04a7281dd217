"""What a shop's shoppers may be shown just now, as serving needs it: one look per product."""

import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle.rules import Rules, Ware, ware
from shopify_app.lifecycle.wares import Wares
from shopify_app.records import parts
from shopify_app.tables import Product, Shop

NEWEST = 100
"""More than anybody may ask about and be shown at once."""
PIECE = 500


@dataclass(frozen=True)
class Shelf:
    """The products that may be shown; `newest` of them when nothing better is known. `state` is the catalogue's.

    wares: what the rules ask about every product of the shop; None when they ask nothing.
    """

    products: frozenset[int]
    newest: tuple[int, ...] = ()
    state: int = parts.NEVER
    rules: Rules = field(default_factory=Rules)
    wares: Wares | None = None


def look(db: Session, shop_id: int, before: Shelf | None = None) -> Shelf:
    """The shop's shelf; the one before it while neither a product nor a rule has changed: 100,000 take a while."""
    state = parts.catalogue_state(db, shop_id)
    rules = Rules.of(db.scalar(select(Shop.settings).where(Shop.id == shop_id)) or {})
    if before is not None and before.state == state != parts.NEVER and before.rules == rules:
        return before
    products, wares = sellable(db, shop_id), None
    if rules.needs_wares:
        wares = Wares.of(_wares(db, shop_id, rules), products, rules)
        products = frozenset(wares.ids[wares.shown].tolist())
    return Shelf(products, tuple(heapq.nlargest(NEWEST, products)), state, rules, wares)


def sellable(db: Session, shop_id: int) -> frozenset[int]:
    """Products that a shopper can buy today: published, not deleted, priced, no gift card, not known to be sold out."""
    on_sale = select(Product.product_id).where(
        Product.shop_id == shop_id,
        Product.deleted_at.is_(None),
        Product.is_published,
        Product.is_gift_card.is_not(True),
        (Product.price_amount.is_(None)) | (Product.price_amount > 0),
        Product.units_in_stock.is_(None) | (Product.units_in_stock > 0) | Product.sells_on.is_(True),
    )
    return frozenset(product_id for (product_id,) in _read(db, on_sale))


def why_unsellable(product: Product | None) -> str | None:
    """Why `sellable` leaves this product out, in words; None when it does not."""
    if product is None or product.deleted_at is not None:
        return "is deleted"
    if not product.is_published:
        return "is not published"
    if product.is_gift_card:
        return "is a gift card"
    if product.price_amount is not None and product.price_amount <= 0:
        return "costs nothing"
    if product.units_in_stock is not None and product.units_in_stock <= 0 and not product.sells_on:
        return "is sold out"
    return None


def _wares(db: Session, shop_id: int, rules: Rules) -> Iterator[tuple[int, Ware]]:
    columns = [Product.product_id, Product.vendor, Product.product_type, Product.price_amount]
    if rules.excluded_tags:
        columns.append(Product.tags)
    for product_id, vendor, kind, price, *tags in _read(db, select(*columns).where(Product.shop_id == shop_id)):
        told = json.loads(tags[0]) if tags and isinstance(tags[0], str) else tags[0] if tags else ()
        yield product_id, ware(vendor, kind, None if price is None else float(price), told or ())


def _read(db: Session, statement: Any) -> Iterator[tuple[Any, ...]]:
    """From the driver, in pieces: 100,000 rows by way of the session hold up a web server's threads for 60 ms."""
    cursor: Any = db.connection().execute(statement).cursor
    pieces = iter(lambda: cursor.fetchmany(PIECE), [])
    return (row for piece in pieces for row in piece)
