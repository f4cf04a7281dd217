"""Storing a delivery within the time Shopify gives us, or saying at once that we cannot."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import SQLAlchemyError

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import ForetallyError
from shopify_app.records import inbox
from shopify_app.records.inbox import Delivery
from shopify_app.records.seal import Seal

SECONDS = 3
"""For the lock and for the statement: with what comes before, an answer leaves within four seconds."""
AT_ONCE = 8


class Busy(ForetallyError):
    """The delivery could not be stored in time; Shopify sends it again."""


class Acceptance:
    """The inbox's own connections, which give up early instead of keeping Shopify waiting."""

    def __init__(self, url: str, seal: Seal) -> None:
        self._database = Database(_impatient(url))
        self._seal = seal
        # SQLite has one writer: waiting for each other here is fair, and waiting in SQLite's busy loop is not.
        self._turn = threading.BoundedSemaphore(1 if self._database.is_sqlite else AT_ONCE)
        if self._database.is_sqlite:
            event.listen(self._database.engine, "connect", _give_up_early)

    def accept(self, hook: Delivery) -> bool:
        """Store a verified delivery, durably, before returning. False when it is here already. Raises Busy."""
        with self._my_turn():
            try:
                with self._database.transaction() as db:
                    return inbox.accept(db, hook, self._seal, clock.now())
            except SQLAlchemyError as error:
                raise Busy(f"the database did not take it ({type(error).__name__})") from error

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=SECONDS):
            raise Busy("too many deliveries at once")
        try:
            yield
        finally:
            self._turn.release()


def _impatient(url: str) -> str:
    """PostgreSQL takes its limits from the address."""
    if url.startswith("sqlite"):
        return url
    limits = f"-c statement_timeout={SECONDS}s -c lock_timeout={SECONDS}s"
    parts = make_url(url).update_query_dict({"connect_timeout": str(SECONDS), "options": limits})
    return parts.render_as_string(hide_password=False)


def _give_up_early(connection: Any, _record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={SECONDS * 1000}")
