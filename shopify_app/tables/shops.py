"""Shops, their sealed tokens and their backfills."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, RowId, ShopId, ShopKey


class ShopState(StrEnum):
    """Where a shop stands with us."""

    INSTALLED = "installed"
    NEEDS_REOPENING = "needs_reopening"
    UNINSTALLED = "uninstalled"


class Shop(Base):
    """One shop that opened the app."""

    __tablename__ = "shops"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    """Without it SQLite gives the number of the newest shop, once it is erased, to the next one that comes."""

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    domain: Mapped[str] = mapped_column(String(255), unique=True)
    state: Mapped[str] = mapped_column(String(20), default=ShopState.INSTALLED)
    name: Mapped[str] = mapped_column(String(255), default="")
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    country: Mapped[str] = mapped_column(String(2), default="")
    scopes: Mapped[str] = mapped_column(String(2000), default="")
    installed_at: Mapped[datetime]
    uninstalled_at: Mapped[datetime | None]
    business_at: Mapped[datetime | None]
    """The newest moment in the shop's events: its business time when a history is replayed."""
    business_on: Mapped[date | None]
    """The shop's open day; the day before it is the last one that is complete."""
    orders_counted: Mapped[int] = mapped_column(Integer, default=0)
    """Distinct orders that count towards a retrain: neither test nor cancelled when first seen, backfill excluded."""
    orders_at_retrain: Mapped[int] = mapped_column(Integer, default=0)
    """`orders_counted` when the last retrain by orders was written."""
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Only what differs from the defaults in `lifecycle/policy.py`."""


class Token(Base):
    """The shop's token pair, sealed; one row per shop, replaced in one statement."""

    __tablename__ = "tokens"

    shop_id: Mapped[ShopKey]
    access_token: Mapped[bytes] = mapped_column(LargeBinary)
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    refresh_expires_at: Mapped[datetime | None]
    scope: Mapped[str] = mapped_column(String(2000))
    generation: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None]
    """Who refreshes holds this; others wait for the new generation."""
    fence: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """Counts the leases: a pair counts only when it was got under the newest one."""
    tried_at: Mapped[datetime | None]
    """When a renewal was last begun, whatever came of it."""
    minted_with: Mapped[str | None] = mapped_column(String(16))
    """Name of the client secret that asked for the pair: it dies with that secret."""
    updated_at: Mapped[datetime]


class Feed(Base):
    """How far one kind of reading of a shop is: what runs again and again, unlike a backfill."""

    __tablename__ = "feeds"

    shop_id: Mapped[ShopKey]
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    """orders, catalogue or subscriptions."""
    reached_at: Mapped[datetime | None]
    """Everything that changed in the shop up to here is known, in the shop's business time."""
    checked_at: Mapped[datetime | None]
    """When it last ran to its end, in real time."""
    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What it found: numbers for the pages."""


class Backfill(Base):
    """Reading a shop's history once, with how far it is."""

    __tablename__ = "backfills"

    id: Mapped[RowId]
    shop_id: Mapped[ShopId] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(20))
    """asked (Shopify collects), reading (we store), done, failed."""
    operation_gid: Mapped[str | None] = mapped_column(String(100))
    orders_expected: Mapped[int] = mapped_column(Integer, default=0)
    orders_read: Mapped[int] = mapped_column(Integer, default=0)
    reached_on: Mapped[date | None]
    seconds_left: Mapped[int | None] = mapped_column(Integer)
    """An estimate while reading; None before there is one."""
    error: Mapped[str | None] = mapped_column(String(2000))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
