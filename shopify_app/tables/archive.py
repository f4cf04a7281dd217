"""Keys, sealed segments, and what privacy requests leave behind."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, BigInt, RowId, ShopId, ShopKey


class ShopSecret(Base):
    """A shop's random secret, sealed by the app's key. All its other keys hang on it: without it the shop is erased."""

    __tablename__ = "shop_secrets"

    shop_id: Mapped[ShopKey]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class DataKey(Base):
    """The random key of one customer, or of one guest's order, wrapped by the shop's. Deleting the row is erasing."""

    __tablename__ = "data_keys"
    __table_args__ = (Index("ix_data_keys_shop_id_name", "shop_id", "name"),)

    shop_id: Mapped[ShopKey]
    mark: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    """Whose it is, as a keyed hash: see `records/keys.py`."""
    name: Mapped[str] = mapped_column(String(32))
    """Random; what sealed payloads call the key."""
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)


class Segment(Base):
    """Events of one shop, sealed into one immutable object."""

    __tablename__ = "segments"
    __table_args__ = (Index("ix_segments_shop_id_first_seq", "shop_id", "first_seq"),)

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    sha256: Mapped[str | None] = mapped_column(String(64))
    """None when it has expired: it was older than the shop's archive has to be."""
    first_seq: Mapped[int] = mapped_column(BigInt)
    last_seq: Mapped[int] = mapped_column(BigInt)
    events: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    """Bytes."""
    newest_at: Mapped[datetime]
    """When the last of its events was received: decides when it expires."""
    sealed_at: Mapped[datetime]


class Export(Base):
    """What is held about one customer, as a sealed file for the merchant, until it expires."""

    __tablename__ = "exports"

    id: Mapped[RowId]
    shop_id: Mapped[ShopId] = mapped_column(index=True)
    mark: Mapped[int] = mapped_column(BigInt)
    """Whose data it is, as a keyed hash; erased with them."""
    request_id: Mapped[str | None] = mapped_column(String(40))
    """Shopify's number of the request."""
    request: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The request, sealed, until the file is made."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The file's own key."""
    asked_at: Mapped[datetime]
    made_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]


class Mailing(Base):
    """A list for each customer who accepts marketing, as a sealed file for the merchant's mailing tool, for a day."""

    __tablename__ = "mailings"

    id: Mapped[RowId]
    shop_id: Mapped[ShopId] = mapped_column(index=True)
    sha256: Mapped[str | None] = mapped_column(String(64))
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The file's own key."""
    customers: Mapped[int | None] = mapped_column(Integer)
    asked_at: Mapped[datetime]
    made_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]


class Receipt(Base):
    """What was done for a privacy request: counts and a time, nobody's data. Outlives the shop."""

    __tablename__ = "receipts"

    id: Mapped[RowId]
    shop: Mapped[str] = mapped_column(String(255), index=True)
    topic: Mapped[str] = mapped_column(String(40))
    told: Mapped[dict[str, Any]]
    done_at: Mapped[datetime]
