"""Deliveries wait in line for the database, not for ever, and not more of them than can be stored in time."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.records.accepting import Outcome
from shopify_app.records.seal import Seal
from shopify_app.tables import Event
from shopify_app.web.acceptance import QUEUE_LIMIT, Acceptance, Busy
from tests.factories import Delivery


@pytest.fixture
def acceptance(database: Database, seal: Seal) -> Acceptance:
    return Acceptance(database.url, seal)


@pytest.fixture
def locked(database: Database) -> Iterator[Session]:
    """The inbox, held by another program; let go with `locked.commit()`."""
    with database.transaction() as db:
        if not database.is_sqlite:
            db.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        yield db


def hook(number: int) -> Delivery:
    return Delivery("alice.myshopify.com", "orders/create", f"body {number}".encode(), f"w-{number}")


def stored(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Event)) or 0


def test_a_hundred_deliveries_at_once_are_all_stored_and_told_so(database: Database, acceptance: Acceptance) -> None:
    with ThreadPoolExecutor(16) as senders:
        outcomes = Counter(senders.map(acceptance.accept, [hook(n % 100) for n in range(300)]))
    assert outcomes == {Outcome.ACCEPTED: 100, Outcome.REPEATED: 200}
    assert stored(database) == 100


def test_who_finds_the_line_full_is_sent_away_at_once(
    database: Database, acceptance: Acceptance, locked: Session
) -> None:
    told: list[object] = []
    numbers = itertools.count()
    with pytest.raises(Busy, match="too many"):
        fill(acceptance, numbers, told)
    in_line = next(numbers) - 1
    assert not told
    locked.commit()
    until = time.monotonic() + 20
    while len(told) < in_line and time.monotonic() < until:
        time.sleep(0.05)
    assert told == [Outcome.ACCEPTED] * in_line
    assert stored(database) == in_line >= QUEUE_LIMIT


def fill(acceptance: Acceptance, numbers: Iterator[int], told: list[object]) -> None:
    while True:
        acceptance.submit(hook(next(numbers)), told.append)


def test_a_thread_that_went_home_is_followed_by_another(database: Database, seal: Seal) -> None:
    acceptance = Acceptance(database.url, seal, idle=0.05)
    for number in range(20):
        assert acceptance.accept(hook(number)) is Outcome.ACCEPTED
        time.sleep(0.045 if number % 2 else 0.055)
    assert stored(database) == 20
