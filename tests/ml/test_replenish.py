"""Orders replayed as advised: counted as a patient person would, and what is learned keeps the service level."""

import math

import numpy as np
import pytest

from ml.reorder import TAIL, Terms, point, tail_for
from ml.replenish import GOLDEN, Evenings, learned, replay

LEVELS = (0.9, 0.95, 0.98)


def evenings(seed: int, days: int = 140, products: int = 150, lumpy: bool = False, lead_days: int = 14) -> Evenings:
    """A shop whose forecasts are right: the mean of what is sold, and a 90 % point that fits a week or more of it."""
    random, rates = np.random.default_rng(seed), np.random.default_rng(1).lognormal(0.3, 1.0, products)
    one = random.negative_binomial(0.5, 0.5 / (0.5 + rates), (days, products))
    sold = (one if lumpy else random.poisson(rates, (days, products))).astype(np.float64)
    window = max(lead_days, 7)
    spread = np.sqrt(window * (rates + 2 * rates**2 if lumpy else rates))
    factor = 1 + 1.28 * spread / (rates * window)
    every = (np.tile(values, (days, 1)) for values in (rates * lead_days, factor, rates * 28))
    return Evenings(*every, sold)


def by_hand(shop: Evenings, terms: Terms, tail: float) -> tuple[int, int]:
    """Orders that arrived and those in time, product by product and day by day."""
    arrived = in_time = 0
    for k in range(shop.sold.shape[1]):
        due: dict[int, float] = {}
        shelf = None
        for day in range(shop.sold.shape[0]):
            lead, cover = shop.lead_time[day, k], shop.cover[day, k]
            enough = float(point(lead, shop.factor[day, k], terms, tail))
            shelf = math.ceil(enough + cover * ((k * GOLDEN) % 1)) if shelf is None else shelf
            held = shelf + sum(units for on, units in due.items() if on >= day)
            if held <= enough and lead + cover >= 0.5:
                due[day + terms.lead_days] = math.ceil(enough + cover - held)
            if day in due:
                arrived, in_time = arrived + 1, in_time + (shelf >= 0)
                shelf += due[day]
            shelf -= shop.sold[day, k]
    return arrived, in_time


def test_a_replay_counts_what_a_patient_person_would() -> None:
    shop, terms = evenings(seed=3, days=90, products=12, lumpy=True), Terms(9, 0.9, 20)
    told = replay(shop, terms, 2.0)
    arrived, in_time = by_hand(shop, terms, 2.0)
    assert told.orders == arrived
    assert told.kept == pytest.approx(in_time / arrived)


@pytest.mark.parametrize("lumpy", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_what_was_learned_keeps_the_level_on_other_days(level: float, lumpy: bool) -> None:
    terms = Terms(14, level)
    tail = learned(evenings(seed=5, lumpy=lumpy), terms)
    assert tail is not None
    kept = [replay(evenings(seed=seed, lumpy=lumpy), terms, tail).kept or 0.0 for seed in (6, 7, 8)]
    assert np.mean(kept) == pytest.approx(level, abs=0.025)  # whole units leave steps
    assert tail < TAIL  # steadier than the wholesaler that the default is for


@pytest.mark.parametrize("lumpy", [False, True])
def test_a_vendor_who_delivers_sooner_needs_a_tail_of_its_own(lumpy: bool) -> None:
    """What was learned at two weeks keeps a promise for two weeks, and misses one for a day."""
    tails = {}
    for days in (1, 14):
        tail = learned(evenings(seed=5, lumpy=lumpy, lead_days=days), Terms(days))
        assert tail is not None
        tails[days] = tail
    soon = [evenings(seed=seed, lumpy=lumpy, lead_days=1) for seed in (6, 7, 8)]
    kept = {days: np.mean([replay(shop, Terms(1), tail).kept or 0.0 for shop in soon]) for days, tail in tails.items()}
    assert kept[14] < 0.9
    assert kept[1] == pytest.approx(0.95, abs=0.02)


def test_a_lead_time_that_was_not_replayed_takes_the_tail_of_the_nearest() -> None:
    tails = {2: 3.1, 14: 1.7}
    assert [tail_for(days, tails) for days in (1, 2, 5, 6, 14, 60)] == [3.1, 3.1, 3.1, 1.7, 1.7, 1.7]
    assert tail_for(7, {}) == TAIL


def test_more_stock_keeps_more_orders() -> None:
    shop = evenings(seed=9, lumpy=True)
    found = [replay(shop, Terms(14), tail) for tail in (1.0, 2.0, 3.0)]
    assert sorted(one.kept or 0 for one in found) == [one.kept for one in found]
    assert sorted(one.stock for one in found) == [one.stock for one in found]


def test_a_shop_with_few_orders_has_learned_nothing() -> None:
    assert learned(evenings(seed=2, days=20, products=5), Terms(14)) is None
    assert replay(evenings(seed=2, days=10, products=5), Terms(14)).kept is None


def test_products_that_come_and_go_are_replayed_while_they_are_forecast() -> None:
    shop = evenings(seed=4, days=100, products=20)
    shop.lead_time[:30, :5] = np.nan
    shop.cover[:30, :5] = np.nan
    shop.lead_time[70:, 10:] = np.nan
    told = replay(shop, Terms(7))
    assert told.orders > 0
    assert np.isfinite(told.stock)
