"""Counts of what was bought together are exact: however an order came about, they equal a rebuild bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from ml.baskets import Baskets
from ml.errors import BadData
from ml.recommend import counts as counting
from ml.recommend import people, together
from ml.recommend.config import RecommendConfig
from ml.recommend.counts import SHIFT, UNIT, Counts
from ml.recommend.evidence import Evidence

CONFIG = RecommendConfig()
NOW, DAY = 1_750_000_000, 86_400
Contents = dict[int, tuple[float, list[int]]]
"""Age in days and products, by order id."""


def baskets(orders: Contents) -> Baskets:
    lines = [(order, product, age) for order, (age, products) in orders.items() for product in products]
    order, product, age = (np.array(each) for each in zip(*lines, strict=True))
    return Baskets.of(order.astype(np.int64), product.astype(np.int64), age.astype(float))


def some_orders(number: int, seed: int, first: int = 0) -> Contents:
    random = np.random.default_rng(seed)
    return {
        first + n: (float(random.uniform(0, 400)), random.choice(40, random.integers(1, 9), replace=False).tolist())
        for n in range(number)
    }


def cells(counts: Counts) -> dict[tuple[int, int], int]:
    """Every pair that was counted, and its count as stored."""
    found = counts.pairs.tocoo()
    rows, columns = counts.products[found.row].tolist(), counts.products[found.col].tolist()
    return {(a, b): count for a, b, count in zip(rows, columns, found.data.tolist(), strict=True) if count}


def test_counts_equal_a_loop_over_every_pair_of_every_order() -> None:
    held = baskets(
        {1: (0.0, [1, 2, 3]), 2: (90.0, [1, 2]), 3: (180.0, [2, 3, 4, 5]), 4: (30.0, [4]), 5: (3.0, [1, 2, 2])}
    )
    cells = Counts.of(held, NOW, CONFIG).pairs.toarray()
    weight, plain = np.zeros((5, 5), np.int64), np.zeros((5, 5), np.int64)
    for number, (_, products) in enumerate(held):
        seconds = round(NOW - held.age[number] * DAY)
        worth = UNIT * 2 ** ((seconds - NOW) / DAY / CONFIG.half_life_days) / len(products) ** CONFIG.size_power
        for a in products:
            for b in products:
                plain[a - 1, b - 1] += 1
                weight[a - 1, b - 1] += round(worth)
    assert np.array_equal(cells >> SHIFT, plain)
    assert np.array_equal(cells & ((1 << SHIFT) - 1), weight)


def test_new_changed_refunded_and_cancelled_orders_leave_what_a_rebuild_would_count() -> None:
    before, fresh = some_orders(300, seed=1), some_orders(50, seed=2, first=300)
    then = NOW + 3 * DAY
    counts = Counts.of(baskets(before), NOW, CONFIG)
    counts = counts.absorb(baskets(fresh), then)
    refunded = {order: (before[order][0] + 3, before[order][1][:1]) for order in range(10)}
    edited = {300: (fresh[300][0], [*fresh[300][1], 99])}
    counts = counts.absorb(baskets({**refunded, **edited}), then, gone=np.arange(10, 20))
    after = {order: (age + 3, held) for order, (age, held) in before.items() if order >= 20} | fresh | refunded | edited
    rebuilt = Counts.of(baskets(after), then, CONFIG, landmark=NOW)
    assert cells(counts) == cells(rebuilt)
    assert counts.agree_with(baskets(after), then)
    assert not counts.agree_with(baskets(before), NOW)
    assert 99 in counts.products


@pytest.mark.parametrize("seed", range(5))
def test_counts_disagree_with_orders_of_which_any_one_is_missing_changed_or_counted_twice(seed: int) -> None:
    random, now = np.random.default_rng(seed), some_orders(60, seed)
    counts = Counts.of(baskets(now), NOW, CONFIG)
    assert counts.agree_with(baskets(now), NOW)
    order = int(random.integers(60))
    age, products = now[order]
    without = {other: held for other, held in now.items() if other != order}
    for wrong in (
        without,
        {**now, 900: now[order]},
        {**now, order: (age, [*products, 41])},
        {**now, order: (age, [*products[:-1], 41])},
        {**now, order: (age + 30, products)},
    ):
        assert not counts.agree_with(baskets(wrong), NOW)
        assert Counts.of(baskets(wrong), NOW, CONFIG).agree_with(baskets(wrong), NOW)


def test_counts_disagree_when_one_cell_is_off_by_the_least_there_is() -> None:
    now = baskets(some_orders(60, seed=11))
    counts = Counts.of(now, NOW, CONFIG)
    for cell in (0, 7, counts.base.nnz - 1):
        for off in (1, -1, 1 << SHIFT):
            wrong = counts.base.copy()
            wrong.data[cell] += off
            assert not replace(counts, base=wrong).agree_with(now, NOW)


def test_a_repeated_delivery_changes_nothing_and_a_cancelled_order_can_come_back() -> None:
    before, fresh = some_orders(100, seed=3), baskets(some_orders(20, seed=4, first=100))
    start = Counts.of(baskets(before), NOW, CONFIG)
    once = start.absorb(fresh, NOW)
    assert cells(once.absorb(fresh, NOW).absorb(fresh, NOW)) == cells(once)
    gone = once.absorb(fresh, NOW, gone=fresh.orders[:0]).absorb(fresh.chosen(fresh.orders < 0), NOW, gone=fresh.orders)
    assert cells(gone) == cells(start)
    assert cells(gone.absorb(fresh, NOW)) == cells(once)


def test_an_order_never_seen_may_be_cancelled() -> None:
    start = Counts.of(baskets(some_orders(30, seed=5)), NOW, CONFIG)
    nothing = start.built_from.chosen(np.zeros(30, bool))
    assert cells(start.absorb(nothing, NOW, gone=np.array([7_777]))) == cells(start)


def test_only_lists_of_touched_products_change_and_they_equal_those_of_a_rebuild() -> None:
    before, fresh = some_orders(400, seed=6), some_orders(3, seed=7, first=400)
    start = Evidence.of(baskets(before), CONFIG, looked_at=NOW)
    table, own = together.fit(start), start.own
    after = Evidence(start.baskets, start.counts.absorb(baskets(fresh), NOW), CONFIG)
    rows, index, scores = together.refreshed(after, table.index, table.scores, own)
    touched = sorted({product for _, products in fresh.values() for product in products})
    assert table.product_ids[rows].tolist() == touched
    rebuilt = Counts.of(baskets({**before, **fresh}), NOW, CONFIG)
    slow = Evidence(start.baskets, rebuilt, CONFIG)
    theirs, values = together.ranked(slow.affinity(np.arange(slow.n)), np.arange(slow.n), own, table.index.shape[1])
    assert np.array_equal(index, theirs[rows])
    assert np.array_equal(scores, values[rows])


@pytest.mark.parametrize("width", [5, 39])
def test_lists_after_refunds_and_cancellations_equal_those_of_all_pairs_too(width: int) -> None:
    before, fresh = some_orders(300, seed=8), some_orders(20, seed=9, first=300)
    start = Evidence.of(baskets(before), CONFIG, looked_at=NOW)
    theirs = people.count(replace(start.baskets, customer=start.baskets.orders % 50), CONFIG)
    pairs = start.counts.weights() + theirs
    own, every = pairs.diagonal(), np.arange(start.n)
    held = together.ranked(pairs, every, own, width)
    refunded = {order: (before[order][0], before[order][1][:1]) for order in range(15)}
    counts = start.counts.absorb(baskets({**fresh, **refunded}), NOW, gone=np.arange(20, 40))
    rows, index, scores = together.refreshed(Evidence(start.baskets, counts, CONFIG), *held, own, theirs)
    slow = together.ranked(counts.weights() + theirs, every, own, width)
    assert np.array_equal(index, slow[0][rows])
    assert np.array_equal(scores, slow[1][rows])
    rest = np.setdiff1d(every, rows)
    assert np.array_equal(held[0][rest], slow[0][rest])


def test_a_product_sold_for_the_first_time_waits_for_the_next_rebuild() -> None:
    start = Evidence.of(baskets(some_orders(100, seed=10)), CONFIG, looked_at=NOW)
    table = together.fit(start)
    counts = start.counts.absorb(baskets({500: (0.0, [1, 2, 99])}), NOW)
    after = Evidence(start.baskets, counts, CONFIG)
    rows, index, _ = together.refreshed(after, table.index, table.scores, start.own)
    assert table.product_ids[rows].tolist() == [1, 2]
    assert index.max() < start.n


def test_a_count_that_could_overflow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_ORDERS", 3)
    with pytest.raises(BadData, match="a product is in more than 3 orders"):
        Counts.of(baskets({n: (1.0, [5]) for n in range(4)}), NOW, CONFIG)


@pytest.mark.parametrize("full", [0, 10**9], ids=["searched", "written out"])
def test_cells_are_looked_up_as_they_are_stored(full: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "FULL", full)
    pairs = Counts.of(baskets(some_orders(60, seed=2)), NOW, CONFIG).pairs
    rows, columns = (each.ravel() for each in np.indices(pairs.shape))
    assert np.array_equal(counting.values_at(pairs, rows, columns), pairs.toarray().ravel())
    beyond = np.array([0, 1, pairs.shape[1] - 1]), np.full(3, pairs.shape[1] + 5)
    assert not counting.values_at(pairs, *beyond).any()
