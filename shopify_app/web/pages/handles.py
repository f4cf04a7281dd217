"""Products as merchants name them in forms: by the last part of their address, with commas between them."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.tables import Product

LONGEST = 255


def listed(text: str) -> list[str]:
    """What stands between commas, each once."""
    return list(dict.fromkeys(name.strip()[:LONGEST] for name in text.split(",") if name.strip()))


def numbers(db: Session, shop_id: int, handles: Iterable[str]) -> dict[str, int]:
    """The shop's products of these handles, by handle."""
    mine = Product.shop_id == shop_id, Product.handle.in_(sorted(handles)), Product.deleted_at.is_(None)
    return dict(db.execute(select(Product.handle, Product.product_id).where(*mine)).all())


def product(handle: str, known: Mapping[str, int]) -> int:
    """Its number. Raises ValueError with words for the field."""
    if handle not in known:
        raise ValueError(f"There is no product “{handle}”. Use the last part of a product’s address.")
    return known[handle]


def products(handles: Iterable[str], known: Mapping[str, int]) -> tuple[int, ...]:
    """The number of each. Raises as `product`."""
    return tuple(product(handle, known) for handle in handles)
