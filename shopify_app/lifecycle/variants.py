"""Forecasts are made per product; what a merchant orders is variants, and they lie in more than one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ml.variants import SPAN, as_if_there, shares
from shopify_app.batches import batches
from shopify_app.db import Database
from shopify_app.records import variants
from shopify_app.records.variants import Item

PIECE = 2_000


@dataclass(frozen=True)
class Variant:
    """One variant of a product. share: its part of the product's next sales, all of them together 1.

    in_stock: its newest counts at all places together, less than nothing when some are owed; None when it was never
    counted. sells_on: it can be bought when none is left.
    """

    variant_id: int
    title: str
    sku: str
    share: float
    in_stock: int | None
    sells_on: bool


def of_products(db: Session, shop_id: int, only: int | None = None) -> dict[int, list[Variant]]:
    """Each product's variants as they are now, by number. One that was deleted has left its share to the others."""
    return {product_id: _shared(items) for product_id, items in variants.of_products(db, shop_id, only).items()}


def weigh(database: Database, shop_id: int, closed_on: date) -> int:
    """Keep what each variant sold in the 91 days up to this evening, as if it had been there on all of them.

    A variant that was sold out for weeks sold nothing because nobody could buy it, and would never be ordered again.
    Asks nothing of products with a single variant. How many variants that were; a second time changes nothing.
    Calculated before anything is written, and written in pieces, so that nobody waits for it.
    """
    with database.reading() as db:
        units = _sold(db, shop_id, closed_on)
    for some in batches(units.items(), PIECE):
        with database.transaction() as db:
            variants.remember_sold(db, shop_id, dict(some))
    return len(units)


def _sold(db: Session, shop_id: int, closed_on: date) -> dict[int, float]:
    """By inventory item."""
    first_on = closed_on - timedelta(days=SPAN - 1)
    several = variants.several(db, shop_id)
    sold = variants.sold(db, shop_id, several, first_on, closed_on)
    gone = variants.days_gone(db, shop_id, several, first_on, closed_on)
    return {
        item_id: as_if_there(sold.get(product_id, {}).get(variant_id, 0.0), gone.get(item_id, 0))
        for product_id, mine in several.items()
        for item_id, variant_id in mine.items()
    }


def _shared(items: Sequence[Item]) -> list[Variant]:
    parts = zip(items, shares([item.sold for item in items]), strict=True)
    return [
        Variant(item.variant_id, item.title, item.sku, float(share), item.units_in_stock, item.sells_on)
        for item, share in parts
    ]
