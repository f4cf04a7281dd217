"""What a dev store must remember between two starts, in one SQLite file (or in memory)."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from devstore.errors import ConfigError

SCHEMA = """
CREATE TABLE IF NOT EXISTS shops (
    shop TEXT PRIMARY KEY, installed INTEGER NOT NULL, scopes TEXT NOT NULL, installed_at TEXT,
    day TEXT, sold INTEGER, now TEXT);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, shop TEXT NOT NULL, kind TEXT NOT NULL, pair TEXT NOT NULL, follows TEXT,
    expires_at REAL, used_at REAL, retired INTEGER NOT NULL DEFAULT 0, user_id INTEGER);
CREATE INDEX IF NOT EXISTS tokens_by_shop ON tokens (shop, pair);
CREATE TABLE IF NOT EXISTS metafields (
    id INTEGER PRIMARY KEY AUTOINCREMENT, shop TEXT NOT NULL, owner TEXT NOT NULL, namespace TEXT NOT NULL,
    key TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    UNIQUE (shop, owner, namespace, key));
CREATE TABLE IF NOT EXISTS definitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, shop TEXT NOT NULL, owner_type TEXT NOT NULL, namespace TEXT NOT NULL,
    key TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (shop, owner_type, namespace, key));
CREATE TABLE IF NOT EXISTS subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, shop TEXT NOT NULL, topic TEXT NOT NULL, uri TEXT NOT NULL,
    include_fields TEXT NOT NULL, name TEXT, api_version TEXT NOT NULL, source TEXT NOT NULL,
    created_at TEXT NOT NULL, failures INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, shop TEXT NOT NULL, uri TEXT NOT NULL, headers TEXT NOT NULL,
    body BLOB NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, subscription_id INTEGER);
CREATE TABLE IF NOT EXISTS bulk_operations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, shop TEXT NOT NULL, query TEXT NOT NULL, grouped INTEGER NOT NULL,
    status TEXT NOT NULL, error_code TEXT, created_at TEXT NOT NULL, completed_at TEXT,
    object_count INTEGER NOT NULL DEFAULT 0, root_count INTEGER NOT NULL DEFAULT 0, file_size INTEGER);
CREATE TABLE IF NOT EXISTS pixels (shop TEXT PRIMARY KEY, id INTEGER NOT NULL, settings TEXT NOT NULL);
"""


class State:
    """One SQLite connection that all threads share under a lock; every statement names its shop."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._held = _hold(folder) if folder else None
        self._db = _open(folder)
        self._depth = 0

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return list(self._db.execute(sql, values))

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self._lock:
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Execute one statement and keep it; inside `transaction` it is kept with the rest."""
        with self.transaction():
            return self._db.execute(sql, values)

    def run_many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Execute one statement for many rows, all or none."""
        with self.transaction():
            self._db.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is kept together or not at all; other threads wait. May be nested."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def close(self) -> None:
        """Let another process use the folder."""
        with self._lock:
            self._db.close()
        if self._held:
            self._held.close()


def _open(folder: Path | None) -> sqlite3.Connection:
    name = str(folder / "devstore.sqlite") if folder else ":memory:"
    try:
        db = sqlite3.connect(name, check_same_thread=False, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(SCHEMA)
    except sqlite3.Error as error:
        raise ConfigError(f"cannot use {name} as state: {error}") from error
    return db


def _hold(folder: Path) -> IO[str]:
    """Keep a second dev store out of the folder. The lock goes with the process, even when it is killed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / "lock").open("w")
    except OSError as error:
        raise ConfigError(f"cannot write to the state folder {folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise ConfigError(f"the state folder {folder} is in use by another dev store") from error
    return handle
