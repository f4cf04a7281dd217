"""How good a forecast or a list was. Numpy only, so that anybody may import it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ml.sales import Floats


def wape(actual: Floats, predicted: Floats) -> float:
    """Weighted absolute percentage error: total absolute error over total actual. 0.20 means 20 %.

    actual, predicted: the same shape and unit, actual >= 0. Unlike the mean of percentages it is defined on days
    without sales. Raises ValueError on different shapes or when nothing was sold at all.

    Source: Kolassa & Schütz (2007), "Advantages of the MAD/Mean ratio over the MAPE".
    """
    return float(np.abs(_checked(actual, predicted)).sum() / _sold(actual))


def accuracy(actual: Floats, predicted: Floats) -> float:
    """1 - WAPE: 1 is perfect, 0 is as good as forecasting nothing, below 0 is worse than that."""
    return 1.0 - wape(actual, predicted)


def bias(actual: Floats, predicted: Floats) -> float:
    """(forecast - actual) / actual over everything: +0.10 means ten percent too much was forecast."""
    return float(_checked(actual, predicted).sum() / _sold(actual))


def coverage(actual: Floats, low: Floats, high: Floats) -> float:
    """Share of actuals inside [low, high], the ends included."""
    if actual.shape != low.shape or actual.shape != high.shape:
        raise ValueError(f"shapes differ: {actual.shape}, {low.shape} and {high.shape}")
    if actual.size == 0:
        raise ValueError("coverage is undefined: no values")
    return float(((actual >= low) & (actual <= high)).mean())


def ndcg(shown: Sequence[int], wanted: Collection[int], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `k` shown, each wanted product counting the same.

    1 means that the wanted products (or k of them) lead the list. Raises ValueError when nothing is wanted.

    Source: Järvelin & Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques".
    """
    if not wanted:
        raise ValueError("NDCG is undefined: nothing is wanted")
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    hits = np.array([product in wanted for product in list(shown)[:k]], dtype=float)
    return float((hits * discount[: len(hits)]).sum() / discount[: min(k, len(wanted))].sum())


def _checked(actual: Floats, predicted: Floats) -> Floats:
    if actual.shape != predicted.shape:
        raise ValueError(f"shapes differ: {actual.shape} and {predicted.shape}")
    return predicted.astype(np.float64) - actual


def _sold(actual: Floats) -> float:
    total = float(actual.sum(dtype=np.float64))
    if total <= 0:
        raise ValueError("undefined: nothing was sold in the whole window")
    return total
