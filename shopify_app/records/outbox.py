"""Effects: what Shopify must be told, written with its cause, delivered afterwards, at least once each."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.db import insert, server_time
from shopify_app.errors import Conflict, NotFound
from shopify_app.records import leases
from shopify_app.records.leases import RELEASED, LostLease
from shopify_app.tables import Effect, WorkState

__all__ = ["LostLease", "claim", "done", "fail", "open_count", "postpone", "put", "replay", "wait_for_outside"]

ATTEMPTS = 12


def put(db: Session, shop_id: int, kind: str, key: str, payload: Mapping[str, Any]) -> bool:
    """Write an effect to deliver. False, and nothing changed, when this key was put before."""
    now = server_time(db)
    row = insert(db, Effect).values(
        shop_id=shop_id,
        kind=kind,
        key=key,
        payload=dict(payload),
        state=WorkState.PENDING,
        attempts=0,
        due_at=now,
        created_at=now,
    )
    return db.scalar(row.on_conflict_do_nothing().returning(Effect.id)) is not None


def claim(db: Session, kinds: Collection[str], lease: timedelta = timedelta(minutes=1)) -> Effect | None:
    """Lease one due effect: of the shop served longest ago, oldest first."""
    return leases.take(db, Effect, kinds, lease=lease, most=ATTEMPTS)


def done(db: Session, effect: Effect) -> None:
    """Shopify has been told. Raises LostLease."""
    leases.hold(db, effect, state=WorkState.DONE, done_at=server_time(db), error=None, **RELEASED)


def fail(db: Session, effect: Effect, error: str, *, retry_in: timedelta) -> None:
    """Try again later, or park the effect after its twelfth attempt. Raises LostLease."""
    state = WorkState.PARKED if effect.attempts >= ATTEMPTS else WorkState.PENDING
    leases.hold(db, effect, state=state, error=error[:2000], due_at=server_time(db) + retry_in, **RELEASED)


def postpone(db: Session, effect: Effect, *, retry_in: timedelta) -> None:
    """Nothing is wrong with the effect, Shopify is busy: the attempt is not counted. Raises LostLease."""
    leases.hold(db, effect, attempts=max(effect.attempts - 1, 0), due_at=server_time(db) + retry_in, **RELEASED)


def wait_for_outside(db: Session, effect: Effect, error: str) -> None:
    """Shopify cannot be reached: try again, less and less often. Not counted. Raises LostLease."""
    wait = leases.unreached(db, effect)
    later = {"attempts": max(effect.attempts - 1, 0), "due_at": server_time(db) + wait, "error": error[:2000]}
    leases.hold(db, effect, **later, **RELEASED)


def replay(db: Session, shop_id: int, effect_id: int) -> None:
    """Give a parked effect another twelve attempts. Raises NotFound, or Conflict when it is not parked."""
    effect = db.get(Effect, effect_id, populate_existing=True)
    if effect is None or effect.shop_id != shop_id:
        raise NotFound(f"there is no effect {effect_id}")
    if effect.state != WorkState.PARKED:
        raise Conflict(f"effect {effect_id} is {effect.state}, not parked")
    effect.state, effect.attempts, effect.due_at = WorkState.PENDING, 0, server_time(db)
    db.flush()


def open_count(db: Session) -> int:
    """How many effects wait or are being delivered."""
    return db.scalar(select(func.count()).select_from(Effect).where(Effect.state == WorkState.PENDING)) or 0
