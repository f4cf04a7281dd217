"""Paired rules: what gives way, what may be promoted, what is too early to say."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike

from ml.compare import (
    RunningErrors,
    Verdict,
    better,
    confidence_sequence,
    not_inferior,
    paired_days,
    retained_quality,
    worse,
)


def running(error: ArrayLike, bias: ArrayLike = 0.0, concentration: ArrayLike = 0.1) -> RunningErrors:
    """Errors after each day, in a shop with a hundred products that sell alike."""
    errors = np.asarray(error, np.float64)
    biases, concentrations = (np.where(np.isnan(errors), np.nan, part) for part in (bias, concentration))
    return RunningErrors(errors, biases, concentrations)


def test_an_error_over_half_again_gives_way_from_day_two() -> None:
    assert not worse(running([9.0]), running([1.0])).is_worse
    found = worse(running([0.9, 0.91]), running([0.6, 0.6]))
    assert (found.is_worse, found.rule) == (True, "much")
    assert "0.91 against 0.60 after 2 days" in found.told
    assert not worse(running([0.9, 0.89]), running([0.6, 0.6])).is_worse


def test_a_tenth_over_on_five_of_seven_days_gives_way_from_day_seven() -> None:
    previous, champion = np.ones(7), np.array([1.0, 1.0, 1.2, 1.2, 1.2, 1.2, 1.2])
    assert worse(running(champion), running(previous)).rule == "steady"
    assert not worse(running(champion[:6]), running(previous[:6])).is_worse
    assert not worse(running([1.0, 1.0, 1.0, 1.2, 1.2, 1.2, 1.2]), running(previous)).is_worse


def test_a_shop_bias_that_the_predecessor_has_not_gives_way_even_at_a_lower_error() -> None:
    errors = np.full(7, 0.5)
    assert worse(running(errors, bias=-0.3), running(errors + 0.1, bias=-0.05)).rule == "bias"
    assert not worse(running(errors, bias=-0.3), running(errors + 0.1, bias=-0.25)).is_worse


@pytest.mark.parametrize(
    ("rule", "champion", "previous"),
    [
        ("much", running([0.185] * 2), running([0.1] * 2)),
        ("steady", running([0.69] * 7), running([0.6] * 7)),
        ("bias", running([0.5] * 7, bias=-0.19), running([0.5] * 7, bias=0.1)),
    ],
)
def test_what_chance_makes_of_few_products_is_no_reason(
    rule: str, champion: RunningErrors, previous: RunningErrors
) -> None:
    """Each is 9 points worse. Ten products that sell alike make 0.3 / sqrt(10) = 9.5 points, a hundred make 3."""
    assert worse(champion, previous).rule == rule
    champion, previous = (replace(one, concentration=one.concentration * np.sqrt(10)) for one in (champion, previous))
    assert not worse(champion, previous).is_worse


def test_only_the_days_that_have_matured_are_looked_at() -> None:
    champion, previous = running([0.5, 0.5, 9.0]), running([0.5, 0.5, 0.5])
    assert not worse(champion, previous, days=2).is_worse
    assert worse(champion, previous, days=3).is_worse
    assert worse(running([]), running([])).told == "no matured day yet"


def test_days_before_the_first_sale_are_no_evidence() -> None:
    assert not worse(running([np.nan, 9.0]), running([np.nan, 1.0])).is_worse


def test_errors_that_are_not_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="not paired"):
        worse(running([1.0, 2.0]), running([1.0]))


def days(level: float, seed: int, n: int = 84) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.15, n + 6)
    return level * (1 + np.convolve(noise, np.ones(7) / 7, mode="valid"))


def test_an_equal_version_passes_the_refresh_gate_and_a_tenth_worse_one_never() -> None:
    shared = days(100, 0)
    passed = [not_inferior(shared, shared * (1 + (days(1, k) - 1) * 0.2)).verdict for k in range(1, 41)]
    assert passed.count(Verdict.PASS) >= 36
    worse_ones = [not_inferior(shared, 1.1 * shared * (1 + (days(1, k) - 1) * 0.2)).verdict for k in range(1, 41)]
    assert Verdict.PASS not in worse_ones
    assert worse_ones.count(Verdict.FAIL) >= 30


def test_the_change_gate_wants_a_sure_gain_of_at_least_two_percent() -> None:
    shared = days(100, 0)
    assert better(shared, shared * 0.9 * (1 + (days(1, 1) - 1) * 0.1)).verdict is Verdict.PASS
    small = better(shared, shared * 0.99)
    assert small.verdict is Verdict.INCONCLUSIVE
    assert "less than 2% better" in small.told
    assert better(shared, shared * (1 + (days(1, 2) - 1) * 0.1)).verdict is not Verdict.PASS


def test_false_promotions_of_equal_versions_stay_rare() -> None:
    shared = days(100, 0)
    passed = [better(shared, shared * (1 + (days(1, k) - 1))).verdict is Verdict.PASS for k in range(1, 200)]
    assert np.mean(passed) < 0.03


@pytest.mark.parametrize("n", [28, 42, 55, 84])
def test_a_gate_that_means_one_in_twenty_is_hardly_more_often_wrong_at_any_length(n: int) -> None:
    """Two versions that are equally good, one of which is ahead for days on end: errors of 7-day sums."""
    random, said = np.random.default_rng(n), []
    for _ in range(400):
        ahead = random.normal(size=n + 6)
        for day in range(1, n + 6):
            ahead[day] = 0.8 * ahead[day - 1] + 0.6 * ahead[day]
        sums = np.convolve(ahead, np.ones(7), "valid")
        said.append(better(np.full(n, 100.0), 100 + sums, gain=0.0, alpha=0.05).verdict)
    for verdict in (Verdict.PASS, Verdict.FAIL):
        assert said.count(verdict) / 400 <= 0.11


def test_too_few_days_are_inconclusive_whatever_they_say() -> None:
    test = not_inferior(np.ones(20), np.full(20, 0.1))
    assert (test.verdict, test.n) == (Verdict.INCONCLUSIVE, 20)
    assert not_inferior([], []).verdict is Verdict.INCONCLUSIVE


def test_a_twin_is_not_inferior_to_itself() -> None:
    errors = days(100, 3)
    test = not_inferior(errors, errors)
    assert (test.verdict, test.ratio) == (Verdict.PASS, 1.0)
    assert not_inferior(np.ones(21), np.ones(21)).verdict is Verdict.PASS


def test_trials_are_paired_on_the_days_that_both_cover() -> None:
    first = {"trial_days": {"first_on": "2025-03-01", "error": [1.0, 2.0, 3.0]}}
    second = {"trial_days": {"first_on": "2025-03-02", "error": [20.0, 30.0, 40.0]}}
    champion, challenger = paired_days(first, second)
    assert (champion.tolist(), challenger.tolist()) == ([2.0, 3.0], [20.0, 30.0])
    assert paired_days(first, {"trial_days": None})[0].tolist() == []


def test_the_confidence_sequence_follows_its_formula() -> None:
    d = np.random.default_rng(0).normal(0.1, 1, 500)
    mean, half = confidence_sequence(d, alpha=0.05)
    r, n = 2 * np.log(20) / 2000, 500
    by_hand = np.sqrt(d.var()) * np.sqrt(2 * (n * r + 1) / (n * n * r) * np.log(np.sqrt(n * r + 1) / 0.05))
    assert (mean, half) == (pytest.approx(d.mean()), pytest.approx(by_hand))
    assert confidence_sequence([]) == (0.0, np.inf)


def replayed(keeps: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hits of a reference (22 %) and of lists that keep this share of its quality, mostly on the same orders."""
    random = np.random.default_rng(seed)
    fresh = random.random(n) < 0.22
    lost = random.random(n) < 0.25
    found = random.random(n) < 0.22 * (keeps - 0.75) / 0.78
    return np.where(fresh, ~lost, found), fresh


def test_lists_that_lost_a_fifth_fail_within_two_thousand_orders_and_healthy_ones_never() -> None:
    failed = []
    for seed in range(40):
        champion, fresh = replayed(0.78, 2000, seed)
        failed.append(retained_quality(champion, fresh).verdict is Verdict.FAIL)
    assert np.mean(failed) > 0.9
    for seed in range(40):
        champion, fresh = replayed(1.0, 2000, seed)
        looks = [retained_quality(champion[:n], fresh[:n]).verdict for n in range(100, 2001, 100)]
        assert Verdict.FAIL not in looks


def test_a_small_shop_is_told_that_it_is_too_early() -> None:
    champion, fresh = replayed(0.5, 80, 1)
    retained = retained_quality(champion, fresh)
    assert (retained.verdict, retained.low, retained.n) == (Verdict.INCONCLUSIVE, None, 80)
    assert retained_quality(np.zeros(500), np.zeros(500)).verdict is Verdict.INCONCLUSIVE
