"""A shop's token pair, sealed. One row per shop, replaced whole; whoever renews it holds the row's lease."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.records.seal import Seal
from shopify_app.records.turns import happened
from shopify_app.tables import Token

LEASE = timedelta(seconds=60)
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


@dataclass(frozen=True)
class Stored:
    """The pair as it is kept. Its text form holds no secret."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    refresh_expires_at: datetime
    scope: str
    generation: int


def save(db: Session, shop_id: int, pair: Pair, seal: Seal) -> None:
    """Replace the shop's pair and end the lease on it. Commit it before the new access token is first used."""
    values = {
        "access_token": seal.close(pair.access_token.encode(), _about(shop_id, "access")),
        "refresh_token": seal.close(pair.refresh_token.encode(), _about(shop_id, "refresh")),
        "expires_at": pair.expires_at,
        "refresh_expires_at": pair.refresh_expires_at,
        "scope": pair.scope[:2000],
        "lease_until": None,
        "updated_at": clock.now(),
    }
    row = insert(db, Token).values(shop_id=shop_id, generation=1, **values)
    db.execute(
        row.on_conflict_do_update(index_elements=["shop_id"], set_={**values, "generation": Token.generation + 1})
    )


def load(db: Session, shop_id: int, seal: Seal) -> Stored | None:
    """The shop's pair; None when there is none (yet)."""
    row = db.scalar(select(Token).where(Token.shop_id == shop_id).execution_options(populate_existing=True))
    if row is None or not row.access_token or row.refresh_token is None or row.refresh_expires_at is None:
        return None
    return Stored(
        access_token=seal.open(row.access_token, _about(shop_id, "access")).decode(),
        refresh_token=seal.open(row.refresh_token, _about(shop_id, "refresh")).decode(),
        expires_at=row.expires_at,
        refresh_expires_at=row.refresh_expires_at,
        scope=row.scope,
        generation=row.generation,
    )


def exists(db: Session, shop_id: int) -> bool:
    """Whether the shop has a pair, without opening it."""
    return db.scalar(select(Token.shop_id).where(Token.shop_id == shop_id, Token.access_token != b"")) is not None


def lock(db: Session, shop_id: int, generation: int, now: datetime) -> bool:
    """Lease the renewal of this generation. False when somebody else renews it, or already has."""
    free = Token.lease_until.is_(None) | (Token.lease_until < now)
    mine = Token.shop_id == shop_id, Token.generation == generation, free
    return happened(db, update(Token).where(*mine).values(lease_until=now + LEASE))


def lock_first(db: Session, shop_id: int, now: datetime) -> bool:
    """Lease the getting of the shop's first pair (or the first after all was lost). False when somebody else does."""
    empty = {"access_token": b"", "expires_at": LONG_AGO, "scope": "", "generation": 0, "updated_at": now}
    row = insert(db, Token).values(shop_id=shop_id, lease_until=now + LEASE, **empty)
    leased = row.on_conflict_do_update(
        index_elements=["shop_id"],
        set_={"lease_until": now + LEASE},
        where=Token.lease_until.is_(None) | (Token.lease_until < now),
    )
    return db.scalar(leased.returning(Token.shop_id)) is not None


def unlock(db: Session, shop_id: int) -> None:
    """End a lease that came to nothing."""
    db.execute(update(Token).where(Token.shop_id == shop_id).values(lease_until=None))


def _about(shop_id: int, which: str) -> str:
    return f"shop {shop_id} {which} token"
