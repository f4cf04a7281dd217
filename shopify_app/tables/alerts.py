"""How forecasts and lists fared, and what was raised about it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, BigInt, RowId, ShopId


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    RESOLVED = "resolved"


class Evaluation(Base):
    """How one version did over a window of complete days, at one level."""

    __tablename__ = "evaluations"
    __table_args__ = (
        UniqueConstraint("shop_id", "version_id", "level", "evaluated_on"),
        Index("ix_evaluations_shop_id_task_level_evaluated_on", "shop_id", "task", "level", "evaluated_on"),
    )

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    task: Mapped[str] = mapped_column(String(20))
    version_id: Mapped[int] = mapped_column(BigInt)
    """0 for what was served, whichever version was in charge."""
    role: Mapped[str] = mapped_column(String(20))
    """served, champion, previous or shadow on that day."""
    level: Mapped[str] = mapped_column(String(20))
    """forecast: store_day, store_week, product_week, product_28d, reorder; recommend: retained."""
    evaluated_on: Mapped[date]
    """Last complete day of the window."""
    window_days: Mapped[int] = mapped_column(Integer)
    orders: Mapped[int] = mapped_column(Integer)
    actual_units: Mapped[float]
    forecast_units: Mapped[float]
    accuracy: Mapped[float | None]
    """1 - WAPE, the quality retained against a fresh fit, or the share of orders that came in time (reorder); None
    when nothing was sold."""
    baseline_accuracy: Mapped[float | None]
    """The same for 'same weekday last week', or for popular products."""
    bias: Mapped[float | None]
    coverage: Mapped[float | None]
    """Share of actuals inside the 80 % interval."""
    numbers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


class Alert(Base):
    """Something a person should know. Raised once per version, kind and key."""

    __tablename__ = "alerts"
    __table_args__ = (UniqueConstraint("shop_id", "task", "kind", "version_id", "key"),)

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    task: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    """warn (below target), act (worse than the version before it: a rollback helps), data (no orders arrive)."""
    version_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(60), default="")
    """act: the first day of the version's time in charge, so that one that came back is told of again."""
    state: Mapped[str] = mapped_column(String(20), default=AlertState.OPEN)
    message: Mapped[str] = mapped_column(String(500))
    numbers: Mapped[dict[str, Any]]
    raised_at: Mapped[datetime]
    raised_on: Mapped[date]
    act_by: Mapped[datetime | None]
    """When no workflow has acted by then, the app rolls back itself."""
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None] = mapped_column(String(500))
