"""Replay asks the same questions of every table, and a better table answers more of them."""

import numpy as np
import pytest

from ml.baskets import Baskets
from ml.recommend import popular, together
from ml.recommend.config import RecommendConfig
from ml.recommend.replay import hits, page_gains, questions
from tests.ml.making import order_lines


def held_and_past() -> tuple[list[tuple[int, list[int]]], Baskets]:
    lines = order_lines(days=60)
    later = lines["order_id"] >= 10_000 + 45 * 12
    past = lines[~later]
    orders = [(int(o), p["product_id"].tolist()) for o, p in lines[later].groupby("order_id")]
    return orders, Baskets.of(past["order_id"].to_numpy(), past["product_id"].to_numpy(), np.zeros(len(past)))


def test_one_line_is_hidden_by_the_orders_id_alone() -> None:
    asked = questions([(7, [3, 1, 2, 1]), (8, [5]), (9, [5, 5])])
    assert len(asked) == 1
    assert sorted((*asked[0].shown, asked[0].hidden)) == [1, 2, 3]
    assert asked == questions([(7, [2, 3, 1])])


def test_orders_of_more_than_fifty_products_are_no_question() -> None:
    assert questions([(1, range(51))]) == []
    assert len(questions([(1, range(50))])) == 1


def test_bought_together_finds_more_hidden_lines_than_popular_on_the_same_orders() -> None:
    orders, past = held_and_past()
    config = RecommendConfig()
    best, floor = together.fit(past, config), popular.fit(past, config)
    mine, theirs = hits(best, orders, k=3), hits(floor, orders, k=3)
    assert mine.dtype == bool
    assert len(mine) == len(theirs) == len(questions(orders))
    assert mine.mean() > 2 * theirs.mean()
    assert page_gains(best, orders).mean() > 1.3 * page_gains(floor, orders).mean()


def test_a_hit_is_the_hidden_product_among_the_first_k() -> None:
    orders, past = held_and_past()
    table = together.fit(past, RecommendConfig())
    expected = [q.hidden in [n.product_id for n in table.recommend(q.shown, 10)] for q in questions(orders)]
    assert hits(table, orders).tolist() == expected


def test_no_orders_give_no_answers() -> None:
    _, past = held_and_past()
    table = popular.fit(past, RecommendConfig())
    assert hits(table, []).tolist() == []
    assert page_gains(table, [(1, [5])]).shape == (0,)
    assert pytest.approx(0.0) == page_gains(table, [(1, [-1, -2])])[0]
