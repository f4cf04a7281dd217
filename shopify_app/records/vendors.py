"""What a shop's staff said about ordering: how vendors deliver, and which units are on their way."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import count, insert
from shopify_app.tables import InventoryItem, Product, Purchase, VendorTerms

FIELDS = ("lead_days", "service_level", "cover_days", "least_units", "pack_units")
"""What a vendor may have of its own; each is a field of the shop's policy too."""
Said = Mapping[str, float | None]


@dataclass(frozen=True)
class Bought:
    """Units of a product that were ordered, and the first day on which they should be there."""

    product_id: int
    units: int
    due_on: date
    of_variants: Mapping[int, int] = field(default_factory=dict)
    """Units per variant; none when the product was ordered as a whole."""


def names(db: Session, shop_id: int) -> dict[str, int]:
    """The shop's vendors with how many products each has, in order of the name; "" is for products without one."""
    mine = Product.shop_id == shop_id, Product.deleted_at.is_(None)
    rows = db.execute(select(Product.vendor, func.count()).where(*mine).group_by(Product.vendor))
    found = [(vendor, products) for vendor, products in rows]
    return dict(sorted(found, key=lambda pair: (pair[0].casefold(), pair[0])))


def said(db: Session, shop_id: int) -> dict[str, dict[str, float | None]]:
    """Per vendor what differs from the shop's own terms; vendors without such a thing are not in it."""
    rows = db.scalars(select(VendorTerms).where(VendorTerms.shop_id == shop_id))
    return {row.vendor: {name: getattr(row, name) for name in FIELDS} for row in rows}


def say(db: Session, shop_id: int, vendor: str, terms: Said) -> None:
    """Keep a vendor's terms; None stands for the shop's own. With nothing but None the vendor has none any more."""
    values = {name: terms.get(name) for name in FIELDS}
    if all(value is None for value in values.values()):
        db.execute(delete(VendorTerms).where(VendorTerms.shop_id == shop_id, VendorTerms.vendor == vendor))
        return
    row = insert(db, VendorTerms).values(shop_id=shop_id, vendor=vendor, updated_at=clock.now(), **values)
    new = {name: row.excluded[name] for name in (*FIELDS, "updated_at")}
    db.execute(row.on_conflict_do_update(index_elements=["shop_id", "vendor"], set_=new))


def buy(db: Session, shop_id: int, purchased_on: date, bought: Collection[Bought]) -> int:
    """Remember units as on their way. Twice on a day is once: the later figure of a product or variant stays.

    Products and variants that the shop does not have are left out. How many products that were.
    """
    asked = {one.product_id: one for one in bought}
    mine = Product.shop_id == shop_id, Product.product_id.in_(list(asked))
    known = list(db.scalars(select(Product.product_id).where(*mine))) if asked else []
    parts = _of_variants(db, shop_id, purchased_on, {number: asked[number].of_variants for number in known})
    rows = [
        {
            "shop_id": shop_id,
            "product_id": number,
            "purchased_on": purchased_on,
            "units": sum(parts[number].values()) if number in parts else asked[number].units,
            "due_on": asked[number].due_on,
            "of_variants": {str(variant_id): units for variant_id, units in sorted(parts.get(number, {}).items())}
            or None,
            "updated_at": clock.now(),
        }
        for number in known
        if parts.get(number, True)
    ]
    if rows:
        fresh = insert(db, Purchase)
        new = {name: fresh.excluded[name] for name in ("units", "due_on", "of_variants", "updated_at")}
        keys = ["shop_id", "product_id", "purchased_on"]
        db.execute(fresh.on_conflict_do_update(index_elements=keys, set_=new), rows)
    return len(rows)


def _of_variants(
    db: Session, shop_id: int, purchased_on: date, asked: Mapping[int, Mapping[int, int]]
) -> dict[int, dict[int, int]]:
    """Units per variant, of those that are the product's, with what was ordered of the others on the same day."""
    several = [number for number, mine in asked.items() if mine]
    if not several:
        return {}
    items = InventoryItem.shop_id == shop_id, InventoryItem.product_id.in_(several)
    theirs = db.execute(select(InventoryItem.product_id, InventoryItem.variant_id).where(*items))
    there = {(product_id, variant_id) for product_id, variant_id in theirs}
    today = Purchase.shop_id == shop_id, Purchase.product_id.in_(several), Purchase.purchased_on == purchased_on
    before = {
        one.product_id: one.of_variants or {} for one in db.scalars(select(Purchase).where(*today).with_for_update())
    }
    return {
        number: {int(variant_id): units for variant_id, units in before.get(number, {}).items()}
        | {variant_id: units for variant_id, units in asked[number].items() if (number, variant_id) in there}
        for number in several
    }


def on_the_way(db: Session, shop_id: int, today_on: date) -> list[Purchase]:
    """What is not due yet, the next to arrive first."""
    mine = Purchase.shop_id == shop_id, Purchase.due_on >= today_on
    return list(db.scalars(select(Purchase).where(*mine).order_by(Purchase.due_on, Purchase.product_id)))


def forget(db: Session, shop_id: int, product_id: int, purchased_on: date) -> bool:
    """It is here already, or was never ordered. False when nothing was known of it."""
    one = Purchase.shop_id == shop_id, Purchase.product_id == product_id, Purchase.purchased_on == purchased_on
    return count(db, delete(Purchase).where(*one)) > 0
