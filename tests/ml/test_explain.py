"""Every forecast is explained: parts in units that add up to it, and the same in words."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.calendars import open_days
from ml.explain import FACTS, PARTS, words
from ml.features import SalesFeatures, recent_level
from ml.forecast.config import ForecastConfig
from ml.forecast.intervals import untried
from ml.forecast.member import MEMBERS, forecaster
from ml.forecast.model import ForecastModel
from ml.forecast.reasons import explanations
from ml.frames import TOTAL
from ml.sales import DailySales
from tests.ml.making import daily_sales

CONFIG = ForecastConfig(rounds=20, rows=4000)


def explained(sales: DailySales, name: str = "xgb", horizon: int = 28) -> pd.DataFrame:
    """The explanations of this member's forecast, by series, with the forecast's own mean beside them."""
    member = forecaster(name).fit(sales, CONFIG, 1)
    model = ForecastModel(member, dict.fromkeys(("day", "week", "whole"), untried(7)), 182, 0.95)
    forecast = model.forecast(sales, horizon)
    rows = explanations(model, sales, forecast)
    assert list(rows["series"]) == list(forecast.series)
    return rows.assign(said=forecast.days.mean.sum(axis=1)).set_index("series")


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("horizon", [1, 10, 28])
def test_the_parts_add_up_to_the_forecast_whoever_made_it(name: str, horizon: int) -> None:
    rows = explained(daily_sales(products=20, days=200, closed=(5,)), name, horizon)
    assert np.allclose(rows[list(PARTS)].sum(axis=1), rows["said"], rtol=1e-5, atol=1e-5)
    assert np.allclose(rows["mean"], rows["said"], rtol=1e-5)
    products = rows.drop(TOTAL)
    assert np.allclose(products[list(PARTS)].sum(), rows.loc[TOTAL, list(PARTS)].astype(float), rtol=1e-4, atol=1e-2)


def test_the_level_is_what_was_sold_per_open_day_times_the_days_ahead() -> None:
    sales = daily_sales(products=5, days=200, closed=(5, 6))
    rows = explained(sales)
    is_open = open_days(sales.total, sales.first_on, 28)
    features = SalesFeatures(sales, is_open, sales.total)
    level = features.level(np.arange(5), np.full(5, sales.days))
    assert np.allclose(recent_level(sales.units, sales.born, is_open), level)
    assert np.allclose(rows["per_day"].iloc[:5], level, rtol=1e-5)
    assert np.allclose(rows["level"].iloc[:5], level * 20, rtol=1e-5)


@pytest.mark.parametrize(("has_price", "has_promo"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("is_planned", [False, True])
def test_each_feature_of_the_trees_is_credited_to_a_part(has_price: bool, has_promo: bool, is_planned: bool) -> None:
    sales = daily_sales(products=4, days=120)
    if has_promo:
        plan = np.zeros((4, 28), dtype=bool) if is_planned else None
        sales = replace(sales, is_promo=sales.units > 3, promo_ahead=plan)
    if not has_price:
        sales = replace(sales, revenue=None)
    features = SalesFeatures(sales, open_days(sales.total, sales.first_on, 28), sales.total)
    now = np.full(4, sales.days)
    assert features.rows(np.arange(4), now, np.zeros(4, int)).shape[1] == len(features.families)
    assert set(features.families) <= set(PARTS)
    assert ("price" in features.families, "promotion" in features.families) == (has_price, has_promo)


def test_days_out_of_stock_are_worth_what_they_would_have_sold() -> None:
    sales = daily_sales(products=20, days=200)
    out = np.zeros(sales.units.shape, dtype=bool)
    out[3, -12:] = True
    rows = explained(replace(sales, units=np.where(out, 0, sales.units).astype(np.float32), is_out=out))
    assert rows["stock_outs"].iloc[3] > 0.1 * rows["level"].iloc[3]
    assert rows["out_days"].iloc[3] == 12
    assert (rows["stock_outs"].drop(["p003", TOTAL]) == 0).all()
    assert any(line.startswith("Out of stock on 12 days of the last 28") for line in words(rows.iloc[3]))


def test_a_bulk_order_is_set_aside_and_counted() -> None:
    sales = daily_sales(products=20, days=200)
    units = sales.units.copy()
    units[2, -5] = 5000
    rows = explained(replace(sales, units=units))
    assert rows["bulk"].iloc[2] < 0
    assert rows["bulk_days"].iloc[2] >= 1
    assert any(line.startswith("Bulk orders on") for line in words(rows.iloc[2]))


def test_holidays_ahead_that_the_shop_keeps_take_units_away() -> None:
    sales = daily_sales(products=20, days=530)
    first_on = date(2026, 4, 30) - timedelta(days=529)
    holidays = [date(2024, 12, 25), date(2024, 12, 26), date(2025, 1, 1), date(2025, 5, 5), date(2025, 12, 25)]
    units = sales.units.copy()
    for day in [*holidays, date(2025, 12, 26), date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6)]:
        units[:, (day - first_on).days] = 0
    shop = DailySales(sales.series, first_on, units, orders=10_000, country="GB")
    rows = explained(shop)  # 4 and 25 May are bank holidays
    assert (rows["closed_days"] == 2).all()
    assert (rows["holidays"] < 0).all()
    assert "Closed on 2 holidays ahead" in " ".join(words(rows.iloc[0]))


def test_days_ahead_on_which_the_shop_is_closed_leave_nothing_to_explain() -> None:
    sales = daily_sales(products=3, days=100, closed=(0, 1, 2, 3, 4, 6))
    rows = explained(sales, "weekday", 3)  # open on Saturdays only, and the first day ahead is a Wednesday
    assert (rows["said"].iloc[:3] == 0).all()
    assert np.allclose(rows[list(PARTS)].sum(axis=1), 0)


def test_the_words_name_every_part_that_matters_the_largest_first() -> None:
    row = {"series": "7", "days": 28, "mean": 112.0, "level": 90.0, "per_day": 3.2, **dict.fromkeys(PARTS[1:], 0.0)}
    row |= dict.fromkeys(FACTS[1:], 0) | {"price_change": -0.08, "best_weekday": 4, "best_times": 1.4}
    row |= {"season": 30.0, "price": 4.0, "stock_outs": 8.0, "out_days": 10, "shop": -20.2, "bulk": 0.2}
    assert words(row) == [
        "Sold 3.2 per open day lately: 90.0 in 28 days.",
        "Season, and what happened a year ago: +30.0.",
        "Brought in line with the outlook of the whole shop: −20.2.",
        "Out of stock on 10 days of the last 28, when it would have sold more: +8.0.",
        "Its price, 8% below its own past: +4.0.",
        "Together 112 units in 28 days.",
        "Best day of the week: Friday, 1.4 times an average day.",
    ]
