"""Drift is found when there is some, and rarely when there is none, at any size of shop."""

import numpy as np
import pytest

from ml.drift import drift


def test_the_index_equals_the_sum_over_bins_by_hand() -> None:
    random = np.random.default_rng(0)
    then, now = random.normal(size=1000), random.normal(0.5, 1, 700)
    edges = np.quantile(then, np.arange(1, 10) / 10)
    expected = 0.0
    for low, high in zip([-np.inf, *edges], [*edges, np.inf], strict=True):
        a = (((now > low) & (now <= high)).sum() + 0.5) / (700 + 5)
        b = (((then > low) & (then <= high)).sum() + 0.5) / (1000 + 5)
        expected += (a - b) * np.log(a / b)
    assert drift(now, then).psi == pytest.approx(expected)


@pytest.mark.parametrize("n", [200, 1000])
def test_an_unchanged_shop_rarely_drifts(n: int) -> None:
    random = np.random.default_rng(1)
    found = [drift(random.lognormal(size=n), random.lognormal(size=2000)).has_drifted for _ in range(200)]
    assert np.mean(found) <= 0.03


def test_half_a_standard_deviation_is_found() -> None:
    random = np.random.default_rng(2)
    found = [drift(random.normal(0.5, 1, 300), random.normal(size=2000)).has_drifted for _ in range(50)]
    assert np.mean(found) > 0.9


def test_too_little_to_say_is_said() -> None:
    verdict = drift(np.ones(199), np.ones(5000))
    assert (verdict.psi, verdict.has_drifted, verdict.n) == (None, False, 199)


def test_constant_and_unusable_values_do_not_crash_it() -> None:
    assert not drift(np.ones(300), np.ones(300)).has_drifted
    assert drift(np.full(300, 2.0), np.ones(300)).has_drifted
    assert drift([np.nan] * 300, np.ones(300)).n == 0
