"""Receipts: that a privacy request was done, when, and how much it was about. Nobody's data; they outlive the shop."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.tables import Receipt


def write(db: Session, domain: str, topic: str, told: Mapping[str, Any]) -> None:
    """Note what was done for a request."""
    db.add(Receipt(shop=domain, topic=topic, told=dict(told), done_at=clock.now()))
    db.flush()


def of(db: Session, domain: str) -> Sequence[Receipt]:
    """The shop's receipts, oldest first."""
    return db.scalars(select(Receipt).where(Receipt.shop == domain).order_by(Receipt.id)).all()


def was_erased(db: Session, domain: str) -> bool:
    """Whether everything of this shop was erased at some time."""
    erased = Receipt.shop == domain, Receipt.topic == "shop/redact"
    return db.scalar(select(Receipt.id).where(*erased).limit(1)) is not None
