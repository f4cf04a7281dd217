"""What visitors looked at, as far as they consented: told by the web pixel, so a hint and never the truth."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, BigInt, RowId, ShopId


class ViewKind(StrEnum):
    """What happened in the browser."""

    VIEWED = "viewed"
    """A product page was opened: `product_id`."""
    MET = "met"
    """A page with a list was opened while a test ran, whichever arm the visitor is in: `test` and `arm`."""
    SHOWN = "shown"
    """A list was seen: `beside_id` is the product whose list it was, none for home and cart."""
    CLICKED = "clicked"
    """`product_id` was chosen from the list of `beside_id`."""
    ORDERED = "ordered"
    """A checkout ended with `order_id`. Nothing is attributed by it: a buyer's views are found by it and forgotten."""


class View(Base):
    """One thing a visitor did. Ids only: who the visitor is, is a keyed hash that the shop's secret alone makes."""

    __tablename__ = "views"
    __table_args__ = (
        UniqueConstraint("shop_id", "event_id"),
        Index("ix_views_shop_id_seen_at", "shop_id", "seen_at"),
        Index("ix_views_shop_id_visitor_seen_at", "shop_id", "visitor", "seen_at"),
        Index("ix_views_shop_id_viewed_on", "shop_id", "viewed_on"),
        Index("ix_views_shop_id_order_id", "shop_id", "order_id"),
    )

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    event_id: Mapped[str] = mapped_column(String(64))
    """The browser's name for it: the same twice counts once."""
    kind: Mapped[str] = mapped_column(String(10))
    visitor: Mapped[int] = mapped_column(BigInt)
    """63 bits that stand for the browser (`records/keys.py`)."""
    seen_at: Mapped[datetime]
    """When the app heard of it, in real time."""
    viewed_on: Mapped[date | None]
    """The shop's business day; none in rows of releases before 0011."""
    product_id: Mapped[int | None] = mapped_column(BigInt)
    beside_id: Mapped[int | None] = mapped_column(BigInt)
    order_id: Mapped[int | None] = mapped_column(BigInt)
    test: Mapped[int | None] = mapped_column(Integer)
    """Number of the A/B test that ran, if one did."""
    arm: Mapped[str | None] = mapped_column(String(1))
    """a: lists are shown; b: they are held back."""
