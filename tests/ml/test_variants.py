"""A product's forecast falls to its variants, and not a unit is lost on the way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import BadData
from ml.variants import TRUST, shares, whole_units


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
