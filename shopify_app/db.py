"""The database: one engine per process, short transactions, the same code on SQLite and PostgreSQL."""

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Engine, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.errors import SettingError

IDLE = 1.0
"""Seconds after which a connection is tried before it is trusted again. `pool_pre_ping` would ask each time."""


class Database:
    """Sessions on one database. A writing session takes SQLite's write lock at its start, so none has to upgrade.

    `keys` are the app's, the first one current: sessions carry them to where rows are sealed (`records/keys.py`).
    """

    def __init__(self, url: str, keys: Sequence[bytes] = ()) -> None:
        self.url = url
        self._info = {"keys": tuple(keys)}
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            _make_folder(url)
        try:
            self.engine = create_engine(url, hide_parameters=True, **({} if self.is_sqlite else {"pool_size": 8}))
        except (ArgumentError, ValueError):
            example = "DATABASE_URL=postgresql://user@host/foretally"
            raise SettingError(f"DATABASE_URL is no address of a database. Example: {example}") from None
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            event.listen(self.engine, "checkin", _used)
            event.listen(self.engine, "checkout", partial(_try_idle, self.engine))

    @classmethod
    def of(cls, settings: Settings) -> "Database":
        """The database of these settings, with their keys."""
        return cls(settings.database_url, settings.encryption_keys)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose changes are committed together at the end, or not at all."""
        with Session(self.engine, expire_on_commit=False, info=self._info) as session, session.begin():
            if self.is_sqlite:
                session.connection(execution_options={"writes": True})
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database and changes nothing."""
        with Session(self.engine, autoflush=False, expire_on_commit=False, info=self._info) as session:
            yield session
            session.expunge_all()
            session.commit()  # a rollback would cost psycopg all its prepared statements


def server_time(session: Session) -> datetime:
    """The time that leases go by: the database's, because workers on other machines may disagree about it.

    A SQLite file is used by one machine, whose clock all its processes share.
    """
    if session.get_bind().dialect.name == "sqlite":
        return clock.now()
    told = select(func.clock_timestamp(type_=DateTime(timezone=True)))
    return session.scalars(told).one().astimezone(UTC)


def insert(session: Session, table: Any) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT. `table` is a mapped class or a Table."""
    return insert_for(session.get_bind().dialect.name, table)


def insert_for(dialect: str, table: Any) -> Any:
    """The same, for a statement that is made once."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


def count(session: Session, statement: Any) -> int:
    """Run an UPDATE or DELETE; how many rows it was about."""
    return session.connection().execute(statement).rowcount


def insert_many(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one statement execution; nothing happens for none."""
    if rows:
        target: Table = getattr(table, "__table__", table)
        session.execute(target.insert(), list(rows))


def in_one_line(error: DBAPIError, name: str = "DATABASE_URL") -> str:
    """What is wrong with the database, for a person, and what to do; the driver's own text runs over many lines.

    name: what told where the database is.
    """
    said = str(error.orig).strip().partition("\n")[0]
    if re.search(r"no such (table|column)|has no column named|(relation|column) .* does not exist", said):
        return f"the database is not at this release ({said}): python -m shopify_app migrate"
    if re.search(r"disk I/O error|disk is full|readonly database|No space left", said):
        return f"the database could not be written, look at its disk and folder: {said}"
    return f"the database did not do it, look at {name}: {said}"


def _make_folder(url: str) -> None:
    path = make_url(url).database
    if path and path != ":memory:":
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingError(
                f"DATABASE_URL: cannot write to {Path(path).parent}: {error.strerror}. "
                "Example: DATABASE_URL=sqlite:////var/lib/foretally/foretally.db"
            ) from error


def _used(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _try_idle(engine: Engine, connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Have a connection that the server ended while nobody used it replaced, and all others like it."""
    if time.monotonic() - record.info.get("used_at", math.inf) > IDLE:
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as gone:
            raise InvalidatePoolError(str(gone)) from gone


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL: readers never wait. FULL: a committed row survives a power loss. What is deleted is overwritten."""
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=10000",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
