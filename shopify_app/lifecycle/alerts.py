"""Raise an alert once, with the Flow trigger that follows from it; resolve it when it is over."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.policy import Policy
from shopify_app.records import outbox
from shopify_app.tables import Alert, AlertState, Shop, Version

TRIGGER = "accuracy-alert"
"""Handle of the Flow trigger extension; the payload's keys are its fields."""


def raise_alert(
    db: Session, shop: Shop, about: Version, kind: str, message: str, numbers: dict[str, Any], *, key: str = ""
) -> Alert | None:
    """Write an alert and the effect that tells Shopify Flow, together. None when it was raised before, with that key.

    `warn` tells; `act` also sets the deadline after which the app acts itself.
    """
    policy, raised_at = Policy.of(shop.settings), clock.now()
    deadline = timedelta(hours=policy.rollback_deadline_hours if policy.max_rollbacks else 0)
    row = insert(db, Alert).values(
        shop_id=shop.id,
        task=about.task,
        kind=kind,
        version_id=about.id,
        key=key,
        state=AlertState.OPEN,
        message=message,
        numbers=numbers,
        raised_at=raised_at,
        raised_on=shop.business_on or raised_at.date(),
        act_by=raised_at + deadline if kind == "act" and deadline else None,
    )
    alert_id = db.scalar(row.on_conflict_do_nothing().returning(Alert.id))
    if alert_id is None:
        return None
    outbox.put(db, shop.id, "flow_trigger", f"alert-{alert_id}", trigger(alert_id, about, kind, message, numbers))
    return db.get(Alert, alert_id)


def trigger(alert_id: int, about: Version, kind: str, message: str, numbers: dict[str, Any]) -> dict[str, Any]:
    """What Flow is told. Keys are letters and spaces only: Shopify allows no others in a trigger."""
    return {
        "handle": TRIGGER,
        "alert_id": alert_id,
        "payload": {
            "Task": about.task,
            "Kind": kind,
            "Version number": float(about.number),
            "Accuracy percent": _percent(numbers.get("accuracy")),
            "Target percent": _percent(numbers.get("target")),
            "Message": message[:500],
        },
    }


def resolve(db: Session, shop: Shop, about: Version, resolution: str) -> None:
    """Close what is open about a version."""
    open_ones = select(Alert).where(
        Alert.shop_id == shop.id, Alert.version_id == about.id, Alert.state == AlertState.OPEN
    )
    for alert in db.scalars(open_ones):
        alert.state, alert.resolved_at, alert.resolution = AlertState.RESOLVED, clock.now(), resolution[:500]


def _percent(ratio: float | None) -> float:
    return round(100 * ratio, 1) if ratio is not None else 0.0
