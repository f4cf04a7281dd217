"""Bands hold what they promise, whatever the errors look like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.forecast.intervals import UNTRIED, Bands, calibrate, conformal, ratio_points


def counts(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    mean = random.lognormal(1, 1.2, n)
    return mean, random.negative_binomial(2, 2 / (2 + mean)).astype(float)


def test_new_counts_fall_into_the_band_about_eight_times_in_ten_at_every_volume() -> None:
    bands = calibrate(*counts(6000, 1))
    mean, actual = counts(6000, 2)
    low, _, high = bands.around(mean)
    inside = (actual >= low) & (actual <= high)
    assert 0.77 < inside.mean() < 0.86
    for part in np.array_split(np.argsort(mean), 3):
        assert inside[part].mean() > 0.75


def test_about_half_of_new_counts_lie_above_the_median() -> None:
    bands = calibrate(*counts(6000, 1))
    mean, actual = counts(6000, 2)
    _, middle, _ = bands.around(mean)
    assert 0.42 < (actual > middle).mean() < 0.56


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_points_are_in_order_and_never_negative(means: list[float]) -> None:
    for bands in (UNTRIED, calibrate(*counts(500, 3))):
        low, middle, high = bands.around(np.array(means))
        assert (low >= 0).all()
        assert (low <= middle).all()
        assert (middle <= high).all()
        assert (high > 0).all()


def test_bands_survive_being_written_down() -> None:
    bands = calibrate(*counts(1000, 4))
    assert Bands.from_dict(bands.as_dict()) == bands


def test_too_few_errors_give_the_untried_band() -> None:
    assert calibrate(np.ones(10), np.ones(10)) == UNTRIED


def test_of_very_many_errors_every_week_of_the_four_still_counts() -> None:
    mean = np.tile([1.0, 2.0, 3.0, 4.0], 400_000)
    assert calibrate(mean, mean * 2).edges == pytest.approx((1, 2, 3))


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.sampled_from([0.1, 0.9]))
def test_the_conformal_rank_is_one_of_the_values_and_holds_at_least_its_share(
    values: list[float], level: float
) -> None:
    point = conformal(np.array(values), level)
    assert point in values
    n = len(values)
    beyond = sum(v > point for v in values) if level > 0.5 else sum(v < point for v in values)
    assert beyond <= n * 0.1


def test_ratios_of_a_total_give_factors_around_one() -> None:
    forecast = np.full(200, 100.0)
    actual = np.linspace(80, 120, 200)
    assert ratio_points(forecast, actual) == pytest.approx((0.84, 1.0, 1.16), abs=0.01)
    assert ratio_points(np.zeros(9), actual[:9]) == (0.7, 1.0, 1.4)


@settings(deadline=None)
@given(st.lists(st.floats(0, 5), min_size=4, max_size=60), st.floats(0.05, 1), st.floats(0, 1))
def test_the_range_of_a_total_holds_the_forecast_and_is_wider_the_less_is_known(
    ratios: list[float], trust: float, less: float
) -> None:
    forecast = np.full(len(ratios), 100.0)
    low, _, high = ratio_points(forecast, forecast * np.array(ratios), trust)
    lower, _, higher = ratio_points(forecast, forecast * np.array(ratios), trust * less)
    assert 0 <= lower <= low + 1e-9 <= 1 + 2e-9
    assert 1 <= high <= higher + 1e-9
    assert lower <= max(0.7, low) + 1e-9


def test_a_few_windows_that_all_sold_more_than_was_forecast_do_not_end_a_range_at_the_forecast() -> None:
    forecast, actual = np.full(5, 100.0), np.array([103.0, 104.0, 106.0, 108.0, 110.0])
    low, _, high = ratio_points(forecast, actual, 5 / 13)
    assert (low, high) == pytest.approx((0.7 ** (8 / 13), 1.1 ** (5 / 13) * 1.4 ** (8 / 13)))
