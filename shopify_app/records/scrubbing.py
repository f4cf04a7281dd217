"""What deleted rows leave in the database's files: given back after privacy requests, when nobody has to wait for it.

A request notes in its own transaction that this is owed, so the debt outlives whoever made it. Every heartbeat tries to
pay it.
"""

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shopify_app.db import Database, insert
from shopify_app.log import log
from shopify_app.records import turns
from shopify_app.tables import Turn

QUEUE = "scrub"
EVERYTHING = QUEUE, "everything"
APART = timedelta(hours=1)
"""Between two times that PostgreSQL's tables are vacuumed: the inbox among them may be large."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
ERASED_FROM = ("customers", "data_keys", "exports", "inbox", "mailings", "shop_secrets", "tombstones", "views")


def owe(db: Session) -> None:
    """Note that rows are deleted whose bytes have to go too; belongs into the transaction that deletes them."""
    token = secrets.token_hex(16)
    row = insert(db, Turn).values(queue=QUEUE, whose=EVERYTHING[1], served_at=NEVER, lease_token=token)
    db.execute(row.on_conflict_do_update(index_elements=["queue", "whose"], set_={"lease_token": token}))


def scrub(database: Database, now: datetime) -> bool:
    """Give back what deleted rows took, so that no file of the database holds them. False while that is still owed.

    SQLite overwrites deleted rows as it goes; what is left is its log, which is emptied once nobody reads or writes.
    In PostgreSQL they lie in the tables until these are vacuumed, which happens once an hour. Backups keep theirs for
    as long as they are kept.
    """
    with database.reading() as db:
        owed = db.get(Turn, EVERYTHING)
    if owed is None or owed.lease_token is None:
        return True
    try:
        done = _emptied(database) if database.is_sqlite else _vacuumed(database, owed, now)
    except SQLAlchemyError as error:
        log.warning("deleted rows were not given back yet", error=type(error).__name__)
        return False
    if not done:
        return False
    paid = Turn.queue == QUEUE, Turn.whose == EVERYTHING[1], Turn.lease_token == owed.lease_token
    with database.transaction() as db:
        return turns.happened(db, update(Turn).where(*paid).values(lease_token=None))


def _emptied(database: Database) -> bool:
    """Whether SQLite's log could be emptied at once.

    With patience SQLite would take the write lock and then wait for readers, and whoever writes would wait for both.
    What can be copied without the lock is copied before.
    """
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        try:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()
            is_busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
    return not is_busy


def _vacuumed(database: Database, owed: Turn, now: datetime) -> bool:
    """Whether it was time, and nobody else did it. One that fails is tried again when the next would be due."""
    seen = owed.served_at.astimezone(UTC)
    if now - seen < APART:
        return False
    with database.transaction() as db:
        if not turns.take(db, *EVERYTHING, seen, now, token=owed.lease_token):
            return False
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM {', '.join(ERASED_FROM)}"))
    return True
