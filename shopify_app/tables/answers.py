"""What versions answered: forecast runs with their totals, exposures of lists, and what is published in the shop."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shopify_app.tables.base import Base, BigInt, RowId, ShopId, ShopKey, partial_index


class ForecastRun(Base):
    """One night's forecast by one version: totals in rows, the rest in immutable Parquet objects."""

    __tablename__ = "forecast_runs"
    __table_args__ = (UniqueConstraint("shop_id", "version_id", "origin_on"),)

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    version_id: Mapped[int] = mapped_column(BigInt)
    origin_on: Mapped[date]
    """Last day the forecast knew."""
    snapshot_id: Mapped[str] = mapped_column(String(64))
    days_sha256: Mapped[str] = mapped_column(String(64))
    """Object with `series, origin, ds, mean, p10, p50, p90` per day."""
    windows_sha256: Mapped[str] = mapped_column(String(64))
    """Object with `series, origin, first, days, mean, p10, p50, p90` per 7-day window and horizon."""
    explanations_sha256: Mapped[str | None] = mapped_column(String(64))
    """Object with what each part contributed to each series' whole horizon (`ml.explain`). None: made elsewhere."""
    types_sha256: Mapped[str | None] = mapped_column(String(64))
    """Object with what is expected of each product type; None for a shop without types."""
    collections_sha256: Mapped[str | None] = mapped_column(String(64))
    """The same of each collection; None for a shop without any."""
    was_champion: Mapped[bool] = mapped_column(Boolean)
    """In charge when it was made: what the merchant saw."""
    created_at: Mapped[datetime]


class ForecastTotal(Base):
    """The shop's total per day of one run, for charts."""

    __tablename__ = "forecast_totals"

    shop_id: Mapped[ShopKey]
    run_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    day_on: Mapped[date] = mapped_column(primary_key=True)
    mean: Mapped[float]
    p10: Mapped[float]
    p50: Mapped[float]
    p90: Mapped[float]


class Exposure(Base):
    """One answered request for recommendations, and what the shadow would have said."""

    __tablename__ = "exposures"
    __table_args__ = (
        UniqueConstraint("shop_id", "request_id"),
        Index("ix_exposures_shop_id_answered_on", "shop_id", "answered_on"),
        partial_index("ix_exposures_shop_id_shadow_id", "shop_id", "shadow_id", where="shadow_id IS NOT NULL"),
    )

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    request_id: Mapped[str] = mapped_column(String(64))
    answered_at: Mapped[datetime]
    answered_on: Mapped[date]
    """The shop's open day."""
    asked: Mapped[list[Any]]
    """Product ids given."""
    version_id: Mapped[int] = mapped_column(BigInt)
    list_name: Mapped[str] = mapped_column(String(20), default="", server_default="")
    """Which of the version's lists answered: product_page, small_cart, full_cart, home, again or personal."""
    answer: Mapped[list[Any]]
    """Product ids in the places they were shown in."""
    shadow_id: Mapped[int | None] = mapped_column(BigInt)
    shadow_answer: Mapped[list[Any] | None]
    shadow_error: Mapped[str | None] = mapped_column(String(200))
    overlap: Mapped[float | None]
    microseconds: Mapped[int] = mapped_column(Integer)


class ListRun(Base):
    """A version's lists, made again from the counts of newer orders: what it answers with until the next run."""

    __tablename__ = "list_runs"
    __table_args__ = (Index("ix_list_runs_shop_id_version_id", "shop_id", "version_id"),)

    id: Mapped[RowId]
    shop_id: Mapped[ShopId]
    version_id: Mapped[int] = mapped_column(BigInt)
    bundle: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the object that its files are packed into, as of a version."""
    orders: Mapped[int] = mapped_column(Integer)
    """Orders that differ from those of the version's own fit."""
    made_at: Mapped[datetime]


class PublishedList(Base):
    """The list a product's metafield holds now, so that only changed ones are written."""

    __tablename__ = "published_lists"

    shop_id: Mapped[ShopKey]
    product_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    neighbours: Mapped[list[Any]]
    digest: Mapped[str | None] = mapped_column(String(100))
    """Shopify's compare digest of what we wrote."""
    version_id: Mapped[int] = mapped_column(BigInt)
    published_at: Mapped[datetime]
