"""Alembic's entry: the same migrations on SQLite (batch mode) and PostgreSQL (with time limits)."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from shopify_app import config
from shopify_app.db import Database
from shopify_app.tables import Base
from shopify_app.tables.base import BigInt, Json, Moment


def short_name(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types by name, so that a migration reads like the tables."""
    names = {id(BigInt): "BigInt", id(Json): "Json"}
    name = "Moment()" if isinstance(item, Moment) else names.get(id(item))
    if kind != "type" or name is None:
        return False
    autogen.imports.add(f"from shopify_app.tables.base import {name.removesuffix('()')}")
    return name


def run() -> None:
    """Run the migrations on the database of the caller, of `-x url=…`, or of the settings."""
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    engine = Database(url or config.load().database_url).engine
    with engine.connect().execution_options(writes=True) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET lock_timeout = '4s'")
            connection.exec_driver_sql("SET statement_timeout = '60s'")
            connection.commit()
        else:
            # In a transaction it does nothing. A table that others refer to is made anew by dropping the old one.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=short_name,
            transaction_per_migration=True,  # a table that webhooks go into is not held until all others are done
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
