"""The contract that every forecaster keeps, and what is special about each."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.errors import BadBundle, BadData, Implausible
from ml.forecast import bulk, weekshape, xgb
from ml.forecast.config import ForecastConfig
from ml.forecast.leader import fit_forecast
from ml.forecast.member import MEMBERS, forecaster
from ml.sales import DailySales
from tests.ml.making import START, daily_sales

CONFIG = ForecastConfig(rounds=20, rows=4000)


@pytest.fixture(scope="module")
def sales() -> DailySales:
    return daily_sales(products=40, days=200, closed=(5,))


@pytest.fixture(params=MEMBERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_days_are_finite_and_not_negative_for_the_rows_asked_for(name: str, sales: DailySales) -> None:
    daily = forecaster(name).fit(sales, CONFIG, 1).daily(sales, np.array([3, 1]), 28)
    assert daily.shape == (2, 28)
    assert np.isfinite(daily).all()
    assert (daily >= 0).all()


def test_a_row_is_forecast_the_same_alone_or_among_others(name: str, sales: DailySales) -> None:
    member = forecaster(name).fit(sales, CONFIG, 1)
    among, alone = member.daily(sales, np.arange(40), 28), member.daily(sales, np.array([7]), 28)
    assert np.allclose(among[7], alone[0], rtol=1e-6)


@pytest.mark.parametrize("horizon", [1, 7, 10, 35])
def test_any_horizon_can_be_asked_for(name: str, sales: DailySales, horizon: int) -> None:
    daily = forecaster(name).fit(sales, CONFIG, 1).daily(sales, np.arange(4), horizon)
    assert daily.shape == (4, horizon)


def test_the_same_fit_gives_the_same_files_and_they_load_to_the_same_forecast(name: str, sales: DailySales) -> None:
    module = forecaster(name)
    member, again = module.fit(sales, CONFIG, 1), module.fit(sales, CONFIG, 1)
    assert member.files() == again.files()
    rows = np.arange(40)
    assert np.array_equal(module.load(member.files()).daily(sales, rows, 28), member.daily(sales, rows, 28))


def test_a_steady_seller_is_forecast_near_its_level(name: str) -> None:
    sales = daily_sales(products=40, days=200, seed=5)
    steady = sales.units.copy()
    steady[0] = 20
    sales = replace(sales, units=steady)
    week = forecaster(name).fit(sales, CONFIG, 1).daily(sales, np.array([0]), 7).sum()
    assert week == pytest.approx(140, rel=0.25)


def test_weekday_and_xgb_expect_nothing_on_a_day_the_shop_is_closed(sales: DailySales) -> None:
    saturdays = (np.arange(sales.days, sales.days + 28) + sales.first_on.weekday()) % 7 == 5
    for name in ("weekday", "xgb"):
        daily = forecaster(name).fit(sales, CONFIG, 1).daily(sales, np.arange(40), 28)
        assert daily[:, saturdays].sum() == 0
        assert (daily[:, ~saturdays].sum(axis=0) > 0).all()


def test_naive_repeats_the_last_week(sales: DailySales) -> None:
    daily = forecaster("naive").fit(sales, CONFIG, 1).daily(sales, np.arange(3), 9)
    assert np.array_equal(daily[:, :7], sales.units[:3, -7:])
    assert np.array_equal(daily[:, 7:], sales.units[:3, -7:-5])


def test_naive_takes_a_single_day_of_history(sales: DailySales) -> None:
    first = sales.until(1)
    assert np.array_equal(
        forecaster("naive").fit(first, CONFIG, 1).daily(first, np.arange(3), 2)[:, 1], first.units[:3, 0]
    )


def test_the_weekday_average_equals_a_mean_over_eight_weeks_by_hand() -> None:
    sales = daily_sales(products=5, days=100)
    daily = forecaster("weekday").fit(sales, ForecastConfig(cap_quantile=1.0), 1).daily(sales, np.arange(5), 7)
    for ahead in range(7):
        column = sales.days + ahead
        past = [sales.units[:, column - 7 * k] for k in range(1, 9)]
        assert np.allclose(daily[:, ahead], np.mean(past, axis=0))


def test_xgb_with_another_seed_is_another_model(sales: DailySales) -> None:
    assert xgb.fit(sales, CONFIG, 1).models != xgb.fit(sales, CONFIG, 2).models


def test_xgb_refuses_a_history_it_cannot_learn_from() -> None:
    with pytest.raises(BadData, match="training rows"):
        xgb.fit(daily_sales(products=3, days=40), CONFIG, 1)


def test_a_damaged_model_file_is_refused() -> None:
    with pytest.raises(BadBundle, match=r"model\.ubj"):
        xgb.load({xgb.FILES[0]: b"not a model"})


def test_the_trees_forecast_is_the_geometric_mean_of_what_each_booster_says_alone(sales: DailySales) -> None:
    whole, rows = xgb.fit(sales, CONFIG, 1), np.arange(len(sales.series))
    first, second = ({xgb.FILES[0]: model} for model in whole.models)
    alone = [xgb.load(files).daily(sales, rows, 28) for files in (first, second)]
    assert whole.daily(sales, rows, 28) == pytest.approx(np.sqrt(alone[0] * alone[1]), rel=1e-5)


def test_a_bulk_order_is_capped_at_the_products_own_quantile_and_keeps_its_price() -> None:
    sales = daily_sales(products=10, days=120)
    units, revenue = sales.units.copy(), sales.revenue.copy()
    price = revenue[0].sum() / units[0].sum()
    units[0, 60], revenue[0, 60] = 5000, 5000 * price
    capped = bulk.capped(replace(sales, units=units, revenue=revenue), 0.95)
    selling = units[0][units[0] > 0]
    assert capped.units[0, 60] == pytest.approx(np.quantile(selling, 0.95), rel=1e-6)
    assert capped.revenue[0, 60] / capped.units[0, 60] == pytest.approx(price, rel=1e-4)


def test_a_product_with_few_selling_days_is_never_capped() -> None:
    units = np.zeros((1, 50), np.float32)
    units[0, :5] = [1, 1, 1, 1, 400]
    assert bulk.day_limits(units, 0.95)[0] == np.inf


def test_shares_of_a_week_add_up_to_one_and_a_regular_of_tuesdays_keeps_its_tuesdays() -> None:
    sales = daily_sales(products=5, days=120)
    units = sales.units.copy()
    units[0] = 0
    units[0, 1::7] = 50  # the first day is a Monday
    sales = replace(sales, units=units)
    shares = weekshape.day_shares(sales, np.ones(148, dtype=bool), sales.total)
    assert np.allclose(shares.reshape(5, 4, 7).sum(axis=2), 1)
    weekday = (np.arange(120, 148) + sales.first_on.weekday()) % 7
    assert shares[0, weekday == 1].min() > 0.8


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 130), st.lists(st.tuples(st.integers(0, 129), st.integers(0, 3), st.integers(1, 10**6)), min_size=1)
)
def test_any_history_at_all_gives_a_finite_forecast_or_a_reason(days: int, events: list[tuple[int, int, int]]) -> None:
    units = np.zeros((4, days), np.float32)
    for day, row, sold in events:
        units[row, day % days] += sold
    alive = units.any(axis=1)
    names = tuple(f"p{row}" for row in np.flatnonzero(alive))
    sales = DailySales(names, START, units[alive])
    config = ForecastConfig(members=("naive", "weekday"), min_orders=1)
    try:
        forecast = fit_forecast(sales, config, 1, lambda step: None).model.forecast(sales)
    except Implausible:
        return
    for points in (forecast.days, forecast.weeks, forecast.whole):
        assert np.isfinite(points.mean).all()
        assert (points.p10 <= points.p50).all()
        assert (points.p50 <= points.p90).all()


def test_the_intermittent_forecast_equals_the_recursion_by_hand() -> None:
    from ml.forecast import tsb

    sales = replace(daily_sales(products=1, days=60), revenue=None)
    chance = size = 0.0
    for seen, units in enumerate(sales.units[0, sales.born[0] :], start=1):
        chance += max(tsb.OFTEN, 1 / seen) * ((units > 0) - chance)
        if units > 0:
            size += (tsb.MUCH if size else 1.0) * (units - size)
    daily = tsb.fit(sales, ForecastConfig(cap_quantile=1.0), 1).daily(sales, np.array([0]), 28)
    assert daily.sum() == pytest.approx(28 * chance * size)


def test_a_product_that_stopped_selling_fades_out_of_the_intermittent_forecast() -> None:
    units = np.ones((2, 150), dtype=np.float32)
    units[0, 90:] = 0
    sales = DailySales(("gone", "steady"), START, units)
    gone, steady = forecaster("tsb").fit(sales, CONFIG, 1).daily(sales, np.arange(2), 7).sum(axis=1)
    assert gone < 0.1 * steady
