"""The trading calendar is read off the sales, and never off the empty days of a quiet shop."""

from datetime import date, timedelta

import numpy as np
import pytest

from ml import calendars
from ml.calendars import open_days, weekdays
from ml.errors import BadData
from tests.ml.making import START


def busy(days: int, closed: tuple[int, ...] = ()) -> np.ndarray:
    return np.where(np.isin(weekdays(START, days), closed), 0.0, 10.0)


def test_a_shop_that_never_sells_on_saturdays_is_closed_on_the_saturdays_ahead() -> None:
    is_open = open_days(busy(70, closed=(5,)), START, 28)
    assert np.array_equal(is_open, weekdays(START, 98) != 5)


def test_two_empty_saturdays_are_not_yet_a_habit() -> None:
    assert open_days(busy(14, closed=(5,)), START, 7)[14:].all()


def test_an_empty_day_of_a_busy_shop_was_a_closure_and_of_a_quiet_shop_was_not() -> None:
    total = busy(70)
    total[30] = 0
    assert not open_days(total, START, 7)[30]
    quiet = np.zeros(70)
    quiet[::3] = 1
    assert open_days(quiet, START, 7).all()


def test_a_shop_that_kept_two_holidays_keeps_the_next() -> None:
    first = date(2025, 4, 1)  # England: 18 and 21 April, 5 and 26 May
    days = (date(2025, 5, 20) - first).days
    total = np.full(days, 10.0)
    for holiday in (date(2025, 4, 18), date(2025, 4, 21), date(2025, 5, 5)):
        total[(holiday - first).days] = 0
    ahead = open_days(total, first, 14, "GB")[days:]
    assert [first + timedelta(days=days + int(k)) for k in np.flatnonzero(~ahead)] == [date(2025, 5, 26)]


def test_a_shop_that_sells_on_holidays_stays_open() -> None:
    first = date(2025, 4, 1)
    assert open_days(np.full(49, 10.0), first, 14, "GB").all()


def year_end_shop(days: int) -> tuple[date, np.ndarray]:
    """Open every day from 1 November 2023 on, but away from 24 December to 2 January."""
    first = date(2023, 11, 1)
    total = np.full(days, 10.0)
    for k in range(days):
        day = first + timedelta(days=k)
        total[k] = 0.0 if (day.month, day.day) >= (12, 24) or (day.month, day.day) <= (1, 2) else 10.0
    return first, total


def test_a_shop_that_was_away_over_the_year_end_is_expected_to_be_away_again() -> None:
    days = (date(2024, 12, 16) - date(2023, 11, 1)).days
    first, total = year_end_shop(days)
    shut = [first + timedelta(days=days + int(k)) for k in np.flatnonzero(~open_days(total, first, 28, "GB")[days:])]
    assert shut == [date(2024, 12, 24) + timedelta(days=k) for k in range(10)]


def test_a_week_without_sales_far_from_any_holiday_is_not_expected_again() -> None:
    first = date(2023, 3, 1)
    total = np.full(360, 10.0)
    total[20:30] = 0
    assert open_days(total, first, 28, "GB")[360:].all()
    assert not open_days(total, first, 28, "GB")[20:30].any()


def test_an_unknown_country_is_named() -> None:
    assert not calendars.is_known("XX")
    with pytest.raises(BadData, match="unknown country 'XX'"):
        open_days(busy(40), START, 7, "XX")


def test_one_day_of_history_is_enough_not_to_crash() -> None:
    assert open_days(np.array([3.0]), START, 28).all()
    assert open_days(np.zeros(5), START, 3).all()
