"""Features from cumulative sums equal those counted day by day, and never see the day of the origin or later."""

from dataclasses import replace

import numpy as np
import pytest

from ml.calendars import open_days
from ml.features import SalesFeatures
from tests.ml.making import daily_sales

H = 28


def made(days: int = 160, closed: tuple[int, ...] = (5,)) -> SalesFeatures:
    sales = daily_sales(products=6, days=days, seed=3, closed=closed)
    return SalesFeatures(sales, open_days(sales.total, sales.first_on, H), sales.total)


def test_the_level_equals_a_count_over_open_days() -> None:
    features, t = made(), 130
    is_open = np.diff(features.open) > 0
    for i in range(6):
        units = features.sales.units[i]
        near, far = slice(t - 28, t), slice(t - 91, t)
        expected = (units[near].sum() + 0.5 * units[far].sum() + 0.1) / (
            is_open[near].sum() + 0.5 * is_open[far].sum() + 3
        )
        assert features.level(np.array([i]), np.array([t]))[0] == pytest.approx(expected, rel=1e-6)


def test_the_target_is_units_per_open_day_of_the_week_ahead() -> None:
    features, t = made(), 120
    target, days = features.target(np.array([2]), np.array([t]), np.array([1]))
    week = features.sales.units[2, t + 7 : t + 14]
    assert days[0] == 6
    assert target[0] == pytest.approx(week.sum() / 6)


def test_the_mean_of_the_last_week_relative_to_the_level_is_where_it_is_expected() -> None:
    features, t = made(), 120
    i = np.array([1])
    row = features.rows(i, np.array([t]), np.array([0]))[0]
    is_open = np.diff(features.open)[t - 7 : t].sum()
    mean = features.sales.units[1, t - 7 : t].sum() / is_open
    assert row[1] == pytest.approx(mean / features.level(i, np.array([t]))[0], rel=1e-5)


def test_rows_at_an_origin_do_not_change_when_the_days_from_it_on_do() -> None:
    sales = daily_sales(products=6, days=160, seed=3)
    shuffled = sales.units.copy()
    shuffled[:, 120:] = shuffled[::-1, 120:] * 3
    is_open = np.ones(160 + H, dtype=bool)
    i, t, w = np.arange(6), np.full(6, 120), np.full(6, 3)
    before = SalesFeatures(sales, is_open, sales.total).rows(i, t, w)
    other = replace(sales, units=shuffled, revenue=sales.revenue)
    born = np.minimum(SalesFeatures(other, is_open, other.total).born, 120)
    assert np.array_equal(born, np.minimum(sales.born, 120))
    assert np.array_equal(before, SalesFeatures(other, is_open, other.total).rows(i, t, w), equal_nan=True)


def test_a_product_born_yesterday_has_features_without_infinities() -> None:
    sales = daily_sales(products=3, days=60)
    units = sales.units.copy()
    units[0, :59], units[0, 59] = 0, 4
    young = replace(sales, units=units)
    features = SalesFeatures(young, np.ones(60 + H, dtype=bool), young.total)
    row = features.rows(np.array([0]), np.array([60]), np.array([0]))
    assert not np.isinf(row).any()
