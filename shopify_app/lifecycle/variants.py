"""Forecasts are made per product; what a merchant orders is variants, and they lie in more than one place."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ml.variants import SPAN, shares, whole_units
from shopify_app.records import variants


@dataclass(frozen=True)
class Variant:
    """One variant of a product. share: its part of the product's next sales, all of them together 1.

    stock: the newest count per location; empty when it was never counted.
    """

    variant_id: int
    sold: float
    share: float
    stock: Mapping[int, int]

    @property
    def units_in_stock(self) -> int | None:
        """What is left at all places together; None when it was never counted."""
        return sum(self.stock.values()) if self.stock else None


def of_products(db: Session, shop_id: int, product_ids: Collection[int], closed_on: date) -> dict[int, list[Variant]]:
    """Each product's variants, by their numbers, with what they sold in the 91 days up to `closed_on`.

    Variants are those with an inventory item and those that sold; a product without either is not in it.
    """
    sold = variants.sold(db, shop_id, product_ids, closed_on - timedelta(days=SPAN - 1), closed_on)
    known, stock = variants.known(db, shop_id, product_ids), variants.stock(db, shop_id, product_ids)
    found: dict[int, list[Variant]] = {}
    for product_id in sorted(sold.keys() | known.keys()):
        mine = sold.get(product_id, {})
        names = sorted(mine.keys() | known.get(product_id, set()))
        units = [mine.get(name, 0.0) for name in names]
        parts = zip(names, units, shares(units), strict=True)
        found[product_id] = [Variant(name, n, float(share), stock.get(name, {})) for name, n, share in parts]
    return found


def split(units: int, of: Collection[Variant]) -> dict[int, int]:
    """Whole units per variant that add up to `units`, in proportion to what each is expected to sell."""
    parts = whole_units(units, [variant.share for variant in of])
    return dict(zip((variant.variant_id for variant in of), parts, strict=True))


def to_order(units: int, of: Collection[Variant]) -> dict[int, int]:
    """Whole units per variant that add up to `units`, those first of which too little is left.

    After the order each variant should hold its share of everything; a variant that holds more already gets none, and
    the others share what is ordered. Places are added up. What was never counted counts as nothing left.
    """
    held = {variant.variant_id: max(variant.units_in_stock or 0, 0) for variant in of}
    wanting = list(of)
    while True:
        together = units + sum(held[variant.variant_id] for variant in wanting)
        share = sum(variant.share for variant in wanting)
        missing = {v.variant_id: together * v.share / share - held[v.variant_id] for v in wanting}
        enough = {name for name, short in missing.items() if short < 0}
        if not enough:
            break
        wanting = [variant for variant in wanting if variant.variant_id not in enough]
    parts = whole_units(units, [short / max(units, 1) for short in missing.values()])
    return {**dict.fromkeys(held, 0), **dict(zip(missing, parts, strict=True))}
