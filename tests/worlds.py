"""What is costly to make, made once for the tests of a file and put back for each: rows, and the files beside them."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.tables import Base

PASSING = shutil.ignore_patterns("broker", "lock", "*-wal", "*-shm")
"""What is only there while processes run. What SQLite's logs hold is in the copies of its files."""


@dataclass
class Kept:
    """Files as they were, SQLite's database among them, and PostgreSQL's rows by table."""

    folder: Path
    rows: dict[str, bytes] = field(default_factory=dict)


@dataclass
class World:
    """The database of a test and its folder, which `made_once` makes what an earlier test of the file has made."""

    database: Database
    settings: Settings
    kept: dict[str, Kept]
    room: Path

    @contextmanager
    def made_once(self) -> Iterator[bool]:
        """Whether the block has to make everything. What it leaves is kept, and put back before the next block."""
        is_new = not self._put_back()
        yield is_new
        if is_new:
            self._keep()

    def _keep(self) -> None:
        """Remember everything as it is now."""
        kept = Kept(self.room / self._kind)
        shutil.copytree(self.settings.var, kept.folder, ignore=PASSING, copy_function=_copy)
        if not self.database.is_sqlite:
            kept.rows = _rows(self.database)
        self.kept[self._kind] = kept

    def _put_back(self) -> bool:
        """Make everything as it was kept; whether anything was."""
        kept = self.kept.get(self._kind)
        if kept is None:
            return False
        if self.database.is_sqlite:
            self.database.engine.dispose()
        else:
            _fill(self.database, kept.rows)
        shutil.copytree(kept.folder, self.settings.var, dirs_exist_ok=True)
        return True

    @property
    def _kind(self) -> str:
        return "sqlite" if self.database.is_sqlite else "postgresql"


def empty(database: Database) -> None:
    """Delete all rows of a PostgreSQL database, in one go."""
    tables = (table.name for table in reversed(Base.metadata.sorted_tables))
    everything = "; ".join(f"DELETE FROM {name}" for name in tables)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN {everything}; END $$")


def _copy(source: str, target: str) -> None:
    """A copy of a file; of a SQLite database with what is still in its log."""
    with open(source, "rb") as file:
        is_database = file.read(16) == b"SQLite format 3\0"
    if not is_database:
        shutil.copyfile(source, target)
        return
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _rows(database: Database) -> dict[str, bytes]:
    found = {}
    with _cursor(database) as cursor:
        for table in Base.metadata.sorted_tables:
            with cursor.copy(f"COPY {table.name} TO STDOUT") as copied:
                found[table.name] = b"".join(bytes(part) for part in copied)
    return found


def _fill(database: Database, rows: dict[str, bytes]) -> None:
    """Sequences go on from where they are: a row that comes later has a higher number than any that was kept."""
    empty(database)
    with _cursor(database) as cursor:
        for name, kept in rows.items():
            if kept:
                with cursor.copy(f"COPY {name} FROM STDIN") as copied:
                    copied.write(kept)


@contextmanager
def _cursor(database: Database) -> Iterator[psycopg.Cursor[Any]]:
    with database.engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            yield cursor
