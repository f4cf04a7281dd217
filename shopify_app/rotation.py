"""What `python -m shopify_app secrets` says: which client secret is still in use, and what may be done next.

Shopify signs with the oldest secret that was not revoked, so deliveries change over when the old one is revoked there;
tokens change over before that, because a pair dies with the secret that it was got with.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.config import Settings, secret_name
from shopify_app.tables import Event, Shop, ShopState, Token

LOOK_BACK = timedelta(days=1)
QUIET = timedelta(hours=5)
"""Shopify repeats a delivery for four hours and may take another to change the secret that it signs with."""


def report(db: Session, settings: Settings, now: datetime) -> dict[str, Any]:
    """Both secrets by name, what was signed or got with which, and the next step in words."""
    outdated = _outdated(db, secret_name(settings.api_secret))
    told = {
        "current_secret": secret_name(settings.api_secret),
        "old_secret": secret_name(settings.old_api_secret) if settings.old_api_secret else None,
        "deliveries_in_the_last_day": {used: _signed(db, used, now) for used in ("current", "old")},
        "last_signed_with_the_current": _last(db, "current"),
        "last_signed_with_the_old": _last(db, "old"),
        "shops_with_tokens_of_another_secret": outdated,
    }
    return {**told, "next": _next(settings, told, now)}


def _next(settings: Settings, told: dict[str, Any], now: datetime) -> str:
    last_old, last_current = told["last_signed_with_the_old"], told["last_signed_with_the_current"]
    if told["shops_with_tokens_of_another_secret"]:
        return "wait: the heartbeat renews these shops' tokens with the current secret, within about an hour"
    if not settings.old_api_secret:
        return "nothing: only one secret is accepted"
    if last_old is None and last_current is None:
        return "wait for deliveries: none has come yet, so none shows which secret Shopify signs with"
    if last_old is not None and (last_current is None or last_old > last_current):
        return "revoke the old secret at Shopify: tokens no longer need it, and deliveries change over when it is gone"
    if last_old is not None and now - last_old < QUIET:
        return (
            f"wait: deliveries signed with the old secret may be repeated until {last_old + QUIET:%Y-%m-%d %H:%M} UTC"
        )
    return "revoke the old secret at Shopify if it still is there, and remove SHOPIFY_OLD_API_SECRET"


def _signed(db: Session, used: str, now: datetime) -> int:
    lately = Event.secret_used == used, Event.received_at > now - LOOK_BACK
    return db.scalar(select(func.count()).select_from(Event).where(*lately)) or 0


def _last(db: Session, used: str) -> datetime | None:
    newest = select(Event.received_at).where(Event.secret_used == used).order_by(Event.seq.desc()).limit(1)
    return db.scalar(newest)


def _outdated(db: Session, secret: str) -> int:
    got = select(func.count()).select_from(Token).join(Shop, Shop.id == Token.shop_id)
    other = Shop.state == ShopState.INSTALLED, Token.access_token != b"", Token.minted_with.is_distinct_from(secret)
    return db.scalar(got.where(*other)) or 0
