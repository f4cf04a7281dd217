"""Lists are judged by replay: each order hides one product, and the lists in charge have to find it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle import findings, registry, retained
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.tables import Alert, Evaluation, Shop, Version
from tests.lifecycle.making import sell
from tests.lifecycle.test_serving import lists

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

FIRST = date(2026, 3, 2)
GOOD = {1: [2], 2: [1], 3: [4], 4: [3]}
BAD = {1: [3], 2: [4], 3: [1], 4: [2]}


def in_turn(database: Database, settings: Settings, shop: Shop, *chosen: dict[int, list[int]]) -> list[Version]:
    """Versions with these lists, each put in charge after the one before, the last from FIRST on."""
    made = [lists(database, settings, shop, neighbours, popular=[]) for neighbours in chosen]
    with database.transaction() as db:
        mine = db.get_one(Shop, shop.id)
        mine.business_on = FIRST
        for number, version in enumerate(made):
            kept = db.get_one(Version, version.id)
            kept.cutoff_on = FIRST - timedelta(days=10)
            kept.algorithm = "together" if number == 0 else "table"
            registry.promote(db, mine, "recommend", kept.number, actor="merchant", reason="try")
    return made


def judge(database: Database, settings: Settings, shop: Shop, orders: int) -> Alert | None:
    """So many orders of a pair come on one day; then it is evening."""
    with database.transaction() as db:
        mine = db.get_one(Shop, shop.id)
        for number in range(orders):
            pair = {1: 1, 2: 1} if number % 2 else {3: 1, 4: 1}
            sell(db, mine, FIRST, pair, order_id=1000 + number)
        found = retained.evening(db, Bundles(settings), mine, FIRST)
        return findings.settle(db, mine, found) if found is not None else None


def test_lists_that_find_nothing_are_reported_after_a_few_orders(
    database: Database, settings: Settings, alice: Shop, bob: Shop
) -> None:
    _, bad = in_turn(database, settings, alice, GOOD, BAD)
    found = judge(database, settings, alice, 12)
    assert found is not None
    assert (found.kind, found.version_id) == ("act", bad.id)
    assert (found.numbers["hits"], found.numbers["fresh_hits"], found.numbers["previous_hits"]) == (0, 12, 12)
    with database.reading() as db:
        assert db.scalars(select(Alert).where(Alert.shop_id == bob.id)).all() == []


def test_three_orders_prove_nothing(database: Database, settings: Settings, alice: Shop) -> None:
    in_turn(database, settings, alice, GOOD, BAD)
    assert judge(database, settings, alice, 3) is None


def test_lists_as_good_as_before_are_left_alone(database: Database, settings: Settings, alice: Shop) -> None:
    _, same = in_turn(database, settings, alice, GOOD, GOOD | {5: [6]})
    assert judge(database, settings, alice, 40) is None
    with database.reading() as db:
        row = db.scalars(select(Evaluation).where(Evaluation.version_id == same.id)).one()
        assert (row.level, row.accuracy, row.orders) == ("retained", 1.0, 40)


def test_a_fit_that_was_rolled_back_is_no_yardstick(database: Database, settings: Settings, alice: Shop) -> None:
    good, bad = in_turn(database, settings, alice, GOOD, BAD)
    with database.transaction() as db:
        db.get_one(Version, bad.id).algorithm = "together"
        registry.roll_back(db, db.get_one(Shop, alice.id), "recommend", actor="merchant", reason="finds nothing")
    assert judge(database, settings, alice, 40) is None
    with database.reading() as db:
        row = db.scalars(select(Evaluation).where(Evaluation.version_id == good.id)).one()
        assert (row.accuracy, row.numbers["fresh_hits"]) == (1.0, 40)
