"""Orders replayed as advised: counted as a patient person would, and what is learned keeps the service level."""

import math

import numpy as np
import pytest

from ml.reorder import TAIL, Terms, point
from ml.replenish import GOLDEN, Evenings, learned, replay

LEVELS = (0.9, 0.95, 0.98)


def evenings(seed: int, days: int = 140, products: int = 150, lumpy: bool = False) -> Evenings:
    """A shop whose forecasts are right: the mean of what is sold, and a 90 % point that fits it."""
    random, rates = np.random.default_rng(seed), np.random.default_rng(1).lognormal(0.3, 1.0, products)
    one = random.negative_binomial(0.5, 0.5 / (0.5 + rates), (days, products))
    sold = (one if lumpy else random.poisson(rates, (days, products))).astype(np.float64)
    lead = rates * 14
    spread = np.sqrt(14 * (rates + 2 * rates**2 if lumpy else rates))
    every = (np.tile(values, (days, 1)) for values in (lead, 1 + 1.28 * spread / lead, rates * 28))
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
    kept = [replay(evenings(seed=seed, lumpy=lumpy), terms, tail).kept or 0.0 for seed in (6, 7, 8)]
    assert np.mean(kept) == pytest.approx(level, abs=0.025)  # whole units leave steps
    assert tail < TAIL  # steadier than the wholesaler that the default is for


def test_more_stock_keeps_more_orders() -> None:
    shop = evenings(seed=9, lumpy=True)
    found = [replay(shop, Terms(14), tail) for tail in (1.0, 2.0, 3.0)]
    assert sorted(one.kept or 0 for one in found) == [one.kept for one in found]
    assert sorted(one.stock for one in found) == [one.stock for one in found]


def test_a_shop_with_few_orders_has_learned_nothing() -> None:
    assert learned(evenings(seed=2, days=20, products=5), Terms(14)) == TAIL
    assert replay(evenings(seed=2, days=10, products=5), Terms(14)).kept is None


def test_products_that_come_and_go_are_replayed_while_they_are_forecast() -> None:
    shop = evenings(seed=4, days=100, products=20)
    shop.lead_time[:30, :5] = np.nan
    shop.cover[:30, :5] = np.nan
    shop.lead_time[70:, 10:] = np.nan
    told = replay(shop, Terms(7))
    assert told.orders > 0
    assert np.isfinite(told.stock)
