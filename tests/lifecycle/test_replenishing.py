"""Advice is tallied: a shop's own weeks are replayed, and what they tell counts for its next orders alone."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from ml.reorder import TAIL, Terms, point, spread
from shopify_app import clock
from shopify_app.db import Database
from shopify_app.lifecycle import forecast_arrays, forecasts, registry, reordering, replenishing
from shopify_app.policy import Policy
from shopify_app.records import vendors
from shopify_app.records.objects import Objects
from shopify_app.tables import Evaluation, Product, Shop
from tests.lifecycle.making import a_version, say, sell

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # plain selects and one upsert
FIRST, EVENINGS, PRODUCTS = date(2026, 1, 1), 28, 40
LAST = FIRST + timedelta(days=EVENINGS)


def lived(database: Database, objects: Objects, shop: Shop, seed: int, evenings: int = EVENINGS) -> None:
    """Weeks of a shop that sells three of each product a day, as was forecast every evening."""
    random = np.random.default_rng(seed)
    with database.transaction() as db:
        here = db.get_one(Shop, shop.id)
        here.settings = {"lead_days": 3, "cover_days": 4, "service_level": 0.9}
        version = a_version(db, here, "forecast")
        registry.promote(db, here, "forecast", version.number, actor="test", reason="test")
        for number in range(1, PRODUCTS + 1):
            db.add(Product(shop_id=shop.id, product_id=number, updated_at=clock.now(), vendor="Leaf"))
        for day in range(evenings):
            on = FIRST + timedelta(days=day)
            say(db, objects, version, on, dict.fromkeys(range(1, PRODUCTS + 1), 3.0), was_champion=True)
            units = {n: int(sold) for n, sold in enumerate(random.poisson(3.0, PRODUCTS), 1) if sold}
            sell(db, here, on + timedelta(days=1), units)


def tallied(database: Database, objects: Objects, shop: Shop, on: date) -> replenishing.Tallied | None:
    with database.reading() as db:
        found = replenishing.tally(db, objects, db.get_one(Shop, shop.id), on)
    if found is not None:
        with database.transaction() as db:
            replenishing.keep(db, shop.id, found)
    return found


def test_a_steady_shop_learns_that_less_stock_keeps_its_level(
    database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    lived(database, objects, alice, seed=1)
    lived(database, objects, bob, seed=2, evenings=5)
    told, early = (tallied(database, objects, shop, LAST) for shop in (alice, bob))
    assert told is not None
    assert early is not None
    assert (told.days, told.service_level, told.lead_days) == (EVENINGS, 0.9, 3)
    assert told.orders > 100
    assert told.kept is not None
    assert told.kept > 0.9
    assert told.tails[3] < TAIL
    assert early.tails == {}
    with database.reading() as db:
        run = forecasts.served(db, alice.id, LAST)
        assert run is not None
        policy = Policy.of(db.get_one(Shop, alice.id).settings)
        mine, theirs = (reordering.advice(db, objects, shop.id, policy, run, LAST) for shop in (alice, bob))
        assert mine.line(0).reorder_point < theirs.line(0).reorder_point


def test_it_is_replayed_once_a_week_with_what_was_in_force(
    database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    lived(database, objects, alice, seed=1)
    first = tallied(database, objects, alice, LAST - timedelta(days=7))
    assert first is not None
    assert tallied(database, objects, alice, LAST - timedelta(days=1)) is None
    again = tallied(database, objects, alice, LAST)
    assert again is not None
    assert again.kept is not None
    assert first.kept is not None
    assert again.kept < first.kept  # the first was replayed with more stock than it takes
    assert again.kept == pytest.approx(0.9, abs=0.05)
    assert tallied(database, objects, bob, LAST) is None
    with database.reading() as db:
        assert replenishing.newest(db, alice.id) == again
        assert replenishing.newest(db, bob.id) is None


def test_each_lead_time_of_the_shop_s_vendors_is_learned_for_itself(
    database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    for shop in (alice, bob):
        lived(database, objects, shop, seed=1)
    with database.transaction() as db:
        vendors.say(db, alice.id, "Leaf", {"lead_days": 1})
        vendors.say(db, alice.id, "Nobody", {"lead_days": 9})
    mine, theirs = (tallied(database, objects, shop, LAST) for shop in (alice, bob))
    assert mine is not None
    assert theirs is not None
    assert (list(mine.tails), list(theirs.tails)) == ([3, 1], [3])
    assert mine.tails[3] == theirs.tails[3]
    assert mine.kept == theirs.kept
    assert mine.tails[1] != mine.tails[3]
    with database.reading() as db:
        run = forecasts.served(db, alice.id, LAST)
        assert run is not None
        advice = reordering.advice(db, objects, alice.id, Policy.of(db.get_one(Shop, alice.id).settings), run, LAST)
        said = forecast_arrays.read(objects, run)
    terms = Terms(1, 0.9, 4)
    enough = point(said.daily[:, 0], spread(said.bands, 1), terms, mine.tails[1])
    assert advice.line(0).reorder_point == pytest.approx(enough[0])


def test_what_an_earlier_release_learned_counts_until_the_next_replay(
    database: Database, objects: Objects, alice: Shop
) -> None:
    lived(database, objects, alice, seed=1)
    told = tallied(database, objects, alice, LAST)
    assert told is not None
    with database.transaction() as db:
        row = db.scalars(select(Evaluation).where(Evaluation.level == replenishing.LEVEL)).one()
        row.numbers = {"service_level": 0.9, "lead_days": 3, "tail": 1.25}
    with database.reading() as db:
        assert replenishing.newest(db, alice.id) == replace(told, tails={3: 1.25})


def test_nothing_is_known_before_its_time(database: Database, objects: Objects, alice: Shop, bob: Shop) -> None:
    for shop in (alice, bob):
        lived(database, objects, shop, seed=3)
    with database.transaction() as db:
        sell(db, db.get_one(Shop, bob.id), LAST, dict.fromkeys(range(1, PRODUCTS + 1), 500), order_id=7)
    day_before = LAST - timedelta(days=1)
    assert tallied(database, objects, alice, day_before) == tallied(database, objects, bob, day_before)
