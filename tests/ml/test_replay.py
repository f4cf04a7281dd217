"""Replay asks the same questions of every table, and a better table answers more of them."""

import numpy as np
import pytest

from ml import metrics
from ml.baskets import Baskets
from ml.recommend import popular, together, trial
from ml.recommend.config import RecommendConfig
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import CartLists, NeighbourTable
from ml.recommend.replay import hits, questions
from tests.ml.making import order_lines


def held_and_past() -> tuple[list[tuple[int, list[int]]], Evidence]:
    lines = order_lines(days=60)
    later = lines["order_id"] >= 10_000 + 45 * 12
    past = lines[~later]
    orders = [(int(o), p["product_id"].tolist()) for o, p in lines[later].groupby("order_id")]
    held = Baskets.of(past["order_id"].to_numpy(), past["product_id"].to_numpy(), np.zeros(len(past)))
    return orders, Evidence.of(held, RecommendConfig(), looked_at=1_750_000_000)


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
    best, floor = together.fit(past), popular.fit(past)
    mine, theirs = hits(best, orders, k=3), hits(floor, orders, k=3)
    assert mine.dtype == bool
    assert len(mine) == len(theirs) == len(questions(orders))
    assert mine.mean() > 2 * theirs.mean()


def test_a_hit_is_the_hidden_product_among_the_first_k() -> None:
    orders, past = held_and_past()
    table = together.fit(past)
    expected = [q.hidden in [n.product_id for n in table.recommend(q.shown, 10)] for q in questions(orders)]
    assert hits(table, orders).tolist() == expected


def test_no_orders_give_no_answers() -> None:
    _, past = held_and_past()
    table = popular.fit(past)
    assert hits(table, []).tolist() == []


@pytest.mark.parametrize("place", [trial.PAGE, trial.SMALL_CART, trial.HOME])
def test_a_trial_of_many_questions_says_what_asking_the_table_one_by_one_says(place: str) -> None:
    orders, past = held_and_past()
    lines = np.array([(order, product) for order, products in orders for product in products])
    held = Baskets.of(lines[:, 0], lines[:, 1], np.zeros(len(lines)))
    asked = trial.asked(held.among(past.baskets.products), 500)[place]
    for table in (together.fit(past), popular.fit(past)):
        fillers = np.searchsorted(table.product_ids, table.popular)
        fast = trial.gains(CartLists(table.index, table.scores), fillers, asked)
        assert len(fast) == len(asked) > 50
        assert fast == pytest.approx([_gain(table, asked, number) for number in range(len(asked))])


def _gain(table: NeighbourTable, asked: trial.Questions, number: int) -> float:
    ids = table.product_ids
    given, wanted, hidden = (ids[each[number].indices].tolist() for each in (asked.given, asked.wanted, asked.hidden))
    shown = [one.product_id for one in table.recommend(given, 10, exclude=set(hidden))]
    return metrics.ndcg(shown, set(wanted), 10)
