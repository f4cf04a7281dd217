"""Work for a shop: asked once, done by one worker at a time, retried, parked when it never works."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shopify_app.db import insert, server_time
from shopify_app.errors import Conflict, NotFound
from shopify_app.records import leases
from shopify_app.records.leases import RELEASED, UNREACHED, LostLease
from shopify_app.tables import Job, Shop, ShopState, WorkState

__all__ = [
    "LostLease",
    "advance",
    "ask",
    "claim",
    "drop",
    "fail",
    "finish",
    "hurry",
    "is_open",
    "note",
    "open_count",
    "park",
    "pause",
    "postpone",
    "remember",
    "renew",
    "replay",
    "shops_served",
    "wait_for_outside",
]

ATTEMPTS = 5
CAUSES_KEPT = 20
ASKED = "asked"
"""How often a waiting job was asked for again, in its payload: a cause that it has already would say nothing."""
FAILURES = "failures"
"""What of its parts went wrong how often, in the payload of a job."""


def ask(
    db: Session,
    shop_id: int,
    kind: str,
    cause: str,
    *,
    payload: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
) -> int:
    """The id of the waiting job of this kind, made when there is none.

    When one waits already, the cause is added to it, newer payload values replace older ones, and the earlier due time
    counts. A job that runs is left alone: what is asked meanwhile is done after it.
    """
    while True:
        job_id = _insert(db, shop_id, kind, cause, dict(payload or {}), due_at or server_time(db))
        if job_id is None:
            job_id = _join(db, shop_id, kind, [cause], dict(payload or {}), due_at or server_time(db))
        if job_id is not None:
            return job_id


def claim(db: Session, kinds: Collection[str], *, lease: timedelta = timedelta(minutes=5)) -> Job | None:
    """Lease one due job: of the shop served longest ago, never beside a running job of the same shop and kind."""
    # Found once and not for each job that is due: beside each there are months of the same kind that are done.
    held = select(Job.shop_id, Job.kind).where(Job.state == WorkState.PENDING, Job.lease_until > server_time(db))
    alone = tuple_(Job.shop_id, Job.kind).not_in(held.correlate(None))
    return leases.take(db, Job, kinds, lease=lease, most=ATTEMPTS, but=[alone])


def renew(db: Session, job: Job, *, lease: timedelta = timedelta(minutes=5)) -> None:
    """Hold the job for longer. Raises LostLease."""
    leases.hold(db, job, lease_until=server_time(db) + lease)


def note(db: Session, job: Job, progress: str) -> None:
    """Say how far the job is, for the pages. Raises LostLease."""
    leases.hold(db, job, progress=progress[:200])


def remember(db: Session, job: Job, **values: Any) -> None:
    """Keep something with the job for whoever goes on with it. Raises LostLease."""
    payload = {**job.payload, **values}
    leases.hold(db, job, payload=payload)
    job.payload = payload


def advance(db: Session, job: Job) -> None:
    """The job came further: what failed on the way no longer counts. Raises LostLease."""
    payload = _without(job.payload, UNREACHED, FAILURES)
    if job.attempts > 1 or payload != job.payload:
        leases.hold(db, job, attempts=1, payload=payload)
        job.attempts, job.payload = 1, payload


def hurry(db: Session, shop_id: int, kinds: Collection[str]) -> None:
    """What jobs of these kinds wait for has happened: they are due now."""
    waiting = Job.shop_id == shop_id, Job.kind.in_(kinds), Job.state == WorkState.PENDING, Job.started_at.is_(None)
    now = server_time(db)
    db.execute(update(Job).where(*waiting, Job.due_at > now).values(due_at=now))


def drop(db: Session, shop_id: int, kinds: Collection[str], why: str) -> None:
    """End the waiting jobs of these kinds: nobody wants them any more."""
    waiting = Job.shop_id == shop_id, Job.kind.in_(kinds), Job.state == WorkState.PENDING, Job.started_at.is_(None)
    ended = {"state": WorkState.DONE, "finished_at": server_time(db), "result": {"dropped": why}, "progress": None}
    db.execute(update(Job).where(*waiting).values(**ended))


def finish(db: Session, job: Job, result: Mapping[str, Any] | None = None) -> None:
    """The job is done; commit this together with its effect. Raises LostLease, and then the effect must not count."""
    done = {"state": WorkState.DONE, "finished_at": server_time(db), "result": dict(result or {}), "error": None}
    leases.hold(db, job, **done, **RELEASED)


def fail(db: Session, job: Job, error: str, *, retry_in: timedelta) -> None:
    """Try again later, or park the job after its fifth attempt. Raises LostLease."""
    if job.attempts >= ATTEMPTS:
        park(db, job, error)
    else:
        _wait(db, job, job.attempts, error[:2000], server_time(db) + retry_in)


def park(db: Session, job: Job, error: str) -> None:
    """Give the job up: only a person can help. Raises LostLease."""
    parked = {"state": WorkState.PARKED, "finished_at": server_time(db), "error": error[:2000]}
    leases.hold(db, job, **parked, **RELEASED)


def postpone(db: Session, job: Job, *, retry_in: timedelta, error: str | None = None) -> None:
    """Nothing is wrong with the job, it only has to wait: the attempt is not counted. Raises LostLease."""
    _wait(db, job, job.attempts - 1, error[:2000] if error else None, server_time(db) + retry_in)


def pause(db: Session, job: Job, progress: str, *, retry_in: timedelta) -> None:
    """The job is on its way and goes on later: no attempt is counted, those before neither. Raises LostLease."""
    payload = _without(job.payload, UNREACHED)
    if payload != job.payload:
        leases.hold(db, job, payload=payload)
        job.payload = payload
    _wait(db, job, 0, None, server_time(db) + retry_in, progress[:200])


def wait_for_outside(db: Session, job: Job, error: str) -> None:
    """What it needs outside cannot be reached: try again, less and less often. Not counted. Raises LostLease."""
    wait = leases.unreached(db, job)
    _wait(db, job, job.attempts - 1, error[:2000], server_time(db) + wait)


def is_open(db: Session, shop_id: int, kind: str, by: datetime | None = None) -> bool:
    """Whether a job of this kind runs, or waits; of those nobody has begun yet, only what is due by then, if given."""
    mine = [Job.shop_id == shop_id, Job.kind == kind, Job.state == WorkState.PENDING]
    if by is not None:
        mine.append(_has_begun_or_is_due(by))
    return db.scalar(select(Job.id).where(*mine).limit(1)) is not None


def shops_served(kind: str, by: datetime, parked_since: datetime) -> Select[int]:
    """Shops for which asking for such a job would bring nothing: one is open, or was given up since then."""
    is_open = (Job.state == WorkState.PENDING) & _has_begun_or_is_due(by)
    is_given_up = (Job.state == WorkState.PARKED) & (Job.finished_at > parked_since)
    few = Job.state.in_((WorkState.PENDING, WorkState.PARKED))  # what is done is most, and the index tells them apart
    return select(Job.shop_id).where(Job.kind == kind, few, is_open | is_given_up)


def replay(db: Session, shop_id: int, job_id: int) -> None:
    """Give a parked job another five attempts. Raises NotFound, or Conflict when it is not parked."""
    job = db.get(Job, job_id, populate_existing=True)
    if job is None or job.shop_id != shop_id:
        raise NotFound(f"there is no job {job_id}")
    if job.state != WorkState.PARKED:
        raise Conflict(f"job {job_id} is {job.state}, not parked")
    causes = [str(cause) for cause in job.causes]
    if _join(db, shop_id, job.kind, causes, {}, server_time(db)) is not None:
        job.state = WorkState.DONE
        job.result = {"joined": "the job of this kind that was waiting"}
        return
    job.state, job.attempts, job.due_at = WorkState.PENDING, 0, server_time(db)
    job.payload = _without(job.payload, UNREACHED, FAILURES)
    job.started_at = job.finished_at = None
    db.flush()


def open_count(db: Session) -> int:
    """How many jobs of installed shops wait or run."""
    waiting = (
        select(func.count())
        .select_from(Job)
        .join(Shop, Shop.id == Job.shop_id)
        .where(Job.state == WorkState.PENDING, Shop.state == ShopState.INSTALLED)
    )
    return db.scalar(waiting) or 0


def _has_begun_or_is_due(by: datetime) -> ColumnElement[bool]:
    """What was tried or is on its way waits as long as it has to: it runs, or tells an error or how far it is."""
    begun = Job.started_at.is_not(None) | Job.error.is_not(None) | Job.progress.is_not(None)
    return begun | (Job.due_at <= by)


def _without(payload: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in names}


def _insert(db: Session, shop_id: int, kind: str, cause: str, payload: dict[str, Any], due_at: datetime) -> int | None:
    row = insert(db, Job).values(
        shop_id=shop_id,
        kind=kind,
        causes=[cause],
        payload=payload,
        state=WorkState.PENDING,
        attempts=0,
        due_at=due_at,
        created_at=server_time(db),
    )
    job_id: int | None = db.scalar(row.on_conflict_do_nothing().returning(Job.id))
    return job_id


def _join(
    db: Session, shop_id: int, kind: str, causes: list[str], payload: dict[str, Any], due_at: datetime
) -> int | None:
    """Add to the waiting job. None when there is none (any more): it may have been claimed in between."""
    waiting = (
        select(Job)
        .where(Job.shop_id == shop_id, Job.kind == kind, Job.state == WorkState.PENDING, Job.started_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    job = db.scalar(waiting)
    if job is None:
        return None
    job.causes = [*job.causes, *(cause for cause in causes if cause not in job.causes)][:CAUSES_KEPT]
    job.payload = {**job.payload, **payload, ASKED: int(job.payload.get(ASKED, 0)) + 1}
    job.due_at = min(job.due_at, due_at)
    db.flush()
    return job.id


def _wait(
    db: Session, job: Job, attempts: int, error: str | None, due_at: datetime, progress: str | None = None
) -> None:
    """Let the job wait again; when another of its kind was asked meanwhile, that one takes over from it."""
    attempts = max(attempts, 0)
    again = {"attempts": attempts, "error": error, "due_at": due_at, "started_at": None, "progress": progress}
    while True:
        try:
            with db.begin_nested():
                leases.hold(db, job, **again, **RELEASED)
            break
        except IntegrityError:
            heir_id = _join(db, job.shop_id, job.kind, [str(cause) for cause in job.causes], {}, due_at)
        if heir_id is not None:
            _hand_over(db, job, db.get_one(Job, heir_id), attempts)
            break


def _hand_over(db: Session, job: Job, heir: Job, attempts: int) -> None:
    heir.payload = {**job.payload, **heir.payload}
    heir.attempts = max(heir.attempts, attempts)
    db.flush()
    taken_over = {"state": WorkState.DONE, "finished_at": server_time(db), "result": {"joined": heir.id}}
    leases.hold(db, job, **taken_over, **RELEASED)
