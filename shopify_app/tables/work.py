"""Work that must happen: jobs for us, and effects to deliver to Shopify."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, RowId, ShopId, partial_index


class WorkState(StrEnum):
    """Where a job or an effect stands."""

    PENDING = "pending"
    DONE = "done"
    PARKED = "parked"
    """Tried too often; a person may replay it."""


class Job(Base):
    """One piece of work for a shop. At most one unfinished job of a kind: more reasons join the one that waits."""

    __tablename__ = "jobs"
    __table_args__ = (
        partial_index("uq_jobs_open", "shop_id", "kind", where="state = 'pending' AND started_at IS NULL", unique=True),
        Index("ix_jobs_state_due_at", "state", "due_at"),
        Index("ix_jobs_shop_id_kind", "shop_id", "kind"),
    )

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    kind: Mapped[str] = mapped_column(String(40))
    causes: Mapped[list[Any]] = mapped_column(default=list)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(20), default=WorkState.PENDING)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    progress: Mapped[str | None] = mapped_column(String(200))
    error: Mapped[str | None] = mapped_column(String(2000))
    result: Mapped[dict[str, Any] | None]


class Effect(Base):
    """Something Shopify must be told, written in the same transaction as its cause."""

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("shop_id", "kind", "key"), Index("ix_outbox_state_due_at", "state", "due_at"))

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(100))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), default=WorkState.PENDING)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(2000))


class Turn(Base):
    """When each shop was last served from a queue. Who waited longest is next; who changes the row wins the turn."""

    __tablename__ = "turns"

    queue: Mapped[str] = mapped_column(String(20), primary_key=True)
    whose: Mapped[str] = mapped_column(String(255), primary_key=True)
    served_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    """Set while one worker has the whole queue of this shop to itself."""
    lease_token: Mapped[str | None] = mapped_column(String(40))


class FlowRun(Base):
    """One run of a Flow action and what we answered: a repeated call gets the same answer and changes nothing."""

    __tablename__ = "flow_runs"
    __table_args__ = (UniqueConstraint("shop_id", "action_run_id"),)

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    action_run_id: Mapped[str] = mapped_column(String(200))
    handle: Mapped[str] = mapped_column(String(60))
    properties: Mapped[dict[str, Any]]
    reply: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
