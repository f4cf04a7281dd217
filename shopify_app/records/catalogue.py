"""A shop's products, and which collections they are in, as tables, as they are now."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, String, bindparam, cast, select
from sqlalchemy.orm import Session

from shopify_app.tables import Product

if TYPE_CHECKING:
    import pyarrow as pa

NEWEST = (
    select(
        *(Product.product_id, Product.title, Product.product_type, Product.vendor, Product.tags),
        *(Product.is_published, Product.deleted_at.is_not(None), Product.units_in_stock),
        *(Product.price_amount, Product.created_on),
    )
    .where(Product.shop_id == bindparam("shop_id", type_=Integer))
    .order_by(Product.product_id)
)
MEMBERS = (
    select(Product.product_id, cast(Product.collections, String))
    .where(Product.shop_id == bindparam("shop_id", type_=Integer), Product.collections.is_not(None))
    .order_by(Product.product_id)
)


def products(db: Session, shop_id: int) -> "pa.Table":
    """One row per product, by its number; deleted ones too, because they were sold."""
    import pyarrow as pa

    kinds: dict[str, Any] = {
        "product_id": pa.int64(),
        "title": pa.string(),
        "product_type": pa.string(),
        "vendor": pa.string(),
        "tags": pa.string(),
        "status": pa.string(),
        "is_available": pa.bool_(),
        "price": pa.float64(),
        "created_on": pa.date32(),
    }
    found = db.connection().execute(NEWEST, {"shop_id": shop_id})
    columns = list(zip(*map(_described, found), strict=True)) or [()] * len(kinds)
    return pa.table({name: pa.array(values, kinds[name]) for name, values in zip(kinds, columns, strict=True)})


def _described(row: Any) -> tuple[Any, ...]:
    number, title, product_type, vendor, tags, is_published, is_deleted, left, price, created_on = row
    status = "deleted" if is_deleted else "active" if is_published else "hidden"
    can_be_bought = status == "active" and (left is None or left > 0)
    return number, title, product_type, vendor, ", ".join(tags), status, can_be_bought, price, created_on


def collections(db: Session, shop_id: int) -> "pa.Table":
    """One row per product and collection, by their numbers. A product that was deleted is in none."""
    import pyarrow as pa

    rows = [(product_id, *pair) for product_id, told in in_collections(db, shop_id) for pair in told]
    columns = list(zip(*rows, strict=True)) or [()] * 3
    kinds = {"product_id": pa.int64(), "collection_id": pa.int64(), "title": pa.string()}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in zip(kinds, columns, strict=True)})


def in_collections(db: Session, shop_id: int) -> Iterator[tuple[int, tuple[tuple[int, str], ...]]]:
    """Each product that is known to be in some, by its number, with the numbers and titles of those collections.

    Many products are in the same ones, so each text is parsed once: an eighth of the time.
    """
    known: dict[str, tuple[tuple[int, str], ...]] = {}
    for product_id, text in db.connection().execute(MEMBERS, {"shop_id": shop_id}):
        if text not in known:
            known[text] = tuple((number, title) for number, title in json.loads(text))
        yield product_id, known[text]
