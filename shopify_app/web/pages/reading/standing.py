"""Where a shop stands: what day it is, how fresh its data is, how far its setup got, and the one thing to say first."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import registry
from shopify_app.lifecycle.slots import peek
from shopify_app.policy import Policy
from shopify_app.records import feeds
from shopify_app.tables import Alert, AlertState, Backfill, Event, Feed, Job, Shop, ShopState, Task, WorkState

STALE_AFTER = timedelta(hours=24)
"""Without a word from Shopify for this long, quantities to order are hidden."""
NIGHTLY = ("retrain", "night")
"""Jobs without which versions and forecasts grow old."""


class Stage(StrEnum):
    """How far the setup of a shop is."""

    WAITING = "waiting"
    READING = "reading"
    TRAINING = "training"
    READY = "ready"


@dataclass(frozen=True)
class Standing:
    """What every page needs to know about its shop."""

    shop_id: int
    domain: str
    currency: str
    time_zone: str
    scopes: frozenset[str]
    policy: Policy
    today_on: date
    closed_on: date
    """Last complete business day."""
    heard_at: datetime | None
    """When Shopify last told us anything."""
    is_stale: bool
    needs_reopening: bool
    stage: Stage
    alert: Alert | None
    open_alerts: int
    trouble: str | None
    """Why the last training or night's work came to nothing; None when it did not."""

    @property
    def is_ready(self) -> bool:
        """Forecasts exist."""
        return self.stage == Stage.READY


def standing(db: Session, shop: Shop, now: datetime) -> Standing:
    """Read it, for one page view."""
    heard_at = _heard_at(db, shop)
    open_ones = _open_alerts(db, shop.id)
    today = registry.today(shop)
    return Standing(
        shop_id=shop.id,
        domain=shop.domain,
        currency=shop.currency,
        time_zone=shop.time_zone,
        scopes=frozenset(part.strip() for part in shop.scopes.split(",") if part.strip()),
        policy=Policy.of(shop.settings),
        today_on=today,
        closed_on=today - timedelta(days=1),
        heard_at=heard_at,
        is_stale=heard_at is None or now - heard_at > STALE_AFTER,
        needs_reopening=shop.state == ShopState.NEEDS_REOPENING,
        stage=_stage(db, shop.id),
        alert=open_ones[0] if open_ones else None,
        open_alerts=len(open_ones),
        trouble=_trouble(db, shop.id),
    )


def _heard_at(db: Session, shop: Shop) -> datetime | None:
    newest = select(Event.received_at).where(Event.shop == shop.domain).order_by(Event.seq.desc()).limit(1)
    read = select(Backfill.finished_at).where(Backfill.shop_id == shop.id, Backfill.finished_at.is_not(None))
    compared = select(Feed.checked_at).where(Feed.shop_id == shop.id, Feed.kind == feeds.ORDERS)
    moments = [db.scalar(newest), db.scalar(read.order_by(Backfill.id.desc()).limit(1)), db.scalar(compared)]
    return max((moment for moment in moments if moment is not None), default=None)


def _open_alerts(db: Session, shop_id: int) -> list[Alert]:
    """The gravest first: one that asks for action before one that only tells."""
    query = select(Alert).where(Alert.shop_id == shop_id, Alert.state == AlertState.OPEN)
    return list(db.scalars(query.order_by(Alert.kind, Alert.raised_at.desc())))


def _trouble(db: Session, shop_id: int) -> str | None:
    for kind in NIGHTLY:
        ended = (Job.shop_id == shop_id, Job.kind == kind, Job.state.in_((WorkState.DONE, WorkState.PARKED)))
        newest = db.scalar(select(Job).where(*ended).order_by(Job.id.desc()).limit(1))
        if newest is not None and newest.state == WorkState.PARKED:
            return newest.error or "it gave no reason"
    return None


def _stage(db: Session, shop_id: int) -> Stage:
    seen = peek(db, shop_id, Task.FORECAST)
    if seen is not None and seen.champion_id is not None:
        return Stage.READY
    newest = db.scalar(select(Backfill).where(Backfill.shop_id == shop_id).order_by(Backfill.id.desc()).limit(1))
    if newest is None:
        return Stage.WAITING
    return Stage.TRAINING if newest.state == "done" else Stage.READING


@dataclass(frozen=True)
class Step:
    """One step of the setup: waiting, running, done or failed, and how far in words."""

    label: str
    state: str
    detail: str
    share: float | None = None


def steps(db: Session, at: Standing) -> list[Step]:
    """The way from the installation to the first forecast."""
    read = db.scalar(select(Backfill).where(Backfill.shop_id == at.shop_id).order_by(Backfill.id.desc()).limit(1))
    train = db.scalar(
        select(Job).where(Job.shop_id == at.shop_id, Job.kind == "retrain").order_by(Job.id.desc()).limit(1)
    )
    return [_reading(read, _job_note(db, at.shop_id)), *_training(at, train)]


def _reading(read: Backfill | None, note: str | None) -> Step:
    label = "Read your orders and products"
    if read is None:
        return Step(label, "waiting", note or "Starts in a moment.")
    if read.state == "failed":
        return Step(label, "failed", f"{read.error or 'Shopify gave no reason.'} It is tried again by itself.")
    told = f"{read.orders_read:,} orders" + (f", up to {read.reached_on:%d %b %Y}" if read.reached_on else "")
    if read.state == "done":
        return Step(label, "done", told)
    if not read.orders_read:
        return Step(label, "running", note or "Shopify is collecting them.")
    told = f"{told}, of about {read.orders_expected:,}{_time_left(read.seconds_left)}"
    return Step(label, "running", told, min(read.orders_read / max(read.orders_expected, 1), 1.0))


def _time_left(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return ", less than a minute left" if seconds < 60 else f", about {round(seconds / 60)} min left"


def _training(at: Standing, job: Job | None) -> list[Step]:
    labels = ("Learn what sells when, and what sells together", "Show the first forecast")
    if at.is_ready:
        return [Step(label, "done", "") for label in labels]
    if job is None:
        return [Step(label, "waiting", "") for label in labels]
    if job.state == WorkState.PARKED:
        return [Step(labels[0], "failed", job.error or "It gave no reason."), Step(labels[1], "waiting", "")]
    if job.state == WorkState.DONE:
        return [Step(labels[0], "waiting", "Starts when your first orders have come."), Step(labels[1], "waiting", "")]
    told = job.progress or ("Running" if job.started_at else "Waiting for a free worker")
    return [Step(labels[0], "running", told), Step(labels[1], "waiting", "")]


def _job_note(db: Session, shop_id: int) -> str | None:
    return db.scalar(
        select(Job.progress)
        .where(Job.shop_id == shop_id, Job.kind == "backfill", Job.state == WorkState.PENDING)
        .order_by(Job.id.desc())
        .limit(1)
    )
