"""Answers by columns are those of a method that takes one product at a time, whatever the rules."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ml.recommend.neighbours import CartLists, NeighbourTable
from shopify_app.lifecycle.picking import CHOICE, pick
from shopify_app.lifecycle.rules import Rules, Ware, ware
from shopify_app.lifecycle.shelf import Shelf
from shopify_app.lifecycle.wares import Wares

PRODUCTS, WIDTH, LIMIT = 60, 12, 5
RULES: dict[str, dict[str, Any]] = {
    "none": {},
    "pins": {"pinned": (3, 59), "pins": {7: (8, 9), 10: (7,)}},
    "left out": {"excluded_tags": ("Old",), "excluded_vendors": ("v1",)},
    "same vendor": {"vendor": "same"},
    "other vendor": {"vendor": "other"},
    "cheaper": {"dearest_percent": 80},
    "dearer": {"cheapest_percent": 120},
    "nothing fits": {"cheapest_percent": 9_000},
    "variety": {"most_of_a_type": 1, "most_of_a_vendor": 2},
    "all": {
        "excluded_tags": ("old",),
        "vendor": "other",
        "cheapest_percent": 40,
        "dearest_percent": 250,
        "most_of_a_type": 2,
        "most_of_a_vendor": 1,
        "pinned": (5,),
        "pins": {7: (8, 9)},
    },
}


@pytest.fixture(scope="module")
def table() -> NeighbourTable:
    """Lists in which rows are short, scores are alike or below 0, and carts have lists of their own."""
    random, shape = np.random.default_rng(5), (PRODUCTS - 6, WIDTH)
    index = random.integers(-1, PRODUCTS - 6, shape).astype(np.int32)
    scores = np.round(random.normal(0.4, 0.4, shape), 1).astype(np.float32)
    carts = {"small_cart": CartLists(index[::-1].copy(), scores)}
    popular = random.permutation(PRODUCTS)[:20] + 1
    return NeighbourTable(np.arange(1, PRODUCTS - 5), index, scores, np.ones(shape, np.int32), popular, carts)


@pytest.fixture(scope="module")
def goods() -> dict[int, Ware]:
    """Names may be empty, prices unknown or nothing at all, and ten products are unknown."""
    random = np.random.default_rng(6)
    prices = [None, 0.0, 1.0, 2.0, 2.5, 4.0, 7.5]
    return {
        product: ware(
            ["", "V1", "v2", "V3"][random.integers(4)],
            ["", "Tea", "pot"][random.integers(3)],
            prices[random.integers(len(prices))],
            ["old"] if random.random() < 0.1 else [],
        )
        for product in range(1, PRODUCTS - 9)
    }


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("many", [False, True], ids=["few on sale", "many on sale"])
def test_any_answer_is_what_one_product_at_a_time_gives(
    table: NeighbourTable, goods: dict[int, Ware], name: str, many: bool
) -> None:
    random, rules = np.random.default_rng(7), Rules(**RULES[name])
    on_sale = frozenset(p for p in goods if many or random.random() < 0.2)
    shelf = stocked(goods, on_sale, rules)
    carts = [random.integers(1, PRODUCTS + 3, random.integers(0, 6)).tolist() for _ in range(200)]
    for cart in carts:
        for limit in (LIMIT, 40):
            assert pick(table, cart, limit, shelf) == one_at_a_time(table, cart, limit, shelf, goods)


def stocked(goods: dict[int, Ware], on_sale: frozenset[int], rules: Rules) -> Shelf:
    """A shelf as `shelf.look` would lay it out."""
    if not rules.needs_wares:
        return Shelf(on_sale, tuple(sorted(on_sale)), 1, rules)
    wares = Wares.of(goods.items(), on_sale, rules)
    shown = frozenset(product for product in on_sale if rules.leaves_out(goods[product]) is None)
    return Shelf(shown, tuple(sorted(shown)), 1, rules, wares)


def one_at_a_time(
    table: NeighbourTable, asked: Sequence[int], limit: int, shelf: Shelf, goods: dict[int, Ware]
) -> tuple[int, ...]:
    """What is shown, by the words of the rules."""
    rules = shelf.rules
    first = [p for p in rules.first(asked) if p in shelf.products and p not in asked][:limit]
    beside = [goods[p] for p in asked if p in goods] if rules.needs_wares else []
    everything = [one.product_id for one in table.recommend(asked, 10_000)]
    sold = [p for p in everything if p in shelf.products]
    fitting = [p for p in sold if p not in first and rules.unfit(goods[p], beside) is None]
    wanted = limit - len(first)
    rest = (spread(fitting[: CHOICE * wanted], goods, rules) if rules.varies else fitting)[:wanted]
    if not first and not rest and rules.needs_wares:
        rest = sold[:limit]
    return (*first, *rest) or tuple(p for p in shelf.newest if p not in asked)[:limit]


def spread(products: Sequence[int], goods: dict[int, Ware], rules: Rules) -> list[int]:
    """Those of which there are not too many of a kind yet, then the others."""
    kept: list[int] = []
    for product in products:
        mine, shown = goods[product], [goods[one] for one in kept]
        alike = sum(one.kind == mine.kind != "" for one in shown)
        akin = sum(one.vendor == mine.vendor != "" for one in shown)
        if alike < (rules.most_of_a_type or 99) and akin < (rules.most_of_a_vendor or 99):
            kept.append(product)
    return [*kept, *(product for product in products if product not in kept)]
