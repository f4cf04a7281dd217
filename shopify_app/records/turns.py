"""Whose turn it is: the shop served longest ago. Taking the turn is one conditional write, so one worker wins it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Update, update
from sqlalchemy.orm import Session

from shopify_app.db import insert
from shopify_app.tables import Turn

TICK = timedelta(microseconds=1)


def take(
    db: Session,
    queue: str,
    whose: str,
    seen: datetime | None,
    now: datetime,
    until: datetime | None = None,
    token: str | None = None,
) -> bool:
    """Note that `whose` is served now, held until `until`. False when somebody else did so since `seen`: look again.

    On PostgreSQL the loser waits here for the winner's commit, so what the winner leased is visible to its next look.
    """
    fresh = {"served_at": now, "lease_until": until, "lease_token": token}
    if seen is None:
        row = insert(db, Turn).values(queue=queue, whose=whose, **fresh)
        return db.scalar(row.on_conflict_do_nothing().returning(Turn.whose)) is not None
    fresh["served_at"] = max(now, seen + TICK)
    mine = Turn.queue == queue, Turn.whose == whose, Turn.served_at == seen
    return happened(db, update(Turn).where(*mine).values(**fresh))


def won(db: Session, attempt: Callable[[], bool]) -> bool:
    """Try to take a turn; who loses keeps nothing of the try.

    PostgreSQL leaves a row locked for whoever waited for it in vain. Going on to the next shop with that lock is how
    two workers would wait for each other, so the try is rolled back.
    """
    step = db.begin_nested()
    if attempt():
        step.commit()
        return True
    step.rollback()
    return False


def hold(db: Session, queue: str, whose: str, token: str, until: datetime) -> bool:
    """Hold on until a later moment. False when somebody else holds it by now."""
    return happened(db, _held(queue, whose, token).values(lease_until=until))


def give_back(db: Session, queue: str, whose: str, token: str) -> bool:
    """End the hold. False when somebody else holds it by now."""
    return happened(db, _held(queue, whose, token).values(lease_until=None, lease_token=None))


def _held(queue: str, whose: str, token: str) -> Update:
    return update(Turn).where(Turn.queue == queue, Turn.whose == whose, Turn.lease_token == token)


def served_at(db: Session, queue: str, whose: str) -> datetime | None:
    """When `whose` was last served."""
    turn = db.get(Turn, (queue, whose), populate_existing=True)
    return turn.served_at.astimezone(UTC) if turn else None


def happened(db: Session, statement: Update) -> bool:
    """Run a conditional UPDATE of one row. False when its condition no longer held."""
    return db.connection().execute(statement).rowcount == 1
