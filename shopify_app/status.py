"""What `python -m shopify_app status` says: every shop's standing, in numbers."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import registry
from shopify_app.lifecycle.slots import broken_link, peek
from shopify_app.records import feeds, inbox, shops
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
    SlotState,
    Task,
    Token,
    Version,
    WorkState,
)


def of_all(db: Session, domain: str | None = None) -> dict[str, Any]:
    """One entry per shop, or of the one named, with whether its history is whole. Raises NotFound if not here."""
    if domain is not None:
        shop = shops.named(db, domain)
        return {domain: {**of(db, shop), "history": {task.value: _history(db, shop, task) for task in Task}}}
    return {shop.domain: of(db, shop) for shop in db.scalars(select(Shop).order_by(Shop.domain))}


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
        "last_delivery_at": inbox.last_heard(db, shop.domain),
        "webhooks": (getattr(feeds.of(db, shop.id, feeds.ORDERS), "told", None) or {}).get("webhooks"),
        "last_read_at": {
            kind: feed.checked_at if (feed := feeds.of(db, shop.id, kind)) else None for kind in feeds.JOBS
        },
        "jobs_waiting": _count(db, Job, Job.shop_id == shop.id, Job.state == WorkState.PENDING),
        "jobs_parked": _parked(db, shop),
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
    held = f", {seen.state}" if seen and seen.state != SlotState.ACTIVE else ""
    return f"version {champion.number} ({champion.algorithm}){behind}{held}"


def _history(db: Session, shop: Shop, task: Task) -> str:
    """Whether every change of hands is as it was written."""
    broken = broken_link(db, shop.id, task)
    return "whole" if broken is None else f"changed or missing from change {broken} on"


def _parked(db: Session, shop: Shop) -> list[str]:
    """Jobs that were given up, and why."""
    mine = Job.shop_id == shop.id, Job.state == WorkState.PARKED
    return [f"{job.kind} {job.id}: {job.error}" for job in db.scalars(select(Job).where(*mine).order_by(Job.id))]


def _count(db: Session, table: Any, *where: Any) -> int:
    return db.scalar(select(func.count()).select_from(table).where(*where)) or 0
