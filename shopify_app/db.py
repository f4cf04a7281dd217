"""The database: one engine per process, short transactions, the same code on SQLite and PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.url import make_url
from sqlalchemy.orm import Session

from shopify_app.errors import SettingError


class Database:
    """Sessions on one database. A writing session takes SQLite's write lock at its start, so none has to upgrade."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            _make_folder(url)
        self.engine = create_engine(
            url, pool_pre_ping=not self.is_sqlite, **({} if self.is_sqlite else {"pool_size": 8})
        )
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose changes are committed together at the end, or not at all."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self.is_sqlite:
                session.connection(execution_options={"writes": True})
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database and changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session


def insert(session: Session, table: Any) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT. `table` is a mapped class or a Table."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def insert_many(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one statement execution; nothing happens for none."""
    if rows:
        target: Table = getattr(table, "__table__", table)
        session.execute(target.insert(), list(rows))


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


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL so that readers never wait; FULL so that a committed row survives a power loss."""
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=10000",
        "foreign_keys=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
