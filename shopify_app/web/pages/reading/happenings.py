"""What happened lately, in one list: versions that changed hands, by whom, and alerts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.lifecycle.registry import MACHINE
from shopify_app.tables import Alert, Transition, Version
from shopify_app.web.pages.reading.standing import Standing

TASKS = {"forecast": "Forecasts", "recommend": "Recommendations"}
KINDS = {
    "promotion": ("put in charge", "success"),
    "rollback": ("restored", "warning"),
    "shadow_ended": ("rejected", "neutral"),
    "freeze": ("Automatic changes stopped", "warning"),
    "unfreeze": ("Automatic changes allowed again", "neutral"),
}

PASSED = "It passed every gate before it took over."
"""Of a promotion that passes by routine; its version's page says how."""


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
    """The newest first. Of the promotions that pass by routine, only the latest of each task is told."""
    found = [*_changes(db, shop, limit), *_alerts(db, shop, limit)]
    return sorted(found, key=lambda happening: happening.at, reverse=True)[:limit]


def _changes(db: Session, shop: Standing, limit: int) -> Iterator[Happening]:
    routine = (Transition.kind == "promotion") & (Transition.actor == MACHINE)
    mine = select(Transition.id).where(Transition.shop_id == shop.shop_id)
    notable = mine.where(Transition.kind.in_(KINDS), ~routine).order_by(Transition.id.desc()).limit(limit)
    latest = select(func.max(Transition.id)).where(Transition.shop_id == shop.shop_id, routine)
    told = [*db.scalars(notable), *db.scalars(latest.group_by(Transition.task))]
    rows = db.execute(
        select(Transition, Version.number)
        .outerjoin(Version, Version.id == Transition.version_id)
        .where(Transition.shop_id == shop.shop_id, Transition.id.in_(told))
    )
    for line, number in rows:
        verb, tone = KINDS[line.kind]
        what = f"{TASKS.get(line.task, line.task)}: version {number} {verb}" if number else verb
        by = "" if line.actor == MACHINE else f" ({line.actor})"
        link = f"/models/{line.task}/{number}" if number else "/models"
        by_gates = line.kind == "promotion" and line.actor == MACHINE and line.numbers
        why = PASSED if by_gates else f"{line.reason[:1].upper()}{line.reason[1:]}{by}."
        yield Happening(line.created_at, line.changed_on, what, tone, why, link)


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
