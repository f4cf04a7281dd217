"""Metrics against slow and obvious second methods."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml import metrics

counts = arrays(np.float64, st.integers(1, 30), elements=st.integers(0, 1000).map(float))


@settings(deadline=None)
@given(counts, st.randoms())
def test_wape_and_bias_equal_a_loop_over_the_values(actual: np.ndarray, random: object) -> None:
    actual[0] += 1
    predicted = actual[::-1] * 1.5
    off = sum(abs(p - a) for a, p in zip(actual, predicted, strict=True))
    lean = sum(p - a for a, p in zip(actual, predicted, strict=True))
    assert metrics.wape(actual, predicted) == pytest.approx(off / sum(actual))
    assert metrics.bias(actual, predicted) == pytest.approx(lean / sum(actual))
    assert metrics.accuracy(actual, predicted) == pytest.approx(1 - off / sum(actual))


def test_a_perfect_forecast_has_accuracy_one_and_no_bias() -> None:
    actual = np.array([3.0, 0.0, 5.0])
    assert (metrics.accuracy(actual, actual), metrics.bias(actual, actual)) == (1.0, 0.0)


def test_coverage_counts_the_ends_of_the_band_as_inside() -> None:
    actual = np.array([1.0, 2.0, 3.0, 4.0])
    assert metrics.coverage(actual, np.array([1.0, 0, 4, 0]), np.array([9.0, 2, 9, 3])) == 0.5


def test_metrics_refuse_shapes_that_differ_and_windows_without_sales() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        metrics.wape(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="nothing was sold"):
        metrics.bias(np.zeros(3), np.ones(3))


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), unique=True, max_size=15), st.sets(st.integers(0, 30), min_size=1))
def test_ndcg_equals_the_textbook_sum_over_ranks(shown: list[int], wanted: set[int]) -> None:
    gain = sum(1 / np.log2(rank + 1) for rank, product in enumerate(shown[:10], 1) if product in wanted)
    best = sum(1 / np.log2(rank + 1) for rank in range(1, min(10, len(wanted)) + 1))
    assert metrics.ndcg(shown, wanted) == pytest.approx(gain / best)


def test_ndcg_is_one_when_the_wanted_products_lead() -> None:
    assert metrics.ndcg([4, 7, 1, 2], {7, 4}) == pytest.approx(1.0)
