"""Snapshots, versions, the slots they serve in and every change of hands."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, BigInt, RowId, ShopId, ShopKey


class Task(StrEnum):
    """What a version is for."""

    FORECAST = "forecast"
    RECOMMEND = "recommend"


class VersionState(StrEnum):
    """The life of a version. Terminal: failed, retired, rolled_back, expired."""

    TRAINED = "trained"
    SHADOW = "shadow"
    CHAMPION = "champion"
    RETIRED = "retired"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    EXPIRED = "expired"


class SlotState(StrEnum):
    """Who may change a slot."""

    ACTIVE = "active"
    COOLING = "cooling"
    """Changed by hand or rolled back lately: no automatic promotion until `cooling_until_on`."""
    FROZEN = "frozen"
    """Nothing automatic at all until a person says so."""


class Snapshot(Base):
    """A shop's rows frozen at a cutoff. The id is the hash of its manifest."""

    __tablename__ = "snapshots"

    shop_id: Mapped[ShopKey]
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cutoff_on: Mapped[date]
    """Last complete business day in it."""
    manifest: Mapped[dict[str, Any]]
    """Files with name, SHA-256, rows; schema; code version."""
    orders: Mapped[int] = mapped_column(Integer)
    lines: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]


class SnapshotPart(Base):
    """One file of a snapshot as it was last written: written again only when its rows have changed since."""

    __tablename__ = "snapshot_parts"

    shop_id: Mapped[ShopKey]
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    """lines/2026-03, lines/2026-03-14 or products."""
    state: Mapped[int] = mapped_column(BigInt)
    """Another number after every change to its rows."""
    written_state: Mapped[int | None] = mapped_column(BigInt)
    sha256: Mapped[str | None] = mapped_column(String(64))
    orders: Mapped[int] = mapped_column(Integer, default=0)
    lines: Mapped[int] = mapped_column(Integer, default=0)


class Version(Base):
    """One trained model. Nothing but its state, and whether its files are kept, ever changes."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("shop_id", "task", "number"),)

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    task: Mapped[str] = mapped_column(String(20))
    number: Mapped[int] = mapped_column(Integer)
    """1, 2, 3 … per shop and task: what people call it."""
    state: Mapped[str] = mapped_column(String(20), default=VersionState.TRAINED)
    algorithm: Mapped[str] = mapped_column(String(40))
    config: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(Integer)
    cause: Mapped[str] = mapped_column(String(200))
    snapshot_id: Mapped[str] = mapped_column(String(64))
    code_version: Mapped[str] = mapped_column(String(64))
    bundle: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the object that its files are packed into."""
    metrics: Mapped[dict[str, Any]]
    gates: Mapped[list[Any]] = mapped_column(default=list)
    """Each gate's name, verdict and numbers."""
    cutoff_on: Mapped[date]
    orders_at_fit: Mapped[int] = mapped_column(Integer, default=0)
    cpu_seconds: Mapped[float] = mapped_column(default=0.0)
    created_at: Mapped[datetime]
    created_on: Mapped[date]
    """The shop's open day when it was made."""
    left_at: Mapped[datetime | None]
    """When it last left the slot, in which it answered, shadowed or stood by; None if it never was in it."""
    let_go_at: Mapped[datetime | None]
    """When its files were let go, if they were: its row stays, and its snapshot and code make them again."""


class Slot(Base):
    """Who answers for a shop and task. Changed only together with `generation` and one `transitions` row."""

    __tablename__ = "slots"

    shop_id: Mapped[ShopKey]
    task: Mapped[str] = mapped_column(String(20), primary_key=True)
    champion_id: Mapped[int | None] = mapped_column(BigInt)
    previous_id: Mapped[int | None] = mapped_column(BigInt)
    shadow_id: Mapped[int | None] = mapped_column(BigInt)
    shadow_since_on: Mapped[date | None]
    generation: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(String(20), default=SlotState.ACTIVE)
    cooling_until_on: Mapped[date | None]
    in_charge_since_on: Mapped[date | None]
    """First business day the champion answers for."""
    changed_at: Mapped[datetime]


class Transition(Base):
    """One decision about a slot or a version, with its numbers, chained by hash."""

    __tablename__ = "transitions"
    __table_args__ = (UniqueConstraint("shop_id", "task", "generation"),)

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    task: Mapped[str] = mapped_column(String(20))
    generation: Mapped[int] = mapped_column(Integer)
    """The slot's generation after it."""
    kind: Mapped[str] = mapped_column(String(20))
    """promotion, rollback, shadow, shadow_ended, freeze, unfreeze."""
    version_id: Mapped[int | None] = mapped_column(BigInt)
    from_id: Mapped[int | None] = mapped_column(BigInt)
    actor: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(500))
    numbers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changed_on: Mapped[date]
    created_at: Mapped[datetime]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
