"""Between fits, lists follow the newest orders: exactly, from what the last fit left, and at a fraction of its cost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.baskets import Baskets
from ml.errors import BadBundle
from ml.recommend import places
from ml.recommend.carryover import Carryover, counts_in
from ml.recommend.config import RecommendConfig
from ml.recommend.counts import Counts
from ml.recommend.evidence import Evidence
from ml.recommend.places import Choice, Lists
from ml.recommend.steps import Steps
from tests.ml.test_counts import NOW, baskets, cells, some_orders

CONFIG = RecommendConfig(neighbours=8)
STEPS = Steps.of(*(np.array(each) for each in ([3, 5], [17, 3], [40.0, 1.0], [9, 6])))
CHOSEN = {"product_page": "together", "small_cart": "together", "full_cart": "ease", "home": "trending"}


def fitted(orders: Baskets) -> Lists:
    """The lists of a fit in which every customer placed a few orders."""
    known = replace(orders, customer=orders.orders % 40)
    lists = Lists(Evidence(known, Counts.of(known, NOW, CONFIG), CONFIG))
    places.assemble(lists, {place: Choice(name, {}) for place, name in CHOSEN.items()})
    return lists


def test_what_a_fit_leaves_is_read_again_as_it_was_and_names_nobody(tmp_path: Path) -> None:
    lists = fitted(baskets(some_orders(200, seed=1)))
    carried = Carryover.of(lists)
    carried.write(tmp_path)
    again = Carryover.open(tmp_path)
    assert cells(again.counts) == cells(lists.evidence.counts)
    assert (again.counts.built_from.customer == -1).all()
    assert np.allclose(again.counts.built_from.age, lists.evidence.baskets.age, atol=1 / 86_400)
    assert np.array_equal(again.refreshed(again.counts, CHOSEN).index, places.assemble(lists, _choices()).index)


def test_refreshed_lists_know_the_newest_orders_and_those_taken_back(tmp_path: Path) -> None:
    before = some_orders(200, seed=2)
    Carryover.of(fitted(baskets(before))).write(tmp_path)
    carried = Carryover.open(tmp_path)
    pair = {900 + n: (0.0, [3, 17]) for n in range(60)}
    counts = carried.counts.absorb(baskets(pair), NOW)
    near = carried.refreshed(counts, CHOSEN).neighbours(3, 3)
    assert near[0].product_id == 17
    assert near[0].together >= 60
    counts = counts.absorb(baskets(pair), NOW, gone=np.array(sorted(pair)))
    assert cells(counts) == cells(carried.counts)
    assert np.array_equal(carried.refreshed(counts, CHOSEN).index, carried.refreshed(carried.counts, CHOSEN).index)


def test_a_list_that_only_a_fit_renews_stays_and_one_that_is_missing_is_said(tmp_path: Path) -> None:
    lists = fitted(baskets(some_orders(200, seed=3)))
    Carryover.of(lists).write(tmp_path)
    carried = Carryover.open(tmp_path)
    counts = carried.counts.absorb(baskets(some_orders(50, seed=4, first=500)), NOW)
    now = carried.refreshed(counts, CHOSEN).carts["full_cart"]
    assert np.array_equal(now.index, lists.named("ease").index)
    assert carried.serves(["together", "ease", "trending"])
    assert not carried.serves(["blend", "content"])
    assert not carried.serves(["a list of another release"])


def test_what_was_viewed_next_stays_as_the_fit_left_it(tmp_path: Path) -> None:
    orders = baskets(some_orders(200, seed=3))
    lists, chosen = Lists(Evidence.of(orders, CONFIG, None, NOW, STEPS)), {**CHOSEN, "product_page": "viewed"}
    whole = places.assemble(lists, {place: Choice(name, {}) for place, name in chosen.items()})
    Carryover.of(lists).write(tmp_path)
    carried = Carryover.open(tmp_path)
    assert carried.serves(chosen.values())
    now = carried.refreshed(carried.counts.absorb(baskets({900: (0.0, [3, 30])}), NOW), chosen)
    assert np.array_equal(now.index, whole.index)
    assert now.neighbours(3, 1)[0].product_id == 17


def test_blends_follow_the_newest_orders_beside_the_hint_of_the_fit(tmp_path: Path) -> None:
    chosen = {**CHOSEN, "product_page": "blend", "small_cart": "cart blend"}
    lists = fitted(baskets(some_orders(200, seed=6)))
    assert not Carryover.of(lists).serves(chosen.values())
    whole = places.assemble(lists, {place: Choice(name, {}) for place, name in chosen.items()})
    Carryover.of(lists).write(tmp_path)
    carried = Carryover.open(tmp_path)
    assert carried.serves(chosen.values())
    assert np.array_equal(carried.refreshed(carried.counts, chosen).index, whole.index)
    pair = {900 + n: (0.0, [3, 17]) for n in range(60)}
    now = carried.refreshed(carried.counts.absorb(baskets(pair), NOW), chosen)
    assert now.neighbours(3, 1)[0].product_id == 17
    assert now.recommend([3, 5], 1)[0].product_id == 17


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    Carryover.of(fitted(baskets(some_orders(50, seed=5)))).write(tmp_path)
    (tmp_path / "pairs_data.npy").write_bytes(b"else")
    with pytest.raises(BadBundle):
        Carryover.open(tmp_path)


def test_lists_that_count_nothing_leave_nothing() -> None:
    assert not counts_in(["content", "popular", "trending"])
    assert counts_in(["content", "together"])


def _choices() -> dict[str, Choice]:
    return {place: Choice(name, {}) for place, name in CHOSEN.items()}
