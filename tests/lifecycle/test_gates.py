"""What a fresh version has to show before it may shadow the one in charge."""

from typing import Any

import numpy as np
import pytest

from ml import compare
from shopify_app.db import Database
from shopify_app.lifecycle import gates
from shopify_app.lifecycle.gates import Gate, Verdict
from shopify_app.tables import Shop
from tests.lifecycle.making import a_version

DAYS = 78
EASY, HARD = 3.0, 1.5
"""How many times as wrong as a version the naive guess was on its days: beside it, the second looks twice as bad."""


def tried(errors: Any, naive: Any, first_on: str = "2026-03-01") -> dict[str, Any]:
    trial = {"first_on": first_on, "error": list(errors), "naive_error": list(np.asarray(errors) * naive)}
    return {"product_28d": {"accuracy": 0.7, "naive_accuracy": 0.5, "bias": 0.0}, "trial_days": trial}


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


@pytest.mark.parametrize(
    ("new", "wander", "expected"),
    [
        (HARD, 0.01, Verdict.FAIL),
        (EASY * 0.97, 0.0, Verdict.PASS),
        (EASY * 0.9, 0.01, Verdict.FAIL),
        (EASY * 0.9, 0.3, Verdict.PASS),
        (EASY * 1.5, 0.3, Verdict.PASS),
    ],
)
def test_without_common_days_only_what_is_surely_worse_beside_a_naive_guess_is_kept_out(
    database: Database, alice: Shop, new: float, wander: float, expected: Verdict
) -> None:
    """`wander`: by how much weeks differ in how good the naive guess was."""
    chance = np.random.default_rng(2)
    weeks = [np.repeat(1 + chance.normal(0, wander, DAYS // 7 + 1), 7)[:DAYS] for _ in range(2)]
    mine, theirs = errors(1.0, 0.0)
    champion, challenger = tried(mine, EASY * weeks[0]), tried(theirs, new * weeks[1], "2026-06-01")
    gate = judged(database, alice, champion, challenger)
    assert gate.verdict == expected
    assert gate.numbers["challenger"][0] == pytest.approx(1 / new, rel=3 * wander + 0.02)


def test_the_doubt_of_a_relative_error_is_how_much_it_moves_from_trial_to_trial() -> None:
    chance, found = np.random.default_rng(3), []
    for _ in range(2000):
        naive = np.repeat(chance.uniform(80, 120, 11), 7)
        mine = naive * 0.6 + np.repeat(chance.normal(0, 15, 11), 7)
        found.append(compare.relative_error({"trial_days": {"error": list(mine), "naive_error": list(naive)}}))
    ratios, doubts = np.array(found, dtype=float).T
    assert ratios.mean() == pytest.approx(0.6, abs=0.005)
    assert np.sqrt((doubts**2).mean()) == pytest.approx(ratios.std(), rel=0.1)
    assert compare.relative_error({"trial_days": {"error": [1.0] * 13, "naive_error": [1.0] * 13}}) is None
