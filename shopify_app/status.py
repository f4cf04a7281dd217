"""What `python -m shopify_app status` says: every shop's standing, in numbers."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import registry
from shopify_app.lifecycle.slots import peek
from shopify_app.records import inbox
from shopify_app.tables import (
    Alert,
    AlertState,
    Effect,
    Event,
    EventState,
    Job,
    Order,
    Shop,
    ShopState,
    Task,
    Token,
    Version,
    WorkState,
)


def of_all(db: Session, domain: str | None = None) -> dict[str, Any]:
    """One entry per shop, or of the one named."""
    chosen = select(Shop).order_by(Shop.domain)
    if domain is not None:
        chosen = chosen.where(Shop.domain == domain)
    return {shop.domain: of(db, shop) for shop in db.scalars(chosen)}


def of(db: Session, shop: Shop) -> dict[str, Any]:
    """One shop: orders stored, what waits, who is in charge, what is alarming."""
    waiting = Event.shop == shop.domain, Event.state == EventState.PENDING
    parked = Event.shop == shop.domain, Event.state == EventState.PARKED
    return {
        "state": shop.state,
        "access": _access(db, shop),
        "today": shop.business_on,
        "orders": _count(db, Order, Order.shop_id == shop.id),
        "new_orders": f"{shop.orders_counted - shop.orders_at_retrain} since the last retrain by orders",
        "deliveries_waiting": _count(db, Event, *waiting),
        "deliveries_parked": _count(db, Event, *parked),
        "deliveries_quarantined": inbox.quarantined_count(db, shop.domain),
        "jobs_waiting": _count(db, Job, Job.shop_id == shop.id, Job.state == WorkState.PENDING),
        "jobs_parked": _count(db, Job, Job.shop_id == shop.id, Job.state == WorkState.PARKED),
        "effects_waiting": _count(db, Effect, Effect.shop_id == shop.id, Effect.state == WorkState.PENDING),
        "versions": _count(db, Version, Version.shop_id == shop.id),
        "in_charge": {task.value: _in_charge(db, shop, task) for task in Task},
        "open_alerts": [
            f"{alert.task} {alert.kind}: {alert.message}"
            for alert in db.scalars(
                select(Alert).where(Alert.shop_id == shop.id, Alert.state == AlertState.OPEN).order_by(Alert.id)
            )
        ],
    }


def text(told: dict[str, Any], indent: str = "") -> str:
    """The same for people: one line per figure."""
    lines = []
    for name, value in told.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", text(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{name}: {'none' if not value else ''}".rstrip(), *(f"{indent}  {v}" for v in value)]
        else:
            lines.append(f"{indent}{name}: {value}")
    return "\n".join(lines)


def _access(db: Session, shop: Shop) -> str:
    if shop.state == ShopState.UNINSTALLED:
        return "ended: the app was removed"
    kept = db.get(Token, shop.id)
    if shop.state == ShopState.NEEDS_REOPENING or kept is None or kept.refresh_expires_at is None:
        return "lost: the merchant has to open the app once; no job runs until then"
    return f"renewable until {kept.refresh_expires_at:%Y-%m-%d}"


def _in_charge(db: Session, shop: Shop, task: Task) -> str:
    seen = peek(db, shop.id, task)
    champion = registry.by_id(db, shop.id, seen.champion_id if seen else None)
    shadow = registry.by_id(db, shop.id, seen.shadow_id if seen else None)
    if champion is None:
        return "nobody yet"
    behind = f", version {shadow.number} in its shadow" if shadow else ""
    return f"version {champion.number} ({champion.algorithm}){behind}"


def _count(db: Session, table: Any, *where: Any) -> int:
    return db.scalar(select(func.count()).select_from(table).where(*where)) or 0
