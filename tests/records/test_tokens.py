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
    minted_with: str = "5ec4e700"


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
        assert tokens.lock(db, alice.id, 1, clock.now()) is not None
        assert tokens.lock(db, alice.id, 1, clock.now()) is None
        later = tokens.lock(db, alice.id, 1, clock.now() + tokens.LEASE + timedelta(seconds=1))
        assert later is not None
        assert tokens.replace(db, alice.id, Pair("shpat_second"), seal, later)
        assert tokens.unlock(db, alice.id, later)
        assert tokens.lock(db, alice.id, 1, clock.now()) is None
        assert tokens.lock(db, alice.id, 2, clock.now()) is not None


def test_a_renewal_that_was_overtaken_is_not_stored(database: Database, seal: Seal, alice: Shop, bob: Shop) -> None:
    with database.transaction() as db:
        for shop in (alice, bob):
            tokens.save(db, shop.id, Pair(), seal)
        slow = tokens.lock(db, alice.id, 1, clock.now())
        quick = tokens.lock(db, alice.id, 1, clock.now() + tokens.LEASE + timedelta(seconds=1))
        assert slow is not None
        assert quick is not None
        assert not tokens.replace(db, alice.id, Pair("shpat_slow"), seal, slow)
        assert not tokens.unlock(db, alice.id, slow)
        assert tokens.replace(db, alice.id, Pair("shpat_quick"), seal, quick)
        assert not tokens.replace(db, alice.id, Pair("shpat_slow"), seal, slow)
        found = [tokens.load(db, shop.id, seal) for shop in (alice, bob)]
    assert [pair and pair.access_token for pair in found] == ["shpat_quick", "shpat_first"]


def test_consent_counts_more_than_a_renewal_on_its_way(database: Database, seal: Seal, alice: Shop) -> None:
    with database.transaction() as db:
        tokens.save(db, alice.id, Pair(), seal)
        fence = tokens.lock(db, alice.id, 1, clock.now())
        assert fence is not None
        tokens.save(db, alice.id, Pair("shpat_by_consent"), seal)
        assert not tokens.replace(db, alice.id, Pair("shpat_renewed"), seal, fence)
        stored = tokens.load(db, alice.id, seal)
    assert stored is not None
    assert stored.access_token == "shpat_by_consent"


def test_one_at_a_time_gets_the_first_pair(database: Database, seal: Seal, alice: Shop) -> None:
    with database.transaction() as db:
        first = tokens.lock_first(db, alice.id, clock.now())
        assert first is not None
        assert tokens.lock_first(db, alice.id, clock.now()) is None
        assert not tokens.exists(db, alice.id)
        assert tokens.load(db, alice.id, seal) is None
        assert tokens.unlock(db, alice.id, first)
        second = tokens.lock_first(db, alice.id, clock.now())
        assert second is not None
        assert tokens.replace(db, alice.id, Pair(), seal, second)
        assert tokens.exists(db, alice.id)


def test_the_token_is_deleted_when_the_app_is_removed(database: Database, seal: Seal, alice: Shop) -> None:
    with database.transaction() as db:
        tokens.save(db, alice.id, Pair(), seal)
        shops.uninstall(db, shops.get(db, alice.id), clock.now())
        assert db.scalars(select(Token)).all() == []
