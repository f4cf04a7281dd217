"""Orders, their lines, products and the pseudonyms of customers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Float, Index, Integer, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, BigInt, ShopKey, partial_index


class Order(Base):
    """The newest version of an order; `updated_at` decides what is newest."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_shop_id_created_on", "shop_id", "created_on"),
        partial_index("ix_orders_shop_id_pseudonym", "shop_id", "pseudonym", where="pseudonym IS NOT NULL"),
    )

    shop_id: Mapped[ShopKey]
    order_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    pseudonym: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime]
    created_on: Mapped[date]
    updated_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    """When Shopify told us this version: decides between two of the same second. None when it did not say."""
    cancelled_at: Mapped[datetime | None]
    is_test: Mapped[bool] = mapped_column(Boolean, default=False)
    total_amount: Mapped[float] = mapped_column(Numeric(18, 4, asdecimal=False), default=0)
    is_backfilled: Mapped[bool] = mapped_column(Boolean, default=False)


class OrderLine(Base):
    """One line of an order, net of refunds. Day and order time are repeated so that a month reads without a join."""

    __tablename__ = "order_lines"
    __table_args__ = (
        Index("ix_order_lines_shop_id_created_on", "shop_id", "created_on"),
        partial_index("ix_order_lines_shop_id_test_arm", "shop_id", "test_arm", where="test_arm IS NOT NULL"),
    )

    shop_id: Mapped[ShopKey]
    order_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    line_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    product_id: Mapped[int | None] = mapped_column(BigInt)
    variant_id: Mapped[int | None] = mapped_column(BigInt)
    units: Mapped[int] = mapped_column(Integer)
    price_amount: Mapped[float] = mapped_column(Numeric(18, 4, asdecimal=False))
    created_at: Mapped[datetime]
    created_on: Mapped[date]
    beside_id: Mapped[int | None] = mapped_column(BigInt)
    """The product in whose list a shopper chose it; 0 for a list that stood beside none. None: it came another way."""
    test_arm: Mapped[str | None] = mapped_column(String(10))
    """Number and group (a: lists are shown, b: held back) of the A/B test that the shopper was in, like 3a."""


SAME_ORDER = (Order.shop_id == OrderLine.shop_id) & (Order.order_id == OrderLine.order_id)
IS_SALE = Order.is_test.is_(False), Order.cancelled_at.is_(None)
"""Which orders count: neither tests nor cancelled ones."""


class Product(Base):
    """The newest version of a product."""

    __tablename__ = "products"

    shop_id: Mapped[ShopKey]
    product_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(500), default="")
    handle: Mapped[str] = mapped_column(String(255), default="")
    product_type: Mapped[str] = mapped_column(String(255), default="")
    vendor: Mapped[str] = mapped_column(String(255), default="")
    tags: Mapped[list[Any]] = mapped_column(default=list)
    price_amount: Mapped[float | None] = mapped_column(Numeric(18, 4, asdecimal=False))
    is_published: Mapped[bool] = mapped_column(Boolean, default=True)
    """Active and published to the online store."""
    units_in_stock: Mapped[int | None] = mapped_column(Integer)
    """None when the shop does not track it."""
    is_gift_card: Mapped[bool | None] = mapped_column(Boolean)
    """None until the catalogue was read: webhooks do not say."""
    sells_on: Mapped[bool | None] = mapped_column(Boolean)
    """Whether any of its variants can be bought when none is left; None until somebody said."""
    variants_told_at: Mapped[datetime | None]
    """The newest version that told all of its variants."""
    collections: Mapped[list[Any] | None]
    """Number and title of each collection it is in; None until the catalogue was read: webhooks do not say."""
    collections_told_at: Mapped[datetime | None]
    """The version that told them."""
    created_on: Mapped[date | None]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class ProductDay(Base):
    """A product as its last version of a day had it: a price that changed has a date."""

    __tablename__ = "product_days"

    shop_id: Mapped[ShopKey]
    product_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    valid_on: Mapped[date] = mapped_column(primary_key=True)
    """The day of `updated_at` where the shop is."""
    price_amount: Mapped[float | None] = mapped_column(Numeric(18, 4, asdecimal=False))
    is_published: Mapped[bool] = mapped_column(Boolean)
    sells_on: Mapped[bool | None] = mapped_column(Boolean)
    updated_at: Mapped[datetime]


class InventoryItem(Base):
    """A variant and the item that is counted for it: each variant has one, also where nobody tracks it.

    It is gone when a newer version of its product told all variants and not this one (`records/variants.py: IS_THERE`).
    """

    __tablename__ = "inventory_items"
    __table_args__ = (Index("ix_inventory_items_shop_id_product_id", "shop_id", "product_id"),)

    shop_id: Mapped[ShopKey]
    inventory_item_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    product_id: Mapped[int] = mapped_column(BigInt)
    variant_id: Mapped[int] = mapped_column(BigInt)
    title: Mapped[str] = mapped_column(String(255), default="", server_default="")
    sku: Mapped[str] = mapped_column(String(255), default="", server_default="")
    sells_on: Mapped[bool | None] = mapped_column(Boolean)
    """Whether it can be bought when none is left."""
    seen_at: Mapped[datetime | None]
    """The newest version of its product that told it; None in rows made before that was written down."""
    units_in_stock: Mapped[int | None] = mapped_column(Integer)
    """Its newest counts at all places together: less than nothing is owed. None until it was counted."""
    sold_units: Mapped[float | None] = mapped_column(Float)
    """What it sold in 91 days, as if it had been there on all of them: told each night (`lifecycle/variants.py`)."""


class StockDay(Base):
    """Units in stock at the end of a day, per item and location: a forecast cannot repair a missing stock history."""

    __tablename__ = "stock_days"

    shop_id: Mapped[ShopKey]
    inventory_item_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    counted_on: Mapped[date] = mapped_column(primary_key=True)
    available: Mapped[int] = mapped_column(Integer)
    updated_at: Mapped[datetime]


class Customer(Base):
    """The only place that ties a customer to the random pseudonym used everywhere else. Deleting it is forgetting."""

    __tablename__ = "customers"

    shop_id: Mapped[ShopKey]
    mark: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    """The customer's number as a keyed hash: the number itself is stored nowhere. See `records/keys.py`."""
    pseudonym: Mapped[str] = mapped_column(String(32))
