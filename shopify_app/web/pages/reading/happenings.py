"""What happened lately, in one list: versions that changed hands, alerts, and what Shopify Flow was told and asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.clock import day_in
from shopify_app.lifecycle.registry import MACHINE
from shopify_app.tables import Alert, Effect, FlowRun, Transition, Version, WorkState
from shopify_app.web.pages.reading.standing import Standing

TASKS = {"forecast": "Forecasts", "recommend": "Recommendations"}
KINDS = {
    "promotion": ("put in charge", "success"),
    "rollback": ("restored", "warning"),
    "shadow_ended": ("rejected", "neutral"),
    "freeze": ("Automatic changes stopped", "warning"),
    "unfreeze": ("Automatic changes allowed again", "neutral"),
}


@dataclass(frozen=True)
class Happening:
    """One line: when, what, why."""

    at: datetime
    on: date
    """The shop's day, which is not the day on our wall while a history is replayed."""
    title: str
    tone: str
    detail: str
    link: str | None


def latest(db: Session, shop: Standing, limit: int = 6) -> list[Happening]:
    """The newest first."""
    found = [*_changes(db, shop, limit), *_alerts(db, shop, limit), *_flow(db, shop, limit)]
    return sorted(found, key=lambda happening: happening.at, reverse=True)[:limit]


def _changes(db: Session, shop: Standing, limit: int) -> Iterator[Happening]:
    rows = db.execute(
        select(Transition, Version.number)
        .outerjoin(Version, Version.id == Transition.version_id)
        .where(Transition.shop_id == shop.shop_id, Transition.kind.in_(KINDS))
        .order_by(Transition.id.desc())
        .limit(limit)
    )
    for line, number in rows:
        verb, tone = KINDS.get(line.kind, (line.kind, "neutral"))
        what = f"{TASKS.get(line.task, line.task)}: version {number} {verb}" if number else verb
        by = "" if line.actor == MACHINE else f" ({line.actor})"
        link = f"/models/{line.task}/{number}" if number else "/models"
        yield Happening(line.created_at, line.changed_on, what, tone, line.reason + by, link)


def _alerts(db: Session, shop: Standing, limit: int) -> Iterator[Happening]:
    rows = db.scalars(select(Alert).where(Alert.shop_id == shop.shop_id).order_by(Alert.id.desc()).limit(limit))
    for alert in rows:
        tone = "critical" if alert.kind == "act" else "warning"
        yield Happening(
            alert.raised_at,
            alert.raised_on,
            f"{TASKS.get(alert.task, alert.task)}: alert",
            tone,
            alert.message,
            "/alerts",
        )


def _flow(db: Session, shop: Standing, limit: int) -> Iterator[Happening]:
    sent = select(Effect).where(
        Effect.shop_id == shop.shop_id, Effect.kind == "flow_trigger", Effect.state == WorkState.DONE
    )
    for effect in db.scalars(sent.order_by(Effect.id.desc()).limit(limit)):
        if effect.done_at is not None:
            yield Happening(
                effect.done_at,
                _day(effect.done_at, shop),
                "Shopify Flow was told",
                "info",
                "Accuracy alert sent.",
                "/alerts",
            )
    asked = select(FlowRun).where(FlowRun.shop_id == shop.shop_id).order_by(FlowRun.id.desc()).limit(limit)
    for run in db.scalars(asked):
        detail = f"Your workflow ran the action “{run.handle.replace('-', ' ')}”."
        yield Happening(run.received_at, _day(run.received_at, shop), "Shopify Flow asked", "info", detail, "/alerts")


def _day(moment: datetime, shop: Standing) -> date:
    return day_in(moment, shop.time_zone)
