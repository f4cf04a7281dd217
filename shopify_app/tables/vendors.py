"""What a merchant said about ordering: how vendors deliver, and what has been ordered from them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, BigInt, ShopKey


class VendorTerms(Base):
    """How one vendor delivers, where that differs from the shop's own terms: None means as in the shop's settings."""

    __tablename__ = "vendor_terms"

    shop_id: Mapped[ShopKey]
    vendor: Mapped[str] = mapped_column(String(255), primary_key=True)
    """As products name it."""
    lead_days: Mapped[int | None] = mapped_column(Integer)
    service_level: Mapped[float | None] = mapped_column(Float)
    cover_days: Mapped[int | None] = mapped_column(Integer)
    least_units: Mapped[int | None] = mapped_column(Integer)
    pack_units: Mapped[int | None] = mapped_column(Integer)
    updated_at: Mapped[datetime]


class Purchase(Base):
    """Units of a product that were ordered from its vendor on a day, as the shop's staff said."""

    __tablename__ = "purchases"

    shop_id: Mapped[ShopKey]
    product_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    purchased_on: Mapped[date] = mapped_column(primary_key=True)
    """The shop's open day: saying it twice on a day is saying it once."""
    units: Mapped[int] = mapped_column(Integer)
    due_on: Mapped[date]
    """The first day on which it should be there; until then it counts as on its way."""
    of_variants: Mapped[dict[str, Any] | None]
    """Units per variant, by its number as text; None for a product that was ordered as a whole."""
    updated_at: Mapped[datetime]
