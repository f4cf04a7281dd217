"""The shop's total, the scaling to it and the gate that no total passes by being absurd."""

from dataclasses import replace

import numpy as np
import pytest

from ml.errors import Implausible
from ml.forecast import bulk, level, sanity
from ml.forecast.bulk import ShopTotal
from tests.ml.making import START, daily_sales


def shop(units: np.ndarray, usual: np.ndarray | None = None, country: str | None = None) -> ShopTotal:
    units = units.astype(float)
    return ShopTotal(units, units if usual is None else usual, START, country)


def test_a_shop_with_a_plain_weekly_rhythm_is_forecast_exactly() -> None:
    rhythm = np.tile([10.0, 12, 9, 11, 20, 0, 7], 20)
    assert np.allclose(level.total_days(shop(rhythm), 28), rhythm[:28], rtol=1e-9)


def test_a_year_ago_shows_in_the_total_once_a_year_is_known() -> None:
    days = np.arange(364 + 84)
    season = 100.0 + 80 * ((days % 364) >= 90) * ((days % 364) < 150)
    before = level.total_days(shop(season[:360]), 28)
    assert before == pytest.approx(np.full(28, 100), rel=0.05)
    coming = level.total_days(shop(season[: 364 + 80]), 28)
    assert coming[:2].mean() < 125
    assert 160 < coming[20:].mean() < 180


def test_bulk_orders_come_back_as_their_share_and_not_as_a_level() -> None:
    usual = np.full(200, 50.0)
    units = usual.copy()
    units[-3] += 910.0  # in 91 days: ten a day
    assert level.total_days(shop(units, usual), 28) == pytest.approx(np.full(28, 60.0), rel=0.2)
    assert level.total_days(shop(units), 28).mean() > 70


def test_bulk_days_are_those_above_a_products_own_98th_percentile() -> None:
    sales = daily_sales(products=12, days=150)
    total = bulk.shop_total(sales)
    slow = np.zeros(150)
    for row in sales.units:
        sold = row[row > 0]
        slow += np.minimum(row, np.quantile(sold, 0.98)) if len(sold) >= bulk.MIN_SELLING_DAYS else row
    assert total.usual == pytest.approx(slow, rel=1e-6)
    assert np.array_equal(total.units, sales.total)


def test_a_surprising_closure_is_no_drop_in_demand_and_a_holiday_is_a_lull() -> None:
    units = np.full(119, 10.0)  # up to Sunday 4 May 2025; 18 to 21 April is Easter
    surprise, easter = units.copy(), units.copy()
    surprise[60:64] = 0
    easter[102:106] = 0
    assert level.total_days(shop(surprise, country="GB"), 14)[2] == pytest.approx(10.0)
    assert 7 < level.total_days(shop(easter, country="GB"), 14)[2] < 9.5


def test_scaling_makes_products_add_up_to_the_total_on_every_day() -> None:
    daily = np.random.default_rng(0).uniform(0, 5, (20, 28))
    total = daily.sum(axis=0) * np.linspace(0.5, 2, 28)
    assert np.allclose(level.scaled(daily, total).sum(axis=0), total)


def test_scaling_stays_within_a_factor_of_three_and_makes_nothing_of_nothing() -> None:
    daily = np.array([[1.0, 0.0]])
    assert level.scaled(daily, np.array([100.0, 100.0])).tolist() == [[3.0, 0.0]]


def test_the_track_record_forecasts_each_window_from_what_was_known_before_it() -> None:
    sales = daily_sales(products=20, days=150)
    forecast, actual = level.track_record(sales, 28)
    assert forecast.shape == actual.shape == (13, 28)
    assert np.array_equal(actual[0], sales.total[-28:])
    changed = sales.units.copy()
    changed[:, -28:] = 999
    assert np.array_equal(level.track_record(replace(sales, units=changed), 28)[0][0], forecast[0])


@pytest.mark.parametrize("days", [1, 3, 7, 20])
def test_a_young_shop_has_a_total_and_no_record(days: int) -> None:
    assert np.allclose(level.total_days(shop(np.full(days, 4.0)), 28), 4.0)
    assert level.track_record(daily_sales(products=20, days=days), 28)[0].shape == (0, 28)


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
    daily = mean_days(Mad(), sales, np.arange(3), level.outlook(sales, 28), 0.95)
    assert daily[0].sum() < 3 * 4 * sanity.best_week(sales.units[:1])[0]
    assert np.array_equal(daily[1:], np.ones((2, 28)))


def test_scaling_takes_no_series_above_three_times_its_best_week() -> None:
    sales = daily_sales(products=3, days=100)
    best = sanity.best_week(sales.units)
    daily = np.repeat(best[:, None] / 7, 14, axis=1) * np.array([1.0, 2.9, 8.0])[:, None]
    held = sanity.held(sales, np.arange(3), daily)
    assert np.array_equal(held[:2], daily[:2])
    assert held[2, :7].sum() == pytest.approx(3 * best[2])
