"""What a fresh version has to show before it may shadow the one in charge."""

from typing import Any

import numpy as np
import pytest

from shopify_app.db import Database
from shopify_app.lifecycle import gates
from shopify_app.lifecycle.gates import Gate, Verdict
from shopify_app.tables import Shop
from tests.lifecycle.making import a_version

DAYS = 78
EASY, HARD = {"accuracy": 0.70, "naive_accuracy": 0.2}, {"accuracy": 0.70, "naive_accuracy": 0.6}
"""The same accuracy where a naive guess is poor and where it is good: relative to it, the second is twice as wrong."""


def tried(errors: Any, figures: dict[str, float], first_on: str = "2026-03-01") -> dict[str, Any]:
    trial = {"first_on": first_on, "error": list(errors), "naive_error": list(errors)}
    return {"product_28d": figures | {"bias": 0.0}, "trial_days": trial}


def judged(database: Database, shop: Shop, champion: dict[str, Any], challenger: dict[str, Any]) -> Gate:
    with database.transaction() as db:
        versions = [a_version(db, db.get_one(Shop, shop.id), "forecast", metrics=one) for one in (champion, challenger)]
        told = gates.at_registration(db, *versions)
    return next(gate for gate in told if gate.name == "not inferior")


def errors(times: float, spread: float) -> Any:
    """What two fits are off by on the same days: the second `times` as much, give or take."""
    chance = np.random.default_rng(1)
    mine = chance.uniform(90, 110, DAYS)
    wander = np.repeat(chance.normal(0, spread, DAYS // 13 + 1), 13)[:DAYS]
    return mine, mine * (times + wander - wander.mean())


@pytest.mark.parametrize(
    ("times", "spread", "expected"),
    [
        (1.0, 0.01, Verdict.PASS),
        (1.0, 0.3, Verdict.PASS),
        (1.04, 0.3, Verdict.PASS),
        (1.1, 0.3, Verdict.FAIL),
        (1.1, 0.01, Verdict.FAIL),
    ],
)
def test_a_version_is_held_against_the_one_in_charge_on_the_same_days(
    database: Database, alice: Shop, times: float, spread: float, expected: Verdict
) -> None:
    mine, theirs = errors(times, spread)
    for old, new in ((EASY, HARD), (HARD, EASY)):  # a lucky week of one of them changes nothing
        gate = judged(database, alice, tried(mine, old), tried(theirs, new))
        assert gate.verdict == expected
        assert gate.numbers["days"] == DAYS
        assert gate.numbers["ratio"] == pytest.approx(float(np.sum(theirs) / np.sum(mine)))


@pytest.mark.parametrize(("old", "new", "expected"), [(EASY, HARD, Verdict.FAIL), (HARD, EASY, Verdict.PASS)])
def test_without_common_days_each_is_held_against_a_naive_guess_on_its_own(
    database: Database, alice: Shop, old: dict[str, float], new: dict[str, float], expected: Verdict
) -> None:
    mine, theirs = errors(1.0, 0.3)
    gate = judged(database, alice, tried(mine, old), tried(theirs, new, "2026-06-01"))
    assert (gate.verdict, gate.numbers["paired_days"]) == (expected, 0)
