"""The workers' sign of life: one row, touched at each heartbeat that a worker has really run."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.tables import Turn

ROW = {"queue": "canary", "whose": "worker"}


def touch(db: Session) -> None:
    """Note that a worker is alive and reaches the database."""
    row = insert(db, Turn).values(**ROW, served_at=clock.now())
    db.execute(row.on_conflict_do_update(index_elements=["queue", "whose"], set_={"served_at": row.excluded.served_at}))


def age(db: Session, now: datetime) -> timedelta | None:
    """Time since a worker last touched the row; None when none ever did."""
    heard = db.get(Turn, tuple(ROW.values()), populate_existing=True)
    return now - heard.served_at.astimezone(UTC) if heard else None
