"""The test of lists against none: against slower ways to the same figures, and by counting false alarms."""

import numpy as np
import pytest
from scipy import stats

from ml.holdout import BROAD, Said, bounds, compare, evidence


@pytest.mark.parametrize(("heads", "tails", "share"), [(0, 0, 0.5), (7, 3, 0.5), (120, 80, 0.4), (5, 900, 0.02)])
def test_the_evidence_is_the_mixture_s_likelihood_over_the_coin_s(heads: int, tails: int, share: float) -> None:
    grid = np.linspace(0, 1, 400_001)[1:-1]
    density = stats.beta(BROAD, BROAD).pdf(grid)
    ratio = np.exp(heads * np.log(grid / share) + tails * np.log((1 - grid) / (1 - share)))
    assert evidence(heads, tails, share) == pytest.approx(np.log(np.trapezoid(density * ratio, grid)), abs=1e-6)


@pytest.mark.parametrize(("heads", "tails"), [(0, 0), (1, 0), (30, 20), (500, 400), (0, 60)])
def test_bounds_are_where_a_scan_finds_them(heads: int, tails: int) -> None:
    grid = np.linspace(0.0005, 0.9995, 2_000)
    kept = [share for share in grid if evidence(heads, tails, float(share)) < np.log(20)]
    low, high = bounds(heads, tails)
    assert low == pytest.approx(kept[0], abs=0.001)
    assert high == pytest.approx(kept[-1], abs=0.001)


def test_looking_after_every_buyer_is_wrong_at_most_as_often_as_promised() -> None:
    """2,000 tests without a difference, each looked at after each of 3,000 buyers."""
    random = np.random.default_rng(5)
    heads = np.cumsum(random.random((2_000, 3_000)) < 0.5, axis=1)
    throws = np.arange(1, 3_001)
    table = {n: [evidence(k, n - k) for k in range(n + 1)] for n in range(10, 3_001, 10)}
    alarms = np.zeros(2_000, bool)
    for n in range(10, 3_001, 10):
        alarms |= np.array(table[n])[heads[:, n - 1]] >= np.log(20)
    assert 0 < alarms.mean() <= 0.05
    peeked = np.abs(2 * heads - throws) >= 1.96 * np.sqrt(throws)
    assert peeked[:, 99::10].any(axis=1).mean() > 0.3  # what looking at an ordinary test every day does


def test_bounds_hold_the_truth_at_every_look() -> None:
    random = np.random.default_rng(6)
    share = 1.2 / 2.2
    missed = 0
    for _ in range(300):
        heads = np.cumsum(random.random(1_500) < share)
        missed += any(
            evidence(int(heads[n - 1]), n - int(heads[n - 1]), share) >= np.log(20) for n in range(20, 1_501, 20)
        )
    assert missed / 300 <= 0.05


def test_a_real_difference_is_found() -> None:
    random = np.random.default_rng(7)
    found = []
    for _ in range(200):
        shown = int(random.binomial(4_000, 1.3 / 2.3))
        found.append(compare(100_000, 100_000, shown, 4_000 - shown).said)
    assert found.count(Said.MORE) >= 195
    assert Said.FEWER not in found


def test_what_is_said_with_which_figures() -> None:
    more = compare(50_000, 50_100, 900, 700)
    assert (more.said, more.lift) == (Said.MORE, pytest.approx(900 / 700 - 1))
    assert more.low is not None
    assert more.high is not None
    assert 0 < more.low < 900 / 700 - 1 < more.high
    assert compare(50_100, 50_000, 700, 900).said is Said.FEWER
    assert compare(50_000, 50_000, 803, 797).said is Said.OPEN
    early = compare(900, 910, 10, 9)
    assert (early.said, early.lift, early.low) == (Said.EARLY, None, None)
    alone = compare(10_000, 10_000, 90, 0)
    assert (alone.said, alone.lift) == (Said.MORE, None)


def test_a_split_that_is_no_fair_coin_says_nothing_else() -> None:
    broken = compare(5_200, 4_400, 500, 100)
    assert (broken.said, broken.lift) == (Said.UNEQUAL, None)
    assert compare(5_040, 4_960, 100, 100).said is Said.OPEN


@pytest.mark.parametrize("counts", [(10, 10, 11, 0), (10, 10, 0, 11), (10, 10, -1, 0)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="impossible"):
        compare(*counts)
