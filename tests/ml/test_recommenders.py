"""The contract that every recommender keeps, what bought together counts, and serving from the table."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse

from ml import train
from ml.baskets import Baskets
from ml.errors import BadBundle, BadData
from ml.recommend import again, blend, content, ease, hint, imported, people, popular, rise, together, trending, viewed
from ml.recommend.catalogue import Catalogue
from ml.recommend.config import RecommendConfig
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.recommend.steps import Steps
from tests.ml.making import family_steps, order_lines, write_dataset

CONFIG = RecommendConfig(neighbours=10, half_life_days=90.0, size_power=0.5)
NOW = 1_750_000_000
Orders = tuple[float, list[int]]


def baskets(*orders: Orders, customers: list[int] | None = None) -> Baskets:
    """Orders as (age in days, products)."""
    sizes = [len(products) for _, products in orders]
    product = np.array([p for _, products in orders for p in products], dtype=np.int64)
    customer = None if customers is None else np.repeat(customers, sizes)
    age = np.repeat([age for age, _ in orders], sizes)
    return Baskets.of(np.repeat(np.arange(len(orders)), sizes), product, age, customer)


def steps(*rows: tuple[int, int, float, int]) -> Steps:
    """Steps as (product, next product, age in days, browsers)."""
    return Steps.of(*(np.array(column) for column in zip(*rows, strict=True)))


def evidence(*orders: Orders, customers: list[int] | None = None, titles: dict[int, str] | None = None) -> Evidence:
    rows = None if titles is None else pd.DataFrame({"product_id": list(titles), "title": list(titles.values())})
    catalogue = None if rows is None else Catalogue.of(rows)
    return Evidence.of(baskets(*orders, customers=customers), CONFIG, catalogue, NOW)


@pytest.fixture(scope="module")
def shop() -> Evidence:
    """Families of four products that are bought and looked at together; their titles say which family they are of."""
    lines = order_lines(days=200)
    orders, products = lines["order_id"].to_numpy(), lines["product_id"].to_numpy()
    customer = lines["customer"].str[1:].astype(int).to_numpy()
    held = Baskets.of(orders, products, (lines["order_id"].max() - orders) / 12.0, customer)
    titles = [f"Family {p // 10 % 100} member {p % 10}" for p in held.products.tolist()]
    catalogue = Catalogue.of(pd.DataFrame({"product_id": held.products, "title": titles}))
    return Evidence.of(held, CONFIG, catalogue, NOW, steps(*family_steps()))


@pytest.fixture(params=[popular, trending, together, ease, hint, content, blend, viewed], ids=lambda m: m.NAME)
def recommender(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def test_a_table_fits_together_and_knows_every_product(recommender: ModuleType, shop: Evidence) -> None:
    table = recommender.fit(shop)
    table.check()
    assert len(table.product_ids) == 32
    assert (np.diff(table.product_ids) > 0).all()
    assert (table.index.dtype, table.scores.dtype, table.together.dtype) == (np.int32, np.float32, np.int32)
    assert not (table.index == np.arange(32)[:, None]).any()


def test_answers_are_distinct_full_and_hold_nothing_given_or_excluded(recommender: ModuleType, shop: Evidence) -> None:
    table = recommender.fit(shop)
    for given in ([], [1000], [1000, 1001, 1010], [424242]):
        answer = [one.product_id for one in table.recommend(given, 8, exclude={1002, 1003})]
        assert len(answer) == len(set(answer)) == 8
        assert not set(answer) & {*given, 1002, 1003}


def test_scores_fall_along_an_answer(recommender: ModuleType, shop: Evidence) -> None:
    scores = [one.score for one in recommender.fit(shop).recommend([1000, 1010], 20)]
    assert scores == sorted(scores, reverse=True)


def test_the_same_orders_give_the_same_table(recommender: ModuleType, shop: Evidence) -> None:
    again_ = Evidence.of(shop.baskets, CONFIG, shop.catalogue, NOW, shop.steps)
    first, second = recommender.fit(shop), recommender.fit(again_)
    assert all(np.array_equal(a, b) for a, b in zip(first.arrays().values(), second.arrays().values(), strict=True))


@pytest.mark.parametrize("orders", [[(1.0, [5])], [(1.0, [5]), (2.0, [5, 6])]])
def test_a_shop_of_one_or_two_orders_gets_a_table(
    recommender: ModuleType, orders: list[tuple[float, list[int]]]
) -> None:
    table = recommender.fit(evidence(*orders))
    assert [one.product_id for one in table.recommend([6], 3)] == [5]


@pytest.mark.parametrize("module", [together, ease, hint, content, blend, viewed], ids=lambda m: m.NAME)
def test_families_that_belong_together_are_found_together(module: ModuleType, shop: Evidence) -> None:
    table = module.fit(shop)
    for product in table.product_ids.tolist():
        best = {one.product_id for one in table.neighbours(product, 3)}
        family = {product // 10 * 10 + k for k in range(4)} - {product}
        assert len(best & family) == 3


def test_scores_and_orders_in_common_equal_the_formula() -> None:
    table = together.fit(evidence((0.0, [1, 2]), (90.0, [1, 2]), (0.0, [1, 3]), (0.0, [2])))
    first = {one.product_id: one for one in table.neighbours(1, 5)}
    root = np.sqrt(2)
    n1, n2, c12 = (1 + 0.5 + 1) / root, 1.5 / root + 1, 1.5 / root
    assert first[2].score == pytest.approx(c12 / (n1**0.5 * n2**0.3 + 0.05), rel=1e-5)
    assert (first[2].together, first[3].together) == (2, 1)


def test_ease_equals_the_regression_of_each_product_on_all_others() -> None:
    random = np.random.default_rng(4)
    orders = [(float(random.integers(90)), random.choice(6, 3, replace=False).tolist()) for _ in range(80)]
    for dropout in (0.2, 7.0):
        for titles in (None, {0: "Red cup", 1: "Red cup", 2: "Oak shelf", 3: "Pine shelf", 4: "Lamp", 5: ""}):
            held = evidence(*orders, titles=titles)
            gram = held.affinity(np.arange(held.n)).toarray().astype(np.float64)
            if held.catalogue is not None:
                gram += CONFIG.ease_content * content.likeness(held.catalogue, np.arange(held.n)).toarray()
            ridge = CONFIG.ease_ridge + dropout * np.diag(gram)
            _, weights = ease.regressed(held, dropout)
            for j in range(6):
                rest = [i for i in range(6) if i != j]
                inner = gram[np.ix_(rest, rest)] + np.diag(ridge[rest])
                assert weights[rest, j] == pytest.approx(np.linalg.solve(inner, gram[rest, j]), abs=1e-4)


def test_descriptions_are_as_alike_as_the_cosine_of_their_rare_words() -> None:
    held = evidence((0.0, [1]), titles={1: "Red cup", 2: "red cup", 3: "Red", 4: "Shelf", 5: ""})
    assert held.catalogue is not None
    alike = content.likeness(held.catalogue, np.arange(held.n)).toarray()
    assert np.diag(alike).tolist() == pytest.approx([1, 1, 1, 1, 0])
    assert alike[0, 1] == pytest.approx(1)
    assert 0 < alike[0, 2] < 1
    assert alike[0, 3] == 0


def test_a_hint_loses_all_products_of_a_shops_orders_but_one() -> None:
    assert hint.lost(evidence((0.0, [1, 2, 3]), (0.0, [1, 2, 3, 4, 5]), (0.0, [1]))) == pytest.approx(3)
    assert hint.lost(evidence((0.0, [1]), (0.0, [2]))) == 1


def dense(table: NeighbourTable, width: int) -> np.ndarray:
    whole = np.zeros((len(table.product_ids), len(table.product_ids)))
    for row, (near, scores) in enumerate(zip(table.index[:, :width], table.scores[:, :width], strict=True)):
        whole[row, near[near != NOBODY]] = np.maximum(scores[near != NOBODY], 0)
    return whole


def leading(whole: np.ndarray) -> np.ndarray:
    return np.sort(whole, axis=1)[:, -10:].mean(1, keepdims=True)


def risen(held: Evidence, total: np.ndarray, power: float) -> np.ndarray:
    cells = sparse.csr_matrix(total)
    cells.data *= rise.of_pairs(held, cells)
    return np.asarray(cells.todense()) * rise.of_products(held) ** power


def test_a_pages_blend_is_the_weighted_sum_of_its_parts_and_of_what_sells_just_now_by_what_rises(
    shop: Evidence,
) -> None:
    near, other = together.wide(shop, blend.WIDE), hint.fit(shop)
    bought = dense(shop.table(*near), blend.WIDE)
    hinted, steps = dense(other, hint.WIDTH), dense(other, blend.STEPS)
    second = (steps / leading(steps)) @ (steps / leading(steps))
    np.fill_diagonal(second, 0)
    sold = np.bincount(shop.baskets.items, np.repeat(0.5 ** (shop.baskets.age / 28), shop.baskets.sizes))
    total = hinted / leading(hinted) + 0.2 * bought / leading(bought).mean() + 0.5 * second / leading(second)
    total += np.where(total > 0, 0.2 * sold / np.sort(sold)[-10:].mean(), 0)
    np.testing.assert_allclose(leading(dense(blend.fit(shop), 10)), leading(risen(shop, total, 0.25)), rtol=1e-4)


def test_a_small_carts_blend_is_a_power_of_the_weighted_sum_of_its_parts_by_what_rises(shop: Evidence) -> None:
    near, hinted, eased = together.wide(shop, blend.WIDE), hint.fit(shop), ease.fit(shop)
    parts = [dense(hinted, 100), dense(shop.table(*near), 100), dense(eased, 100)]
    total = sum(share * part / leading(part).mean() for share, part in zip((1, 0.2, 0.2), parts, strict=True)) ** 1.3
    found = dense(blend.for_cart(shop, *near, hinted, eased), 10)
    np.testing.assert_allclose(leading(found), leading(risen(shop, total, 0.1)), rtol=1e-4)


def test_a_catalogue_too_large_to_regress_gets_no_hint_and_blends_what_is_left(shop: Evidence) -> None:
    large = replace(shop, config=replace(CONFIG, deep_products=20))
    assert (hint.fit(large).index == NOBODY).all()
    assert (blend.fit(large).index[:, 0] != NOBODY).all()


def test_a_new_product_goes_with_its_kind() -> None:
    titles = {1: "Red tea cup", 2: "Oak shelf", 3: "Blue tea cup", 4: "Tin whistle"}
    held = evidence(
        *[(float(day), [1, 2]) for day in range(30)], *[(float(day), [4]) for day in range(30)], titles=titles
    )
    assert [one.product_id for one in hint.fit(held).neighbours(3, 4)] == [1]
    assert [one.product_id for one in blend.fit(held).neighbours(3, 4)] == [1, 2]  # then with what goes with these


def test_what_the_same_people_bought_equals_a_loop_over_customers() -> None:
    held = evidence((0.0, [1, 2]), (180.0, [3]), (10.0, [1]), (5.0, [4]), customers=[0, 0, 1, -1])
    counted = people.count(held.baskets, CONFIG).toarray()
    own = {1: 1.0, 2: 1.0, 3: 0.5}
    for a, b in ((1, 2), (1, 3), (2, 3), (3, 3)):
        assert counted[a - 1, b - 1] == pytest.approx(own[a] * own[b] / sum(own.values()), rel=1e-5)
    alone = 0.5 ** (10 / 180)
    assert counted[0, 0] == pytest.approx(1 / 2.5 + alone, rel=1e-5)
    assert counted[3].sum() == 0


def test_similar_titles_are_neighbours_before_the_first_order() -> None:
    titles = {1: "Red tea cup", 2: "Blue tea cup", 3: "Green tea cup", 9: "Oak shelf"}
    table = blend.fit(evidence((0.0, [1, 9]), titles=titles))
    assert {one.product_id for one in table.neighbours(3, 2)} == {1, 2}
    assert [one.together for one in table.neighbours(1, 1)] == [1]


def test_type_vendor_and_tags_describe_a_product_too() -> None:
    rows = pd.DataFrame({"product_id": [1, 2, 3], "title": ["A", "B", "C"], "product_type": ["Tea", "Rug", "Tea"]})
    tagged = rows.assign(vendor=["V", "V", "W"], tags=["x, summer", "", "summer"])
    found = Catalogue.of(tagged)
    assert found.terms[0] == {"a", "type: tea", "vendor: v", "tag: x", "tag: summer"}
    held = Evidence.of(baskets((0.0, [1])), CONFIG, found, NOW)
    assert [one.product_id for one in content.fit(held).neighbours(1, 3)] == [3, 2]


def test_popular_counts_orders_of_four_weeks_then_of_all_time() -> None:
    held = evidence((1.0, [7]), (2.0, [7, 8]), (60.0, [9, 8]), (70.0, [9]), (80.0, [9]), (90.0, [4]))
    assert held.popular.tolist() == [7, 8, 9, 4]


def test_what_rises_leads_what_has_long_sold_as_much() -> None:
    steady = [(float(day), [1]) for day in range(60)]
    rising = [(float(day) / 4, [2]) for day in range(28)]
    assert trending.rank(evidence(*steady, *rising)).tolist() == [2, 1]


def test_what_was_viewed_next_equals_the_formula_and_counts_half_the_other_way() -> None:
    told = steps((1, 2, 0.0, 8), (1, 2, 60.0, 4), (2, 1, 0.0, 2), (1, 3, 0.0, 6))
    table = viewed.fit(Evidence.of(baskets((0.0, [1, 2, 3])), CONFIG, None, NOW, told))
    onward, back = 8 + 4 / 2, 2
    of = {1: onward + back / 2 + 6, 2: back + onward / 2, 3: 6 / 2}
    near = {one.product_id: one.score for one in table.neighbours(1, 5)}
    assert near[2] == pytest.approx((onward + back / 2) / (of[1] ** 0.5 * of[2] ** 0.3 + 0.05), rel=1e-5)
    assert near[3] == pytest.approx(6 / (of[1] ** 0.5 * of[3] ** 0.3 + 0.05), rel=1e-5)


def test_steps_seen_from_earlier_hold_nothing_that_came_later() -> None:
    told = steps((5, 6, 10.0, 3), (6, 7, 28.0, 4), (5, 7, 90.0, 5))
    past = told.before(28)
    assert [(past.products[a], past.products[b]) for a, b in zip(past.first, past.then, strict=True)] == [
        (6, 7),
        (5, 7),
    ]
    assert past.age.tolist() == [0, 62]
    known = told.among(np.array([4, 5, 6]))
    assert (known.first.tolist(), known.then.tolist(), known.browsers.tolist()) == ([1], [2], [3])


def test_a_carts_neighbours_are_summed_and_popular_ones_follow() -> None:
    rows = pd.DataFrame(
        {"product_id": [1, 1, 2], "neighbour_id": [3, 4, 4], "score": [0.5, 0.4, 0.3], "together": [5, 4, 3]}
    )
    table = imported.as_table(rows, [9, 3])
    answer = table.recommend([1, 2], 4)
    assert [(one.product_id, one.together) for one in answer] == [(4, 7), (3, 5), (9, 0)]
    assert answer[0].score == pytest.approx(0.7)
    assert [one.product_id for one in table.neighbours(1, 1)] == [3]
    assert table.neighbours(99, 5) == []


def test_ties_go_to_the_smaller_product() -> None:
    rows = pd.DataFrame({"product_id": [1, 1, 1], "neighbour_id": [8, 6, 7], "score": [0.5, 0.5, 0.5]})
    assert [one.product_id for one in imported.as_table(rows, []).recommend([1], 2)] == [6, 7]


def test_a_table_survives_its_bundle_memory_mapped(tmp_path: Path) -> None:
    rows = pd.DataFrame({"product_id": [1, 1, 5], "neighbour_id": [5, 2, 1], "score": [0.5, 0.9, 0.1]})
    trained = imported.write(tmp_path / "b", rows, [2, 1], because="by hand")
    table = NeighbourTable.open(trained.folder)
    assert trained.algorithm == "table"
    assert [one.product_id for one in table.neighbours(1, 9)] == [2, 5]
    assert table.index.tolist() == [[1, 2], [NOBODY, NOBODY], [0, NOBODY]]
    assert isinstance(table.scores.base, np.memmap)


def test_a_bundle_of_another_task_or_with_a_changed_array_is_refused(tmp_path: Path) -> None:
    rows = pd.DataFrame({"product_id": [1], "neighbour_id": [5], "score": [0.5]})
    folder = imported.write(tmp_path / "b", rows, [1]).folder
    (folder / "scores.npy").write_bytes((folder / "scores.npy").read_bytes()[:-1] + b"\x01")
    with pytest.raises(BadBundle, match=r"scores\.npy was changed"):
        NeighbourTable.open(folder)
    with pytest.raises(BadBundle, match="not a bundle"):
        NeighbourTable.open(tmp_path)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"product_id": [1], "neighbour_id": [1], "score": [1.0]}, "own neighbour"),
        ({"product_id": [1, 1], "neighbour_id": [2, 2], "score": [1.0, 0.5]}, "lists a neighbour twice"),
        ({"product_id": [1], "neighbour_id": [2], "score": [np.nan]}, "not a number"),
        ({"product_id": ["a"], "neighbour_id": [2], "score": [1.0]}, "product_id is"),
        ({"product_id": [1], "neighbour_id": [2**63], "score": [1.0]}, "neighbour_id is below 0 or above"),
        ({"product_id": [-1], "neighbour_id": [2], "score": [1.0]}, "product_id is below 0"),
        ({"product_id": pd.array([1, None], "Int64"), "neighbour_id": [2, 3], "score": [1.0, 1.0]}, "missing in 1 row"),
        ({"product_id": [1], "neighbour_id": [2], "score": [1.0], "together": [2**31]}, "together is below 0 or above"),
    ],
)
def test_lists_that_make_no_sense_are_refused(rows: dict[str, object], why: str) -> None:
    with pytest.raises(BadData, match=why):
        imported.as_table(pd.DataFrame(rows), [])


def test_a_customers_own_products_come_by_how_often_and_how_lately() -> None:
    held = baskets(
        (10.0, [0]), (20.0, [0]), (5.0, [1]), (500.0, [2]), (1.0, [3]), (1.0, [3]), customers=[0, 0, 0, 0, 1, -1]
    )
    history = again.fit(held)
    assert [p for p, _ in history.again(0, 3, np.array([3]))] == [0, 1, 2]
    assert [p for p, _ in history.again(-1, 3, np.array([3, 1]))] == [3, 1]


def test_what_leads_on_is_never_something_the_customer_has() -> None:
    table = together.fit(evidence((0.0, [0, 1]), (0.0, [0, 1]), (0.0, [0, 2])))
    history = again.fit(baskets((1.0, [0]), customers=[0]))
    assert [p for p, _ in history.onward(0, 5, table)] == [1, 2]


def test_the_bundle_says_how_its_lists_did_against_popular(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", order_lines(days=90))
    trained = train.fit("recommend", dataset, tmp_path / "b", config={}, seed=1)
    page, cart = trained.metrics["product_page"], trained.metrics["cart"]
    assert trained.algorithm in ("together", "hint", "blend")
    assert page["ndcg_10"] > page["popular_ndcg_10"]
    assert cart["hit_rate_10"] > cart["popular_hit_rate_10"]
    assert trained.metrics["n_orders"] == 90 * 12
    assert page["n"] == cart["n"] == trained.metrics["holdout_orders"]


def test_what_was_viewed_next_is_tried_where_a_dataset_tells_enough_of_it(tmp_path: Path) -> None:
    lines = order_lines(days=90)
    told = {"with": family_steps(), "later": family_steps(age=3.0), "few": family_steps(browsers=9), "without": None}
    tried = {}
    for name, steps in told.items():
        dataset = write_dataset(tmp_path / name, lines, steps=steps)
        trained = train.fit("recommend", dataset, tmp_path / f"{name}-b", config={}, seed=1)
        tried[name] = "viewed" in trained.metrics["places"]["product_page"]["ndcg_10"]
    assert tried == {"with": True, "later": False, "few": False, "without": False}


def test_with_few_orders_popular_leads_and_says_so(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", order_lines(days=10, per_day=4))
    trained = train.fit("recommend", dataset, tmp_path / "b", config={}, seed=1)
    assert (trained.algorithm, trained.chosen_because[:25]) == ("popular", "popular leads: 40 orders,")
