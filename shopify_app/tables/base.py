"""What all tables share: column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, Date, DateTime, Dialect, ForeignKey, Index, Integer, MetaData, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps none, so it is given back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"time without zone: {value}")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


LARGEST_ID = 2**63 - 1
"""What a `BigInt` column holds; Shopify's ids are signed 64-bit integers, too."""
BigInt = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB, "postgresql")

RowId = Annotated[int, mapped_column(BigInt, primary_key=True, autoincrement=True)]
ShopId = Annotated[int, mapped_column(Integer, ForeignKey("shops.id"), nullable=False)]
ShopKey = Annotated[int, mapped_column(Integer, ForeignKey("shops.id"), primary_key=True)]
ShopifyId = Annotated[int, mapped_column(BigInt)]


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of only those rows, on both databases."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class Base(DeclarativeBase):
    """Base of all mapped classes."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment, date: Date, dict[str, Any]: Json, list[Any]: Json}  # noqa: RUF012
