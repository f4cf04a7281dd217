"""Bands hold what they promise, whatever the errors look like."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.forecast.config import ForecastConfig
from ml.forecast.intervals import (
    NEW_SERIES,
    Bands,
    calibrate,
    conformal,
    lumps,
    ratio_points,
    untried,
    untried_ratios,
    untried_sums,
)
from ml.forecast.leader import fit_forecast
from ml.sales import DailySales


def counts(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    mean = random.lognormal(1, 1.2, n)
    return mean, random.negative_binomial(2, 2 / (2 + mean)).astype(float)


def test_new_counts_fall_into_the_band_about_eight_times_in_ten_at_every_volume() -> None:
    bands = calibrate(*counts(6000, 1), untried(1))
    mean, actual = counts(6000, 2)
    low, _, high = bands.around(mean)
    inside = (actual >= low) & (actual <= high)
    assert 0.77 < inside.mean() < 0.86
    for part in np.array_split(np.argsort(mean), 3):
        assert inside[part].mean() > 0.75


def test_about_half_of_new_counts_lie_above_the_median() -> None:
    bands = calibrate(*counts(6000, 1), untried(1))
    mean, actual = counts(6000, 2)
    _, middle, _ = bands.around(mean)
    assert 0.42 < (actual > middle).mean() < 0.56


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_points_are_in_order_and_never_negative(means: list[float]) -> None:
    for bands in (untried(1), untried(28, 30.0), untried_sums(9.0), calibrate(*counts(500, 3), untried(1))):
        low, middle, high = bands.around(np.array(means))
        assert (low >= 0).all()
        assert (low <= middle).all()
        assert (middle <= high).all()
        assert (high > 0).all()


def test_bands_survive_being_written_down() -> None:
    bands = calibrate(*counts(1000, 4), untried(1))
    assert Bands.from_dict(bands.as_dict()) == bands


def test_too_few_errors_give_the_untried_band() -> None:
    assert calibrate(np.ones(10), np.ones(10), untried(7, 2.0)) == untried(7, 2.0)


def test_of_very_many_errors_every_week_of_the_four_still_counts() -> None:
    mean = np.tile([1.0, 2.0, 3.0, 4.0], 400_000)
    assert calibrate(mean, mean * 2, untried(1)).edges == pytest.approx((1, 2, 3))


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


def test_lumps_are_the_units_that_come_together_on_a_day_counted_unit_by_unit() -> None:
    units = np.array([[0.0, 3.0, 0.0, 1.0], [12.0, 0.0, 0.0, 2.0]])
    one_by_one = [together for row in units for together in row for _ in range(int(together))]
    assert lumps(units) == pytest.approx(np.mean(one_by_one))
    assert lumps(np.minimum(units, 1)) == lumps(np.zeros((2, 4))) == 1.0


def a_shop(random: np.random.Generator, products: int, days: int, lump: int) -> np.ndarray:
    """Units of products that are bought by chance, so many at a time on average: some every day, some once a month."""
    orders = random.poisson(random.lognormal(-1.5, 1.2, products)[:, None], (products, days))
    return (orders * random.integers(1, 2 * lump, (products, days))).astype(np.float64)


@pytest.mark.parametrize("lump", [1, 8])
@pytest.mark.parametrize("days", [7, 28])
def test_untried_bands_hold_most_windows_after_a_forecast_of_last_week_again(lump: int, days: int) -> None:
    random, inside = np.random.default_rng(days), []
    for _ in range(60):
        units = a_shop(random, 12, 63, lump)
        said, came = (part.sum(axis=1) for part in (units[:, 28:35], units[:, 35 : 35 + days]))
        low, _, high = untried(days, lumps(units[:, :35])).around(said * days / 7)
        inside += list((low <= came) & (came <= high))
    assert 0.72 <= np.mean(inside) <= 0.95


def test_a_total_is_as_unsure_as_a_large_shop_s_and_more_so_the_fewer_units_it_has() -> None:
    assert untried_ratios(1e9, 28, 5.0) == pytest.approx(NEW_SERIES)
    assert untried_ratios(0.0, 28, 5.0) == NEW_SERIES
    low, _, high = untried_ratios(3.0, 7, 2.0)
    wider = np.sqrt(1 + 2 * 2 / (0.05 * 21))
    assert (low, high) == (pytest.approx(1 - 0.3 * wider, abs=1e-5), pytest.approx(1 + 0.4 * wider, abs=1e-5))
    sums_low, _, sums_high = untried_sums(2.0).around(np.array([21.0]))
    assert (sums_low[0], sums_high[0]) == (pytest.approx(21 * low, rel=0.15), pytest.approx(21 * high, rel=0.15))


@pytest.mark.parametrize(("products", "days"), [(5, 35), (12, 35), (40, 20), (12, 140)])
def test_ranges_of_small_and_young_shops_hold_four_of_five_months_to_come(products: int, days: int) -> None:
    """They held three of ten while errors were too few for bands of their own."""
    random, inside, of_total = np.random.default_rng(products + days), [], []
    for _ in range(12):
        units = a_shop(random, products, days + 28, 2)
        units = units[units[:, :days].any(axis=1)]
        names = tuple(f"p{row:02d}" for row in range(len(units)))
        shop = DailySales(names, date(2025, 1, 6), units[:, :days].astype(np.float32))
        said = fit_forecast(shop, ForecastConfig(), 1, lambda _: None).model.forecast(shop, only=names)
        came = units[:, days:].sum(axis=1)
        whole = said.whole
        inside += list((whole.p10[:-1, 0] <= came) & (came <= whole.p90[:-1, 0]))
        of_total.append(whole.p10[-1, 0] <= came.sum() <= whole.p90[-1, 0])
    assert 0.7 <= np.mean(inside) <= 0.97
    assert np.mean(of_total) >= 0.7
