"""A shop with forty orders, with one product, with a hundred thousand: each gets what can be had, and it says so."""

import time

import numpy as np
import pandas as pd

from ml.baskets import Baskets
from ml.recommend.carryover import Carryover
from ml.recommend.catalogue import Catalogue
from ml.recommend.config import RecommendConfig
from ml.recommend.model import Fitted, fit_lists


def fitted(order: list[int], product: list[int], catalogue: Catalogue | None = None) -> Fitted:
    lines = (np.array(each, np.int64) for each in (order, product))
    held = Baskets.of(*lines, age=np.linspace(90, 1, len(order)))
    return fit_lists(held, RecommendConfig(), lambda step: None, catalogue)


def test_forty_orders_show_what_is_described_alike_and_say_why() -> None:
    titles = ["Green tea", "Black tea", "Green teapot", "Iron teapot", "Honey"]
    rows = pd.DataFrame({"product_id": range(1, 6), "title": titles})
    made = fitted([n for n in range(40) for _ in range(2)], [1, 5, 2, 5] * 20, Catalogue.of(rows))
    assert made.algorithm == "content"
    assert "40 orders, 200 are needed" in made.because
    assert made.table.neighbours(4, 1)[0].product_id == 3
    assert [one.product_id for one in made.table.recommend([4], 2)] == [3, 5]


def test_one_product_recommends_nothing_beside_itself() -> None:
    made = fitted([*range(300)], [7] * 300)
    assert made.table.recommend([7], 8) == []
    assert [one.product_id for one in made.table.recommend([], 8)] == [7]
    assert made.table.recommend([8], 8)[0].product_id == 7


def test_a_hundred_thousand_products_are_fitted_and_refreshed_within_seconds() -> None:
    random = np.random.default_rng(1)
    order = np.repeat(np.arange(30_000), 3)
    product = (100_000 * random.random(90_000) ** 2).astype(np.int64)
    product[:3] = 0, 99_998, 99_999
    started = time.process_time()
    made = fitted(order.tolist(), product.tolist())
    carried = Carryover.of(made.lists)
    fresh = Baskets.of(np.array([10**6, 10**6]), np.array([99_998, 99_999]), np.zeros(2))
    chosen = dict.fromkeys(made.choices, "together") | {"home": "popular"}
    table = carried.refreshed(carried.counts.absorb(fresh, 0), chosen)
    assert time.process_time() - started < 20
    near = {one.product_id: one.together for one in table.neighbours(99_999, 10)}
    assert near[99_998] == 2
