"""A shop's token pair, sealed. One row per shop, replaced whole; whoever renews it holds the row's lease.

Each lease has a number, the fence. A renewal that was overtaken (its process slept, its lease ran out) finds a higher
number and is not stored: Shopify retired what it got when somebody else got the next pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.records.seal import Seal
from shopify_app.records.turns import happened
from shopify_app.tables import Shop, ShopState, Token

LEASE = timedelta(seconds=60)
"""Longer than any call to the token endpoint may take; after a kill -9 a shop's token cannot be renewed for so long."""
REST = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Pair(Protocol):
    """What Shopify's token endpoint answered: see `platform.oauth.TokenPair`."""

    @property
    def access_token(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def refresh_token(self) -> str: ...
    @property
    def refresh_expires_at(self) -> datetime: ...
    @property
    def minted_with(self) -> str: ...


@dataclass(frozen=True)
class StoredPair:
    """The pair as it is kept. Its text form holds no secret."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    refresh_expires_at: datetime
    scope: str
    generation: int


def save(db: Session, shop_id: int, pair: Pair, seal: Seal) -> None:
    """Replace the shop's pair, whoever may be renewing it. Only for a pair that the merchant has just consented to."""
    values = {**_row(shop_id, pair, seal), "lease_until": None}
    row = insert(db, Token).values(shop_id=shop_id, generation=1, fence=0, **values)
    newer = {**values, "generation": Token.generation + 1, "fence": Token.fence + 1}
    db.execute(row.on_conflict_do_update(index_elements=["shop_id"], set_=newer))


def replace(db: Session, shop_id: int, pair: Pair, seal: Seal, fence: int) -> bool:
    """Store the pair that was got under this lease, which goes on. False when it was overtaken: drop the pair.

    Commit it before the new access token is first used.
    """
    values = {**_row(shop_id, pair, seal), "generation": Token.generation + 1}
    return _as_holder(db, shop_id, fence, **values)


def load(db: Session, shop_id: int, seal: Seal) -> StoredPair | None:
    """The shop's pair; None when there is none (yet)."""
    row = db.scalar(select(Token).where(Token.shop_id == shop_id).execution_options(populate_existing=True))
    if row is None or not row.access_token or row.refresh_token is None or row.refresh_expires_at is None:
        return None
    return StoredPair(
        access_token=seal.open(row.access_token, about(shop_id, "access")).decode(),
        refresh_token=seal.open(row.refresh_token, about(shop_id, "refresh")).decode(),
        expires_at=row.expires_at,
        refresh_expires_at=row.refresh_expires_at,
        scope=row.scope,
        generation=row.generation,
    )


def exists(db: Session, shop_id: int) -> bool:
    """Whether the shop has a pair, without opening it."""
    return db.scalar(select(Token.shop_id).where(Token.shop_id == shop_id, Token.access_token != b"")) is not None


def lock(db: Session, shop_id: int, generation: int, now: datetime) -> int | None:
    """Lease the renewal of this generation: the lease's fence. None when somebody else renews it, or already has."""
    mine = Token.shop_id == shop_id, Token.generation == generation, _free(now)
    lease = {"lease_until": now + LEASE, "tried_at": now, "fence": Token.fence + 1}
    fence: int | None = db.scalar(update(Token).where(*mine).values(**lease).returning(Token.fence))
    return fence


def lock_first(db: Session, shop_id: int, now: datetime) -> int | None:
    """Lease the getting of the shop's first pair (or the first after all was lost). None when somebody else does."""
    empty = {"access_token": b"", "expires_at": LONG_AGO, "scope": "", "generation": 0, "updated_at": now}
    lease = {"lease_until": now + LEASE, "tried_at": now}
    row = insert(db, Token).values(shop_id=shop_id, fence=1, **lease, **empty)
    leased = row.on_conflict_do_update(
        index_elements=["shop_id"], set_={**lease, "fence": Token.fence + 1}, where=_free(now)
    )
    fence: int | None = db.scalar(leased.returning(Token.fence))
    return fence


def unlock(db: Session, shop_id: int, fence: int) -> bool:
    """End the lease. False when somebody else holds the next one by now."""
    return _as_holder(db, shop_id, fence, lease_until=None)


def distrust(db: Session, shop_id: int, generation: int) -> bool:
    """Shopify refused this generation's access token before its time: whoever needs one next has to renew it."""
    refused = Token.shop_id == shop_id, Token.generation == generation
    return happened(db, update(Token).where(*refused).values(expires_at=LONG_AGO))


def wanting(db: Session, now: datetime, ahead: timedelta, secret: str, most: int) -> Sequence[Shop]:
    """Installed shops whose refresh token lapses within `ahead`, or whose pair was got with another client secret.

    The most urgent first. A shop whose renewal was tried within the hour has to wait: Shopify may be down.
    """
    lapsing = Token.refresh_expires_at < now + ahead
    outdated = Token.minted_with.is_distinct_from(secret)
    rested = Token.tried_at.is_(None) | (Token.tried_at < now - REST)
    chosen = select(Shop).join(Token, Token.shop_id == Shop.id)
    chosen = chosen.where(Shop.state == ShopState.INSTALLED, lapsing | outdated, rested, Token.access_token != b"")
    return db.scalars(chosen.order_by(Token.refresh_expires_at).limit(most)).all()


def _as_holder(db: Session, shop_id: int, fence: int, **values: Any) -> bool:
    mine = Token.shop_id == shop_id, Token.fence == fence
    return happened(db, update(Token).where(*mine).values(**values))


def _free(now: datetime) -> Any:
    return Token.lease_until.is_(None) | (Token.lease_until < now)


def _row(shop_id: int, pair: Pair, seal: Seal) -> dict[str, Any]:
    return {
        "access_token": seal.close(pair.access_token.encode(), about(shop_id, "access")),
        "refresh_token": seal.close(pair.refresh_token.encode(), about(shop_id, "refresh")),
        "expires_at": pair.expires_at,
        "refresh_expires_at": pair.refresh_expires_at,
        "scope": pair.scope[:2000],
        "minted_with": pair.minted_with,
        "updated_at": clock.now(),
    }


def about(shop_id: int, which: str) -> str:
    """What the seal of a shop's `access` or `refresh` token is bound to."""
    return f"shop {shop_id} {which} token"
