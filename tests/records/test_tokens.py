"""A token pair is sealed for its shop, replaced whole, and renewed by one at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import shops, tokens
from shopify_app.records.seal import CannotOpen, Seal
from shopify_app.tables import Shop, Token

NOW = clock.now()


@dataclass(frozen=True)
class Pair:
    access_token: str = "shpat_first"
    refresh_token: str = "shprt_first"
    scope: str = "read_orders"
    expires_at: datetime = NOW + timedelta(hours=1)
    refresh_expires_at: datetime = NOW + timedelta(days=90)


def test_a_pair_comes_back_as_it_was_and_is_unreadable_in_between(database: Database, seal: Seal, alice: Shop) -> None:
    with database.transaction() as db:
        assert tokens.load(db, alice.id, seal) is None
        tokens.save(db, alice.id, Pair(), seal)
        stored = tokens.load(db, alice.id, seal)
        row = db.scalars(select(Token)).one()
    assert stored is not None
    assert (stored.access_token, stored.refresh_token) == ("shpat_first", "shprt_first")
    assert b"shpat" not in row.access_token
    assert "shpat" not in repr(stored)


def test_one_shop_s_sealed_token_is_no_use_in_another_s_row(
    database: Database, seal: Seal, alice: Shop, bob: Shop
) -> None:
    with database.transaction() as db:
        tokens.save(db, alice.id, Pair(), seal)
        tokens.save(db, bob.id, Pair("shpat_bob"), seal)
        stolen = db.get_one(Token, alice.id).access_token
        db.execute(update(Token).where(Token.shop_id == bob.id).values(access_token=stolen))
    with database.reading() as db, pytest.raises(CannotOpen):
        tokens.load(db, bob.id, seal)


def test_one_at_a_time_renews_and_nobody_renews_what_was_renewed(database: Database, seal: Seal, alice: Shop) -> None:
    with database.transaction() as db:
        tokens.save(db, alice.id, Pair(), seal)
        assert tokens.lock(db, alice.id, 1, clock.now())
        assert not tokens.lock(db, alice.id, 1, clock.now())
        assert tokens.lock(db, alice.id, 1, clock.now() + tokens.LEASE + timedelta(seconds=1))
        tokens.save(db, alice.id, Pair("shpat_second"), seal)
        assert not tokens.lock(db, alice.id, 1, clock.now())
        assert tokens.lock(db, alice.id, 2, clock.now())


def test_one_at_a_time_gets_the_first_pair(database: Database, seal: Seal, alice: Shop) -> None:
    with database.transaction() as db:
        assert tokens.lock_first(db, alice.id, clock.now())
        assert not tokens.lock_first(db, alice.id, clock.now())
        assert not tokens.exists(db, alice.id)
        assert tokens.load(db, alice.id, seal) is None
        tokens.unlock(db, alice.id)
        assert tokens.lock_first(db, alice.id, clock.now())
        tokens.save(db, alice.id, Pair(), seal)
        assert tokens.exists(db, alice.id)


def test_the_token_is_deleted_when_the_app_is_removed(database: Database, seal: Seal, alice: Shop) -> None:
    with database.transaction() as db:
        tokens.save(db, alice.id, Pair(), seal)
        shops.uninstall(db, shops.get(db, alice.id), clock.now())
        assert db.scalars(select(Token)).all() == []
