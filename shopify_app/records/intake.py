"""Database connections that only store verified deliveries: short timeouts, reopened by themselves when broken."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
from sqlalchemy.engine.url import make_url

from shopify_app.records.accepting import InboxRow, Outcome, store, store_new

SECONDS = 3
"""Limit for a lock and for a statement, so that an answer leaves within four seconds."""
ROOMY = ("wal_autocheckpoint=4000", "cache_size=-16000")
"""16 MB of log, so that a page touched by many deliveries is written to the database once, and as much page cache."""

Result = Outcome | Exception


class Intake(Protocol):
    """One connection. It belongs to one thread."""

    def store(self, deliveries: Sequence[InboxRow]) -> list[Result]:
        """Store deliveries durably in one commit; for each its outcome, or why it could not be stored.

        A bad one does not affect the others.
        """

    def close(self) -> None:
        """Close the connection; the next `store` opens another."""


class SqliteIntake:
    """SQLite has one writer at a time: waiting for another process's write ends after SECONDS."""

    def __init__(self, url: str) -> None:
        self._path = make_url(url).database or ""
        self._raw: sqlite3.Connection | None = None

    def store(self, deliveries: Sequence[InboxRow]) -> list[Result]:
        """All in one transaction; if that fails, each in its own."""
        try:
            raw = self._begun()
        except sqlite3.Error as busy:
            self.close()
            return [busy for _ in deliveries]
        try:
            outcomes = store_new(raw, deliveries) if len(deliveries) > 1 else None
            outcomes = outcomes or store(raw, "sqlite", deliveries)
            raw.execute("COMMIT")
            return list(outcomes)
        except Exception as error:
            self.close()
            if len(deliveries) == 1:
                return [error]
        return [self.store([one])[0] for one in deliveries]

    def _begun(self) -> sqlite3.Connection:
        if self._raw is None:
            self._raw = sqlite3.connect(self._path, timeout=SECONDS, isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", *ROOMY):
                self._raw.execute(f"PRAGMA {pragma}")
        self._raw.execute("BEGIN IMMEDIATE")
        return self._raw

    def close(self) -> None:
        """Closing rolls back what was not committed."""
        if self._raw is not None:
            self._raw.close()
            self._raw = None


class PostgresIntake:
    """Each statement commits by itself. A connection that died with a restart of the server is opened again."""

    def __init__(self, url: str) -> None:
        self._address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._raw: psycopg.Connection[Any] | None = None

    def store(self, deliveries: Sequence[InboxRow]) -> list[Result]:
        """All in one statement, again at once if the connection was dead; after any other error each in its own."""
        was_open = self._raw is not None
        try:
            return list(store(self._opened(), "postgresql", deliveries))
        except psycopg.OperationalError as error:  # the server is away, too slow or full
            is_dead = self._raw is None or self._raw.broken
            self.close()
            return self.store(deliveries) if was_open and is_dead else [error for _ in deliveries]
        except Exception as error:
            self.close()
            if len(deliveries) == 1:
                return [error]
        return [self.store([one])[0] for one in deliveries]

    def _opened(self) -> psycopg.Connection[Any]:
        if self._raw is None:
            limits = f"-c statement_timeout={SECONDS}s -c lock_timeout={SECONDS}s"
            self._raw = psycopg.connect(self._address, autocommit=True, connect_timeout=SECONDS, options=limits)
            self._raw.prepare_threshold = 0
        return self._raw

    def close(self) -> None:
        """Close the connection."""
        if self._raw is not None:
            self._raw.close()
            self._raw = None
