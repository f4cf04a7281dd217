"""Rows become a matrix; what cannot be used is named, and nothing else suffers from it."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.errors import BadData
from ml.sales import MOST_UNITS, from_frame
from tests.ml.making import START, sales_frame


def rows(*parts: tuple[str, int, float], price: float | None = None) -> pd.DataFrame:
    frame = pd.DataFrame(parts, columns=["series", "day", "units"])
    frame["ds"] = [pd.Timestamp(START) + pd.Timedelta(days=day) for day in frame["day"]]
    return frame.assign(price=price) if price is not None else frame


def test_the_matrix_equals_a_loop_over_the_rows() -> None:
    frame = sales_frame(products=5, days=40)
    sales = from_frame(frame)
    for name, day, units in zip(frame["series"], frame["ds"], frame["units"], strict=True):
        column = (day.date() - sales.first_on).days
        assert sales.units[sales.series.index(name), column] == units
    assert sales.total.sum() == frame["units"].sum()


def test_rows_of_one_series_and_day_are_added_up_and_days_between_are_zero() -> None:
    sales = from_frame(rows(("a", 0, 2), ("a", 0, 3), ("a", 3, 1)), START + timedelta(days=4))
    assert sales.units.tolist() == [[5, 0, 0, 1, 0]]
    assert sales.origin_on == START + timedelta(days=4)


def test_nothing_after_the_origin_is_looked_at() -> None:
    frame = rows(("a", 0, 2), ("a", 1, 3), ("a", 2, float("nan")), ("b", 3, -5))
    sales = from_frame(frame, START + timedelta(days=1))
    assert (sales.series, sales.units.tolist(), sales.refused) == (("a",), [[2, 3]], {})


@pytest.mark.parametrize(
    ("units", "why"),
    [(-1.0, "negative units"), (float("nan"), "not a number"), (2.0 * MOST_UNITS, "more than"), (0.0, "sold nothing")],
)
def test_an_impossible_series_is_refused_by_name_and_the_others_go_on(units: float, why: str) -> None:
    sales = from_frame(rows(("bad", 0, units), ("good", 0, 2)))
    assert sales.series == ("good",)
    assert why in sales.refused["bad"]


def test_a_price_of_zero_is_a_gift_and_a_negative_one_a_mistake() -> None:
    free = from_frame(rows(("a", 0, 2), price=0.0))
    assert free.series == ("a",)
    with pytest.raises(BadData, match="a: negative price"):
        from_frame(rows(("a", 0, 2), price=-1.0))


def test_without_a_usable_series_the_error_names_them() -> None:
    with pytest.raises(BadData, match=r"no series can be forecast.*a: negative units.*b: sold nothing"):
        from_frame(rows(("a", 0, -2), ("b", 0, 0)))


def test_missing_and_mistyped_columns_are_all_named_at_once() -> None:
    frame = pd.DataFrame({"series": ["a"], "units": ["many"], "day": [1]})
    with pytest.raises(BadData, match=r"missing ds.*units is"):
        from_frame(frame)


def test_a_row_of_the_year_1970_neither_fills_the_memory_nor_counts() -> None:
    frame = rows(("a", 0, 2))
    frame.loc[1] = ["a", 0, 9, pd.Timestamp(1970, 1, 1)]
    assert from_frame(frame).units.tolist() == [[2]]


def test_a_shop_can_be_seen_as_it_was_on_an_earlier_day() -> None:
    sales = from_frame(rows(("a", 0, 2), ("a", 2, 3), ("b", 1, 4)))
    earlier = sales.until(2)
    assert earlier.units.tolist() == [[2, 0], [0, 4]]
    assert earlier.born.tolist() == [0, 1]
    assert earlier.total.tolist() == [2, 4]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.integers(-5000, 400),
            st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-5, 50).map(float)),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_wild_rows_give_a_clean_matrix_or_a_clear_refusal(parts: list[tuple[str, int, float]]) -> None:
    try:
        sales = from_frame(rows(*parts), date(2025, 6, 1))
    except BadData:
        return  # refused in words; anything else would fail the test
    assert np.isfinite(sales.units).all()
    assert (sales.units >= 0).all()
    assert (sales.units.sum(axis=1) > 0).all()
    assert not set(sales.series) & set(sales.refused)
