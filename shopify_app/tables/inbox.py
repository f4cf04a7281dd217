"""Accepted deliveries, and what was forgotten on request."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, BigInt, ShopKey


class EventState(StrEnum):
    """Where an accepted delivery stands."""

    PENDING = "pending"
    APPLIED = "applied"
    """Rows are made; the body waits to be sealed into a segment."""
    DONE = "done"
    PARKED = "parked"


class Event(Base):
    """One accepted delivery. The unique key makes a repeated one a no-op."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("shop", "topic", "delivery_key"),
        Index("ix_inbox_state_shop_seq", "state", "shop", "seq"),
        Index("ix_inbox_signature", "signature"),
    )

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    shop: Mapped[str] = mapped_column(String(255))
    """The shop's domain as Shopify named it: the door does not look shops up."""
    topic: Mapped[str] = mapped_column(String(100))
    delivery_key: Mapped[str] = mapped_column(String(200))
    event_id: Mapped[str | None] = mapped_column(String(200))
    api_version: Mapped[str | None] = mapped_column(String(20))
    triggered_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    signature: Mapped[bytes] = mapped_column(LargeBinary(32))
    """What Shopify signed the body with; empty for our own events and once a privacy request is done."""
    secret_used: Mapped[str] = mapped_column(String(10))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Compressed and sealed; erased once it is in a segment."""
    state: Mapped[str] = mapped_column(String(20), default=EventState.PENDING)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str | None] = mapped_column(String(2000))


class Tombstone(Base):
    """Something a shop or customer had erased: a late delivery must not bring it back."""

    __tablename__ = "tombstones"

    shop_id: Mapped[ShopKey]
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    """customer, order (deleted), or buyer (of an order that is kept)."""
    mark: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    """Whose it is, as a keyed hash: the list tells nobody's number."""
    erased_at: Mapped[datetime]
