"""Which list serves which place, and that every shop, however odd, gets lists that make sense."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import train
from ml.baskets import Baskets
from ml.recommend import places, trial
from ml.recommend.catalogue import Catalogue
from ml.recommend.config import RecommendConfig
from ml.recommend.evidence import Evidence
from ml.recommend.model import Fitted, fit_lists
from ml.recommend.neighbours import NeighbourTable
from ml.recommend.places import Choice, Lists
from ml.recommend.steps import Steps
from tests.ml.making import order_lines, write_dataset

NOW = 1_750_000_000


def fitted(
    orders: dict[int, list[int]], ages: dict[int, float] | None = None, titles: dict[int, str] | None = None
) -> Fitted:
    lines = [(order, product, (ages or {}).get(order, 1.0)) for order, held in orders.items() for product in held]
    order, product, age = (np.array(each) for each in zip(*lines, strict=True))
    rows = None if titles is None else pd.DataFrame({"product_id": list(titles), "title": list(titles.values())})
    catalogue = None if rows is None else Catalogue.of(rows)
    return fit_lists(Baskets.of(order, product, age), RecommendConfig(), lambda step: None, catalogue, NOW)


def wholesale(number: int = 400) -> tuple[dict[int, list[int]], dict[int, float]]:
    """Orders of nine products from one of five rooms of fifteen."""
    random = np.random.default_rng(5)
    orders = {n: (100 * (n % 5) + random.choice(15, 9, replace=False)).tolist() for n in range(number)}
    return orders, {n: float((number - n) / 4) for n in range(number)}


def test_a_shop_of_forty_orders_shows_products_described_alike() -> None:
    titles = {1: "Red tea cup", 2: "Blue tea cup", 3: "Oak shelf", 4: "Pine shelf"}
    found = fitted({n: [1, 3] for n in range(40)}, titles=titles)
    assert found.algorithm == "content"
    assert found.because.startswith("content leads: 40 orders, 200 are needed")
    assert [one.product_id for one in found.table.recommend([1], 2)] == [2, 3]
    assert found.metrics["product_page"] is None


def test_a_shop_of_forty_orders_without_a_catalogue_shows_what_sells() -> None:
    found = fitted({n: [1, 3] if n % 2 else [3] for n in range(40)})
    assert found.algorithm == "popular"
    assert [one.product_id for one in found.table.recommend([1], 5)] == [3]


@pytest.mark.parametrize("orders", [1, 500])
def test_a_shop_of_one_product_has_nothing_to_recommend_beside_it(orders: int) -> None:
    found = fitted({n: [7] for n in range(orders)}, {n: n / 4 for n in range(orders)}, {7: "Only this"})
    found.table.check()
    assert found.table.recommend([7], 8) == []
    assert [one.product_id for one in found.table.recommend([], 8)] == [7]


def test_a_catalogue_of_a_hundred_thousand_products_gets_lists_for_old_and_new() -> None:
    titles = {n: f"Part {n // 2} {'left' if n % 2 else 'right'}" for n in range(1, 100_001)}
    orders = {n: [1 + n % 300, 1001 + n % 300] for n in range(900)}
    found = fitted(orders, {n: n / 10 for n in range(900)}, titles)
    assert len(found.table.product_ids) == 100_000
    assert [one.product_id for one in found.table.neighbours(5, 1)] == [1005]
    assert [one.product_id for one in found.table.neighbours(90_000, 1)] == [90_001]


def test_full_carts_of_a_wholesaler_are_served_by_a_list_of_their_own() -> None:
    orders, ages = wholesale()
    found = fitted(orders, ages)
    assert found.metrics["places"]["full_cart"]["n"] > 50
    room = [one.product_id // 100 for one in found.table.recommend([200, 201, 202, 203, 204], 5)]
    assert room == [2] * 5


def test_carts_are_answered_from_the_list_chosen_for_their_size() -> None:
    orders, ages = wholesale()
    whole = Evidence.of(fitted(orders, ages).evidence.baskets, RecommendConfig(), looked_at=NOW)
    named = {trial.PAGE: "together", trial.SMALL_CART: "together", trial.FULL_CART: "ease", trial.HOME: "popular"}
    table = places.assemble(Lists(whole), {place: Choice(name, {}) for place, name in named.items()})
    assert set(table.carts) == {trial.FULL_CART}
    three, four = [200, 201, 202], [200, 201, 202, 203]
    weights = Lists(whole).named("ease")
    near = Lists(whole).named("together")
    assert table.recommend(three, 5) == near.recommend(three, 5)
    assert [n[:2] for n in table.recommend(four, 5)] == [n[:2] for n in weights.recommend(four, 5)]


@pytest.mark.parametrize(("age", "browsers", "serves"), [(40.0, 10, True), (5.0, 10, False), (40.0, 6, False)])
def test_what_was_viewed_next_serves_once_it_did_best_on_orders_that_came_later(
    age: float, browsers: int, serves: bool
) -> None:
    """Not by views of the days it is tried on, and not by few views."""
    random = np.random.default_rng(3)
    mates = random.permutation(200).reshape(100, 2)
    orders = {n: mates[n % 100].tolist() for n in range(100)} | {
        100 + n: random.choice(200, 2, replace=False).tolist() for n in range(300)
    }
    ages = {n: 1.0 + n / 5 if n < 100 else 30.0 + n / 5 for n in orders}
    told = [(int(a), int(b), age, browsers) for a, b in mates]
    lines = [(order, product, ages[order]) for order, held in orders.items() for product in held]
    order, product, days = (np.array(each) for each in zip(*lines, strict=True))
    steps = Steps.of(*(np.array(column) for column in zip(*told, strict=True)))
    found = fit_lists(Baskets.of(order, product, days), RecommendConfig(), lambda step: None, None, NOW, steps)
    page = found.choices[trial.PAGE]
    assert (page.name == "viewed") == serves
    assert ("viewed" in page.measured) == serves
    if serves:
        assert found.table.recommend([int(mates[7][0])], 1)[0].product_id == mates[7][1]


def test_every_list_of_a_bundle_survives_writing_and_reading(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", order_lines(days=90))
    trained = train.fit("recommend", dataset, tmp_path / "b", config={}, seed=1)
    table = NeighbourTable.open(trained.folder)
    assert set(trained.metrics["places"]) == set(trial.PLACES)
    assert {f"{name}.npy" for name in table.arrays()} == set(trained.files)
    for name in (f"{cart}_scores.npy" for cart in table.carts):
        assert name in trained.files
