"""Leases with fencing: a worker holds a row for a while, and its writes count only while nobody else has taken it."""

import secrets
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from shopify_app.db import server_time
from shopify_app.errors import ForetallyError
from shopify_app.log import log
from shopify_app.records import turns
from shopify_app.tables import Effect, Job, Shop, ShopState, Turn, WorkState

Work = TypeVar("Work", Job, Effect)

TRIES = 20
"""How often a worker looks again after another one was faster."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=1)
"""Until what cannot be reached is tried again: at first, and at most."""
DOUBLINGS = 8
UNREACHED = "unreached"


class LostLease(ForetallyError):
    """Somebody else has taken over this work; what this worker did for it must be rolled back."""


def take(
    db: Session,
    work: type[Work],
    kinds: Collection[str],
    *,
    lease: timedelta,
    most: int,
    but: Collection[ColumnElement[bool]] = (),
) -> Work | None:
    """Lease the oldest due row of the shop served longest ago. Counts the attempt. None when nothing is due.

    Shops that are not installed wait: their rows stay as they are. A row taken `most` times without a word is parked.
    """
    now, queue = server_time(db), work.__tablename__
    for _ in range(TRIES):
        found = db.execute(_next(work, queue, kinds, now, but)).first()
        if found is None:
            return None
        if found.attempts >= most:
            _park(db, work, found.id, now)
        elif turns.won(db, partial(_lease, db, work, found, now, lease)):
            return db.get(work, found.id, populate_existing=True)
    return None


def hold(db: Session, held: Job | Effect, **values: Any) -> None:
    """Write to a row as its holder. Raises LostLease when somebody else has it by now."""
    table = type(held)
    mine = table.id == held.id, table.lease_token == held.lease_token, table.state == WorkState.PENDING
    if held.lease_token is None or not turns.happened(db, update(table).where(*mine).values(**values)):
        raise LostLease(f"{table.__tablename__} {held.id} ({held.kind}) is no longer ours")


@contextmanager
def renewed(renew: Callable[[], None], lease: timedelta) -> Iterator[None]:
    """Call `renew` three times a lease, from a thread, while the block works; no more once it raised LostLease.

    So a lease can be short: what a killed worker held is soon somebody else's, however long its work would have taken.
    """
    over = threading.Event()

    def again_and_again() -> None:
        while not over.wait(lease.total_seconds() / 3):
            try:
                renew()
            except LostLease:
                return
            except Exception:
                log.exception("lease not renewed")

    thread = threading.Thread(target=again_and_again, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def unreached(db: Session, held: Job | Effect) -> timedelta:
    """Note that what it needs outside could not be reached once more: how long to wait, twice as long each time."""
    times = int(held.payload.get(UNREACHED, 0))
    payload = {**held.payload, UNREACHED: times + 1}
    hold(db, held, payload=payload)
    held.payload = payload
    return min(FIRST_WAIT * (1 << min(times, DOUBLINGS)), LONGEST_WAIT)


RELEASED = {"lease_until": None, "lease_token": None}


def _next(
    work: type[Work], queue: str, kinds: Collection[str], now: datetime, but: Collection[ColumnElement[bool]]
) -> Any:
    turn = (Turn.queue == queue) & (Turn.whose == Shop.domain)
    return (
        select(work.id, work.attempts, Shop.domain, Turn.served_at)
        .join(Shop, Shop.id == work.shop_id)
        .outerjoin(Turn, turn)
        .where(work.kind.in_(kinds), Shop.state == ShopState.INSTALLED, _free(work, now), *but)
        .order_by(Turn.served_at.is_not(None), Turn.served_at, work.due_at, work.id)
        .limit(1)
    )


def _free(work: type[Work], now: datetime) -> ColumnElement[bool]:
    unheld = work.lease_until.is_(None) | (work.lease_until < now)
    return (work.state == WorkState.PENDING) & (work.due_at <= now) & unheld


def _lease(db: Session, work: type[Work], found: Any, now: datetime, lease: timedelta) -> bool:
    values: dict[str, Any] = {
        "attempts": work.attempts + 1,
        "lease_until": now + lease,
        "lease_token": secrets.token_hex(16),
    }
    if work is Job:
        values["started_at"] = now
    leased = update(work).where(work.id == found.id, _free(work, now)).values(**values)
    turn = turns.take(db, work.__tablename__, found.domain, found.served_at, now)
    return turn and turns.happened(db, leased)


def _park(db: Session, work: type[Work], row_id: int, now: datetime) -> None:
    error = "gave up: it was begun too often and never ended, the worker died each time"
    values = {"state": WorkState.PARKED, "error": error, **RELEASED}
    db.execute(update(work).where(work.id == row_id, _free(work, now)).values(**values))
