"""A shop's products as a table, as they are now."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.tables import Product

if TYPE_CHECKING:
    import pyarrow as pa


def products(db: Session, shop_id: int) -> "pa.Table":
    """One row per product, by its number; deleted ones too, because they were sold."""
    import pyarrow as pa

    schema = pa.schema(
        {
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
    )
    newest = select(*Product.__table__.columns).where(Product.shop_id == shop_id).order_by(Product.product_id)
    return pa.Table.from_pylist([_described(product) for product in db.execute(newest)], schema)


def _described(product: Any) -> dict[str, Any]:
    shown = product.is_published and product.deleted_at is None
    return {
        "product_id": product.product_id,
        "title": product.title,
        "product_type": product.product_type,
        "vendor": product.vendor,
        "tags": ", ".join(product.tags),
        "status": "deleted" if product.deleted_at else "active" if product.is_published else "hidden",
        "is_available": shown and (product.units_in_stock is None or product.units_in_stock > 0),
        "price": product.price_amount,
        "created_on": product.created_on,
    }
