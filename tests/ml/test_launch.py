"""New products lean on how launches of their kind began, and nothing of that looks ahead."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ml.calendars import open_days
from ml.dataset import read_dataset
from ml.explain import PARTS, words
from ml.forecast import launch, xgb
from ml.forecast.config import ForecastConfig
from ml.forecast.launch import launches
from ml.sales import DailySales
from tests.ml.making import daily_sales, order_lines, write_dataset
from tests.ml.test_explain import explained

OLD, MUGS, CARDS = 20, 15, 15
"""Products sold all along, then launches of two kinds, ten days apart; the last mug and the last card are new."""
AGE = 5


def launching_shop() -> DailySales:
    """Mugs sell 8 a day from their launch on, cards 1; the newest of each has sold 2 a day for five days."""
    days = 300
    sales = daily_sales(products=OLD + MUGS + CARDS, days=days, seed=3)
    units = sales.units.copy()
    for k in range(MUGS + CARDS):
        is_mug, place = k < MUGS, k % MUGS
        born = 100 + 10 * place if place < MUGS - 1 else days - AGE
        units[OLD + k] = 0
        units[OLD + k, born:] = (8 if is_mug else 1) if place < MUGS - 1 else 2
    kinds = {name: ("t:mug" if k < MUGS else "t:card",) for k, name in enumerate(sales.series[OLD:])}
    return replace(sales, units=units, revenue=None, kinds=kinds)


NEW_MUG, NEW_CARD = OLD + MUGS - 1, OLD + MUGS + CARDS - 1


def known(sales: DailySales) -> launch.Launches:
    return launches(sales, open_days(sales.total, sales.first_on, 0))


def test_two_alike_beginnings_part_by_their_kind() -> None:
    found = known(launching_shop())
    assert 3 < found.rate[NEW_MUG] < 8
    assert 1 < found.rate[NEW_CARD] < 2
    alike = known(replace(launching_shop(), kinds={}))
    assert alike.rate[NEW_MUG] == alike.rate[NEW_CARD]


def test_the_rate_equals_the_shrunken_mean_by_hand() -> None:
    sales = launching_shop()
    logs = [
        np.log(8 if row < OLD + MUGS else 1) for row in range(OLD, OLD + MUGS + CARDS) if row not in {NEW_MUG, NEW_CARD}
    ]
    usual = np.mean(logs)
    mugs = (MUGS - 1) * (np.log(8) - usual) / (MUGS - 1 + launch.KIND_TRUST)
    expected = (2 * AGE + launch.TRUST * np.exp(usual + mugs)) / (AGE + launch.TRUST)
    assert np.isclose(known(sales).rate[NEW_MUG], expected)


def test_the_older_a_product_gets_the_more_its_forecast_is_the_models() -> None:
    found = known(launching_shop())
    assert found.share[NEW_MUG] == AGE / launch.YOUNG
    assert found.share[OLD - 1] == 1
    assert (found.logs(np.array([OLD - 1]), np.array([[3.0]])) == 0).all()


def test_without_launches_to_compare_with_nobody_is_new() -> None:
    assert (known(daily_sales(products=30, days=120)).share == 1).all()


def test_a_shop_known_for_60_days_does_not_take_its_old_products_for_new() -> None:
    assert (known(launching_shop().rows(np.arange(30)).until(60)).share == 1).all()


def test_the_forecast_and_its_explanation_say_that_a_product_is_new() -> None:
    sales = launching_shop()
    config = ForecastConfig(rounds=20, rows=4000)
    weeks = xgb.fit(sales, config, 1).daily(sales, np.array([NEW_MUG, NEW_CARD]), 28).sum(axis=1)
    assert weeks[0] > 1.5 * weeks[1]
    rows = explained(sales)
    assert np.allclose(rows[list(PARTS)].sum(axis=1), rows["said"], rtol=1e-5)
    assert rows["launch"].iloc[NEW_MUG] > 0
    assert any(line.startswith("New, so it leans on") for line in words(rows.iloc[NEW_MUG]))


def test_a_product_is_of_a_kind_by_type_vendor_and_tags_however_they_are_spelt(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "shop", order_lines(days=20))
    facts = {"title": "", "status": "active", "is_available": True, "price": 1.0, "created_on": None}
    rows = [
        {"product_id": 1000, "product_type": "Mug", "vendor": "Acme ", "tags": "Red,  gift idea", **facts},
        {"product_id": 1001, "product_type": "mug", "vendor": "", "tags": "", **facts},
    ]
    pd.DataFrame(rows).to_parquet(folder / "products.parquet")
    kinds = read_dataset(folder).sales().kinds
    assert kinds == {"1000": ("t:mug", "v:acme", "g:red", "g:gift idea"), "1001": ("t:mug",)}
