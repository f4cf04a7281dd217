"""Simulated shops: of two versions that are equally good none gives way by chance, one that is broken soon does."""

import numpy as np
import pytest

from ml.compare import RunningErrors, worse

NIGHTS, WINDOW, SHOPS = 60, 14, 40


def sold(rng: np.random.Generator, products: int, units: float) -> tuple[np.ndarray, np.ndarray]:
    """What each product sells a day on average (a few of them most of it), and what came on each day."""
    rate = rng.lognormal(sigma=1.0, size=products)
    rate *= units / rate.sum()
    return rate, rng.poisson(rate[:, None], (products, NIGHTS)).astype(float)


def running(said: np.ndarray, came: np.ndarray) -> RunningErrors:
    """By hand: `said` units per product on each of the days, `came` so many."""
    came = came.cumsum(axis=1)
    off, total = said[:, None] * np.arange(1, came.shape[1] + 1) - came, came.sum(axis=0)
    total[total == 0] = np.nan
    return RunningErrors(abs(off).sum(axis=0) / total, off.sum(axis=0) / total, np.sqrt((came**2).sum(axis=0)) / total)


def gives_way(champion: np.ndarray, previous: np.ndarray, came: np.ndarray, nights: int) -> bool:
    """Whether it does on any of so many nights, each of which looks at two weeks."""
    windows = (came[:, max(night - WINDOW, 0) : night] for night in range(1, nights + 1))
    return any(worse(running(champion, window), running(previous, window)).is_worse for window in windows)


@pytest.mark.parametrize(("products", "units"), [(5, 5), (5, 500), (20, 20), (20, 200)])
def test_of_equally_good_versions_hardly_one_gives_way_within_two_months(products: int, units: float) -> None:
    """Each is off by some 7 % of each product's sales, on the same side every night, which is worse than in life."""
    rng, gave_way = np.random.default_rng(7), 0
    for _ in range(SHOPS):
        rate, came = sold(rng, products, units)
        one, other = rate * rng.lognormal(sigma=0.07, size=(2, products))
        gave_way += gives_way(one, other, came, NIGHTS)
    assert gave_way <= SHOPS // 20


@pytest.mark.parametrize(("units", "nights"), [(20, 4), (200, 2)])
def test_shuffled_products_are_found_within_days_among_twenty(units: float, nights: int) -> None:
    rng, found = np.random.default_rng(7), 0
    for _ in range(SHOPS):
        rate, came = sold(rng, 20, units)
        found += gives_way(rng.permutation(rate), rate, came, nights)
    assert found >= 0.95 * SHOPS
