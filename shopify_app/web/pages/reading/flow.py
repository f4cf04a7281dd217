"""Alerts and their way through Shopify Flow."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.tables import Alert, AlertState, Effect, FlowRun, Version, WorkState
from shopify_app.web.pages.reading.standing import Standing

LISTED = 50


@dataclass(frozen=True)
class AlertRow:
    """One alert with the version it speaks of and how Flow took the news."""

    alert: Alert
    version_number: int | None
    flow_state: str
    """sent, waiting, failed, or none when nothing had to be sent."""
    flow_error: str | None

    @property
    def is_open(self) -> bool:
        """Nothing has settled it yet."""
        return self.alert.state == AlertState.OPEN


def alerts(db: Session, at: Standing) -> list[AlertRow]:
    """Open ones first, then the newest."""
    rows = db.execute(
        select(Alert, Version.number)
        .outerjoin(Version, Version.id == Alert.version_id)
        .where(Alert.shop_id == at.shop_id)
        .order_by(Alert.state, Alert.id.desc())
        .limit(LISTED)
    ).all()
    keys = [f"alert-{alert.id}" for alert, _ in rows]
    query = select(Effect).where(Effect.shop_id == at.shop_id, Effect.kind == "flow_trigger", Effect.key.in_(keys))
    sent = {effect.key: effect for effect in db.scalars(query)}
    return [_row(alert, number, sent.get(f"alert-{alert.id}")) for alert, number in rows]


def runs(db: Session, at: Standing) -> list[FlowRun]:
    """What workflows asked of us, newest first."""
    query = select(FlowRun).where(FlowRun.shop_id == at.shop_id).order_by(FlowRun.id.desc()).limit(LISTED)
    return list(db.scalars(query))


def _row(alert: Alert, number: int | None, effect: Effect | None) -> AlertRow:
    if effect is None:
        return AlertRow(alert, number, "none", None)
    states = {WorkState.DONE: "sent", WorkState.PARKED: "failed", WorkState.PENDING: "waiting"}
    return AlertRow(alert, number, states[WorkState(effect.state)], effect.error)
