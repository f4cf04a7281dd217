"""A product's forecast falls to its variants, and not a unit is lost on the way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import BadData
from ml.variants import TRUST, as_if_there, shares, spread_of_part, topped_up, whole_units


def test_shares_follow_the_sales_and_add_up_to_one() -> None:
    found = shares([60, 30, 0])
    assert found.sum() == pytest.approx(1)
    assert found[0] > found[1] > found[2] > 0
    assert found[0] == pytest.approx((60 + TRUST / 3) / (90 + TRUST))


def test_variants_that_never_sold_share_equally_and_one_alone_takes_all() -> None:
    assert np.allclose(shares([0, 0, 0, 0]), 0.25)
    assert shares([7]).tolist() == [1.0]


@pytest.mark.parametrize("sold", [[], [1, -1], [1, float("nan")]])
def test_impossible_sales_are_refused(sold: list[float]) -> None:
    with pytest.raises(BadData, match="units per variant"):
        shares(sold)


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_whole_units_add_up_exactly_and_are_never_more_than_one_off(units: int, sold: list[float]) -> None:
    of = shares(sold)
    parts = whole_units(units, of)
    assert sum(parts) == units
    assert all(abs(part - units * share) < 1 + 1e-6 for part, share in zip(parts, of, strict=True))


def test_what_is_left_over_goes_to_the_largest_remainders() -> None:
    assert whole_units(10, [0.55, 0.33, 0.12]) == [6, 3, 1]
    assert whole_units(1, [0.5, 0.5]) == [1, 0]
    assert whole_units(0, [0.5, 0.5]) == [0, 0]


def test_days_without_stock_are_made_up_for_within_reason() -> None:
    assert as_if_there(30, 0) == 30
    assert as_if_there(30, 45) == pytest.approx(30 * 91 / 46)
    assert as_if_there(30, 91) == as_if_there(30, 90) == pytest.approx(30 * 91 / 28)


def test_a_part_is_harder_to_foresee_than_the_whole() -> None:
    found = spread_of_part([1.5, 1.5, 1.5, 0.9], [1.0, 0.5, 0.1, 0.5])
    assert found[0] == 1.5
    assert found[0] < found[1] < found[2]
    assert found[3] == 1


def test_an_order_that_is_too_small_takes_more_of_what_is_shortest() -> None:
    assert topped_up(30, [10, 0, 0], [0, 3, 40], [0.6, 0.3, 0.1]) == [22, 8, 0]
    assert topped_up(5, [10, 0], [0, 0], [0.5, 0.5]) == [10, 0]
    assert topped_up(25, [6, 0], [0, 0], [0.5, 0.5], step=6) == [12, 18]


@given(
    st.integers(0, 5000),
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 100), st.integers(-50, 500), st.floats(0, 1e5)), min_size=1, max_size=12),
)
def test_a_top_up_never_takes_away_and_reaches_the_least_in_whole_steps(
    least: int, step: int, rows: list[tuple[int, int, float]]
) -> None:
    planned = [packs * step for packs, _, _ in rows]
    held, of = [left for _, left, _ in rows], shares([sold for _, _, sold in rows])
    found = topped_up(least, planned, held, of, step)
    assert all(more >= one and more % step == 0 for more, one in zip(found, planned, strict=True))
    assert max(least, sum(planned)) <= sum(found) < max(least, sum(planned)) + step
