"""Rotating ENCRYPTION_KEYS: everything that the app's keys seal, sealed anew under the first of them.

That is one secret per shop, its tokens, and the bodies that wait in the inbox. Segments, data keys and exports hang on
the shops' secrets and stay as they are. Each few rows are a transaction of their own, and a row says by its first bytes
which key sealed it: a run that was killed is simply started again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.log import log
from shopify_app.records import inbox, keys, tokens
from shopify_app.records.seal import CannotOpen, Seal
from shopify_app.records.turns import happened
from shopify_app.tables import Event, ShopSecret, Token

CHUNK = 200


@dataclass(frozen=True)
class Place:
    """A column of sealed bytes: its name for people, the row's key, whose row it is, and what its seal is bound to."""

    name: str
    column: Any
    key: Any
    whose: Any
    about: Callable[[Any], str]


PLACES = (
    Place("shop_secrets", ShopSecret.sealed, ShopSecret.shop_id, ShopSecret.shop_id, keys.about),
    Place("access_tokens", Token.access_token, Token.shop_id, Token.shop_id, lambda shop: tokens.about(shop, "access")),
    Place(
        "refresh_tokens", Token.refresh_token, Token.shop_id, Token.shop_id, lambda shop: tokens.about(shop, "refresh")
    ),
    Place("waiting_bodies", Event.body, Event.seq, Event.shop, inbox.about),
)


def left(db: Session, seal: Seal) -> Mapping[str, int]:
    """How much is not sealed under the first key, by place."""
    return {
        place.name: db.scalar(select(func.count()).select_from(place.key.class_).where(*_stale(place, seal))) or 0
        for place in PLACES
    }


def reseal(database: Database, seal: Seal) -> dict[str, Any]:
    """Seal everything under the first key; how much was, by place, and what no key that is set opens."""
    done: dict[str, Any] = {}
    unreadable = 0
    for place in PLACES:
        done[place.name], missed = _place(database, seal, place)
        unreadable += missed
    log.info("sealed anew", unreadable=unreadable, **done)
    return done | {"unreadable": unreadable}


def _place(database: Database, seal: Seal, place: Place) -> tuple[int, int]:
    done = missed = 0
    last: Any = -1
    while True:
        with database.transaction() as db:
            rows = _next(db, seal, place, last)
            for key, whose, sealed in rows:
                try:
                    fresh = seal.close(seal.open(sealed, place.about(whose)), place.about(whose))
                except CannotOpen:
                    missed += 1
                    continue
                done += _replace(db, place, key, sealed, fresh)
        if not rows:
            return done, missed
        last = rows[-1][0]


def _next(db: Session, seal: Seal, place: Place, last: Any) -> list[Any]:
    found = select(place.key, place.whose, place.column).where(*_stale(place, seal), place.key > last)
    return list(db.execute(found.order_by(place.key).limit(CHUNK)).all())


def _replace(db: Session, place: Place, key: Any, sealed: bytes, fresh: bytes) -> bool:
    """False when somebody else has written the row meanwhile: then it is sealed under the first key already."""
    same = place.key == key, place.column == sealed
    return happened(db, update(place.key.class_).where(*same).values({place.column.key: fresh}))


def _stale(place: Place, seal: Seal) -> tuple[Any, ...]:
    name_of = func.substr(place.column, 2, len(seal.first_name))
    return place.column.is_not(None), func.length(place.column) > 0, name_of != seal.first_name
