"""After a rotation of ENCRYPTION_KEYS the new key alone opens everything, even when the run was killed half-way."""

import base64
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from sqlalchemy import select, update

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import archive, inbox, keys, resealing, tokens
from shopify_app.records.draining import Drain
from shopify_app.records.objects import Objects
from shopify_app.records.seal import CannotOpen, Seal
from shopify_app.tables import Event, Shop, ShopSecret, Token
from tests.conftest import KEYS, Deliver
from tests.factories import order
from tests.records.people import Buyer

OLD, NEW = KEYS[0], b"n" * 32
EVENTS = 450
Drained = Callable[[], int]


class Pair(NamedTuple):
    access_token: str = "the access token"
    scope: str = ""
    expires_at: datetime = datetime(2026, 4, 1, tzinfo=UTC)
    refresh_token: str = "the refresh token"
    refresh_expires_at: datetime = datetime(2026, 7, 1, tzinfo=UTC)
    minted_with: str = "now"


@pytest.fixture
def full(
    database: Database, objects: Objects, seal: Seal, alice: Shop, bob: Shop, deliver: Deliver, drain: Drained
) -> Shop:
    """Two shops with tokens and sealed events, and many deliveries that wait."""
    for shop in (alice, bob):
        with database.transaction() as db:
            tokens.save(db, shop.id, Pair(), seal)
        deliver(shop, "orders/create", Buyer().buys(1, lines=((1, shop.id, "2.00"),)))
        drain()
        archive.seal_shop(database, objects, seal, shop.domain)
    for number in range(2, EVENTS + 2):
        deliver(alice, "orders/create", order(number))
    return alice


def rotating(settings: Settings) -> Settings:
    return replace(settings, encryption_keys=(NEW, OLD))


def test_everything_opens_with_the_new_key_alone(
    database: Database, settings: Settings, objects: Objects, full: Shop, bob: Shop
) -> None:
    both = Seal((NEW, OLD))
    with database.reading() as db:
        before = keys.find(db, full.id)
        assert resealing.left(db, both) == {
            "shop_secrets": 2,
            "access_tokens": 2,
            "refresh_tokens": 2,
            "waiting_bodies": EVENTS,
        }
    told = resealing.reseal(database, both)
    assert told == {
        "shop_secrets": 2,
        "access_tokens": 2,
        "refresh_tokens": 2,
        "waiting_bodies": EVENTS,
        "unreadable": 0,
    }
    with database.reading() as db:
        assert set(resealing.left(db, both).values()) == {0}
    all_opens(settings, objects, full, bob)
    with Database(database.url, (NEW,)).reading() as db:
        assert keys.find(db, full.id) == before  # pseudonyms, marks and data keys are what they were
    assert set(resealing.reseal(database, both).values()) == {0}


def all_opens(settings: Settings, objects: Objects, full: Shop, bob: Shop) -> None:
    after = replace(settings, encryption_keys=(NEW,))
    database, seal = Database.of(after), Seal((NEW,))
    with database.reading() as db:
        for shop in (full, bob):
            pair = tokens.load(db, shop.id, seal)
            assert pair is not None
            assert (pair.access_token, pair.refresh_token) == ("the access token", "the refresh token")
            secret = keys.find(db, shop.id)
            assert secret is not None
            ((entry, opened),) = archive.entries(db, objects, shop.id)
            names = keys.named(db, secret, [entry.key or ""])
            assert (opened.payload(entry, secret, names) or b"").startswith(b"{")
    assert Drain(database, after).all() == EVENTS
    database.engine.dispose()


KILLED = """
import os, signal
from sqlalchemy import event
from shopify_app import config
from shopify_app.db import Database
from shopify_app.records import resealing
from shopify_app.records.seal import Seal

settings = config.load()
database, commits = Database.of(settings), []

@event.listens_for(database.engine, "commit")
def count(_):
    commits.append(1)
    if len(commits) == 8:
        os.kill(os.getpid(), signal.SIGKILL)

resealing.reseal(database, Seal(settings.encryption_keys))
"""


def test_a_rotation_that_was_killed_is_started_again_and_ends(
    database: Database,
    settings: Settings,
    objects: Objects,
    full: Shop,
    bob: Shop,
    environment: dict[str, str],
) -> None:
    named = ",".join(base64.urlsafe_b64encode(key).decode() for key in (NEW, OLD))
    command = [sys.executable, "-c", KILLED]
    died = subprocess.run(command, env=environment | {"ENCRYPTION_KEYS": named}, capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    both = Seal((NEW, OLD))
    with database.reading() as db:
        left = resealing.left(db, both)
    assert 0 < left["waiting_bodies"] < EVENTS
    told = resealing.reseal(database, both)
    assert (told["waiting_bodies"], told["unreadable"]) == (left["waiting_bodies"], 0)
    all_opens(settings, objects, full, bob)


def test_what_is_written_meanwhile_is_not_overwritten(database: Database, full: Shop) -> None:
    both = Seal((NEW, OLD))
    place = next(place for place in resealing.PLACES if place.name == "access_tokens")
    with database.transaction() as db:
        rows = resealing._next(db, both, place, -1)
        renewed = both.close(b"renewed", tokens.about(full.id, "access"))
        db.execute(update(Token).where(Token.shop_id == full.id).values(access_token=renewed))
        key, _, sealed = rows[0]
        assert not resealing._replace(db, place, key, sealed, b"older")
        assert db.scalar(select(Token.access_token).where(Token.shop_id == full.id)) == renewed


def test_what_no_key_opens_is_counted_and_left(database: Database, full: Shop) -> None:
    with database.transaction() as db:
        db.execute(update(ShopSecret).where(ShopSecret.shop_id == full.id).values(sealed=b"\x01????" + bytes(60)))
    told = resealing.reseal(database, Seal((NEW, OLD)))
    assert (told["shop_secrets"], told["unreadable"]) == (1, 1)


def test_without_the_old_key_nothing_of_before_can_be_read(database: Database, full: Shop) -> None:
    with Database(database.url, (NEW,)).reading() as db:
        with pytest.raises(CannotOpen):
            keys.find(db, full.id)
        event = db.scalars(select(Event).where(Event.body.is_not(None)).limit(1)).one()
        with pytest.raises(CannotOpen):
            inbox.payload_bytes(event, Seal((NEW,)))
