"""What is bought more lately than it used to be, held against loops over orders."""

import numpy as np
import pytest
import scipy.sparse as sparse

from ml.baskets import Baskets
from ml.recommend import rise
from ml.recommend.config import RecommendConfig
from ml.recommend.evidence import Evidence

CONFIG = RecommendConfig(half_life_days=90.0, size_power=0.5)
Orders = list[tuple[float, list[int]]]


@pytest.fixture
def orders() -> Orders:
    """Two hundred days of orders of six products: 1 and 2 always together, 4 and 5 only lately, 3 and 6 only before."""
    random = np.random.default_rng(3)
    held: Orders = []
    for age in np.repeat(np.arange(200.0), 4):
        pair = [1, 2] if random.random() < 0.5 else [4, 5] if age < 20 else [3, 6]
        extra = random.choice(6, random.integers(0, 3), replace=False) + 1
        held.append((float(age), sorted({*pair, *extra.tolist()})))
    return held


def evidence(orders: Orders) -> Evidence:
    sizes = [len(products) for _, products in orders]
    product = np.array([p for _, products in orders for p in products], np.int64)
    age = np.repeat([age for age, _ in orders], sizes)
    return Evidence.of(Baskets.of(np.repeat(np.arange(len(orders)), sizes), product, age), CONFIG)


def mean_weight(orders: Orders) -> float:
    return float(np.mean([len(products) ** -0.5 for _, products in orders for _ in products]))


def pairs(shop: Evidence) -> np.ndarray:
    return rise.of_pairs(shop, sparse.csr_matrix(np.ones((shop.n, shop.n), np.float32))).reshape(shop.n, shop.n)


def test_a_products_rise_equals_a_loop_over_orders(orders: Orders) -> None:
    def rate(product: int, half_life: float) -> float:
        worth = [0.5 ** (age / half_life) * len(held) ** -0.5 for age, held in orders if product in held]
        return sum(worth) / mean_weight(orders) * np.log(2) / half_life

    slowly = [max((rate(p, 7) + 0.2) / (rate(p, 120) + 0.2), 1) for p in range(1, 7)]
    np.testing.assert_allclose(rise.of_products(evidence(orders)), slowly, rtol=1e-5)
    assert slowly[3] > 1.5


def test_a_pairs_rise_equals_a_loop_over_orders(orders: Orders) -> None:
    def share(pair: set[int], product: int, half_life: float, oldest: float) -> tuple[float, float]:
        worth = [(0.5 ** (age / half_life) * len(held) ** -0.5, held) for age, held in orders if age <= oldest]
        return sum(w for w, held in worth if pair <= {*held}), sum(w for w, held in worth if product in held)

    beside = np.mean([len(held) - 1 for _, held in orders])
    doubt, seldom = 2_000 / beside * mean_weight(orders), 0.0004 * beside
    found = pairs(evidence(orders))
    for one, other in ((4, 5), (5, 4), (1, 2), (3, 6), (1, 4), (6, 2)):
        always, own = share({one, other}, one, 90, np.inf)
        lately, fresh = share({one, other}, one, 30, 60)
        now = (lately + doubt * always / own) / (fresh + doubt)
        slowly = max((now + seldom) / (always / own + seldom), 1)
        assert found[one - 1, other - 1] == pytest.approx(slowly, rel=1e-3)
    assert found[3, 4] > 1


def test_what_fell_does_not_count_for_less(orders: Orders) -> None:
    shop = evidence(orders)
    assert pairs(shop)[2, 5] == 1
    assert rise.of_products(shop)[[2, 5]].tolist() == [1, 1]


def test_nothing_rises_in_a_shop_that_has_not_sold_for_a_while(orders: Orders) -> None:
    shop = evidence([(age + 100, held) for age, held in orders])
    np.testing.assert_allclose(pairs(shop), 1, rtol=1e-6)
    assert (rise.of_products(shop) == 1).all()
