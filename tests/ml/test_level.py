"""The shop's total, the scaling to it and the gate that no total passes by being absurd."""

from dataclasses import replace

import numpy as np
import pytest

from ml.errors import Implausible
from ml.forecast import level, sanity
from tests.ml.making import START, daily_sales


def test_a_shop_with_a_plain_weekly_rhythm_is_forecast_exactly() -> None:
    rhythm = np.tile([10.0, 12, 9, 11, 20, 0, 7], 20)
    assert np.allclose(level.total_days(rhythm, START, 28), rhythm[:28], rtol=1e-9)


def test_a_year_ago_shows_in_the_total_once_a_year_is_known() -> None:
    days = np.arange(364 + 84)
    season = 100 + 80 * ((days % 364) < 56)
    assert level.total_days(season[: 364 - 1].astype(float), START, 1)[0] < 110
    ramp = level.total_days(season[:-84].astype(float), START, 28)
    assert ramp.mean() == pytest.approx(100, rel=0.05)
    known = level.total_days(np.concatenate([season[:364], season[:364]]).astype(float)[: 364 + 360], START, 28)
    assert known[10:].mean() > 110


def test_scaling_makes_products_add_up_to_the_total_on_every_day() -> None:
    daily = np.random.default_rng(0).uniform(0, 5, (20, 28))
    total = daily.sum(axis=0) * np.linspace(0.5, 2, 28)
    assert np.allclose(level.scaled(daily, total).sum(axis=0), total)


def test_scaling_stays_within_a_factor_of_three_and_makes_nothing_of_nothing() -> None:
    daily = np.array([[1.0, 0.0]])
    assert level.scaled(daily, np.array([100.0, 100.0])).tolist() == [[3.0, 0.0]]


def test_the_track_record_forecasts_each_window_from_what_was_known_before_it() -> None:
    total = daily_sales(products=20, days=150).total
    forecast, actual = level.track_record(total, START, 28)
    assert forecast.shape == actual.shape == (13, 28)
    assert np.array_equal(actual[0], total[-28:])
    changed = total.copy()
    changed[-28:] = 999
    assert np.array_equal(level.track_record(changed, START, 28)[0][0], forecast[0])


@pytest.mark.parametrize("days", [1, 3, 7, 20])
def test_a_young_shop_has_a_total_and_no_record(days: int) -> None:
    total = np.full(days, 4.0)
    assert np.allclose(level.total_days(total, START, 28), 4.0)
    assert level.track_record(total, START, 28)[0].shape == (0, 28)


def test_the_best_week_equals_a_loop_over_all_weeks() -> None:
    units = daily_sales(products=4, days=60).units
    for row, best in zip(units, sanity.best_week(units), strict=True):
        assert best == pytest.approx(max(row[k : k + 7].sum() for k in range(54)))


def test_a_series_above_three_times_its_best_week_is_implausible() -> None:
    sales = daily_sales(products=3, days=60)
    daily = np.repeat(sanity.best_week(sales.units)[:, None] / 7, 28, axis=1)
    daily[1] *= 3.1
    daily[2, 5] = np.nan
    assert sanity.plausible_rows(sales, np.arange(3), daily).tolist() == [True, False, False]


def test_an_absurd_total_is_refused_with_both_figures() -> None:
    total = np.full(60, 10.0)
    sanity.check_total(total, np.full(28, 29.0))
    with pytest.raises(Implausible, match=r"a week of 217 units .* \(70\)"):
        sanity.check_total(total, np.full(28, 31.0))
    with pytest.raises(Implausible, match="not a number"):
        sanity.check_total(total, np.full(28, np.inf))


def test_an_absurd_series_falls_back_to_its_weekday_average_and_the_others_stay() -> None:
    from ml.forecast.model import mean_days

    class Mad:
        name, is_scaled = "mad", False

        def daily(self, sales: object, rows: np.ndarray, horizon: int) -> np.ndarray:
            out = np.ones((len(rows), horizon))
            out[0] = 1e9
            return out

        def files(self) -> dict[str, bytes]:
            return {}

    sales = replace(daily_sales(products=3, days=100), revenue=None)
    daily = mean_days(Mad(), sales, np.arange(3), 28, sales.total, 0.95)
    assert daily[0].sum() < 3 * 4 * sanity.best_week(sales.units[:1])[0]
    assert np.array_equal(daily[1:], np.ones((2, 28)))
