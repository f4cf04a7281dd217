"""A synthetic shop must look like a real one; the bands come from published figures and a real order file."""

import numpy as np
import pytest

from devstore.sales.model import Order
from devstore.sales.synthetic import SyntheticSales

pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture(scope="module")
def orders(shop: SyntheticSales) -> list[Order]:
    return [order for order in shop.orders(shop.first_day, shop.history_until) if not order.test]


@pytest.fixture(scope="module")
def daily(shop: SyntheticSales, orders: list[Order]) -> np.ndarray:
    """Order lines per day and product, for the products that were there all along."""
    old = {item.product_id for item in shop.products(shop.first_day)}
    column = {product: place for place, product in enumerate(sorted(old))}
    counts = np.zeros(((shop.history_until - shop.first_day).days + 1, len(column)))
    for order in orders:
        for line in order.lines:
            if line.product_id in column:
                counts[(order.created_at.date() - shop.first_day).days, column[line.product_id]] += 1
    return counts


def test_the_shop_is_of_the_size_asked_for(shop: SyntheticSales, orders: list[Order]) -> None:
    assert len(shop.products(shop.history_until)) == 120
    assert 30 < len(orders) / 540 < 40


def test_a_fifth_of_the_products_makes_half_to_four_fifths_of_the_lines(orders: list[Order]) -> None:
    sold = np.unique([line.product_id for order in orders for line in order.lines], return_counts=True)[1]
    assert 0.5 <= np.sort(sold)[::-1][:24].sum() / sold.sum() <= 0.8


def test_daily_demand_is_overdispersed_as_in_real_shops(daily: np.ndarray) -> None:
    mean, variance = daily.mean(axis=0), daily.var(axis=0)
    size = mean**2 / np.maximum(variance - mean, 1e-9)
    assert 1 <= np.median(size) <= 7


def test_the_usual_product_sells_nothing_on_most_days(daily: np.ndarray) -> None:
    assert 0.4 <= np.median((daily == 0).mean(axis=0)) <= 0.85


def test_november_is_the_busiest_month(orders: list[Order]) -> None:
    months = np.array([order.created_at.month for order in orders])
    assert 1.4 <= ((months == 11).sum() / 30) / (len(orders) / 540) <= 2.2


def test_weekdays_differ(orders: list[Order]) -> None:
    weekdays = np.bincount([order.created_at.weekday() for order in orders])
    assert weekdays.max() / weekdays.min() > 1.15


def test_most_customers_buy_once(orders: list[Order]) -> None:
    visits = np.unique([order.customer_id for order in orders if order.customer_id], return_counts=True)[1]
    assert 0.55 <= (visits == 1).mean() <= 0.8


def test_baskets_are_small(orders: list[Order]) -> None:
    assert 1.3 <= np.mean([len(order.lines) for order in orders]) <= 3


def test_some_of_the_value_comes_back(orders: list[Order]) -> None:
    sold = sum(float(order.total_price) for order in orders)
    back = sum(
        float(part[2]) for order in orders if not order.cancelled_at for item in order.refunds for part in item.lines
    )
    assert 0.08 <= back / sold <= 0.25


def test_few_orders_are_cancelled(orders: list[Order]) -> None:
    assert 0.005 <= np.mean([order.cancelled_at is not None for order in orders]) <= 0.03


def test_shelves_are_empty_now_and_then(shop: SyntheticSales) -> None:
    until = shop.history_until.toordinal()
    days = [shop.history_until.fromordinal(day) for day in range(until - 539, until + 1)]
    levels = [shop.available(item.product_id, day) for day in days for item in shop.products(day)]
    assert 0.02 <= np.mean(np.array(levels) == 0) <= 0.06


def test_what_goes_together_can_be_found_in_the_baskets(shop: SyntheticSales, orders: list[Order]) -> None:
    """The strongest partner of each well-sold product, by lift, is mostly one that the maker linked to it."""
    together: dict[tuple[int, int], int] = {}
    alone: dict[int, int] = {}
    for order in orders:
        products = {line.product_id for line in order.lines if line.product_id}
        for one in products:
            alone[one] = alone.get(one, 0) + 1
            for other in products - {one}:
                together[one, other] = together.get((one, other), 0) + 1
    links = shop.truth.complements
    bestsellers = sorted(alone, key=alone.__getitem__)[-40:]
    found = 0
    for one in bestsellers:
        partners = {other: count / alone[other] ** 0.5 for (first, other), count in together.items() if first == one}
        best = max(partners, key=partners.__getitem__)
        found += best in links[one] or one in links[best]
    assert found >= 32


@pytest.mark.parametrize("seed", [3])
def test_other_seeds_make_other_shops_of_the_same_kind(shop: SyntheticSales, seed: int) -> None:
    other = SyntheticSales(seed, history_days=120)
    titles = {item.title for item in other.products(other.history_until)}
    assert titles != {item.title for item in shop.products(shop.history_until)}
    lines = [len(order.lines) for order in other.orders(other.first_day, other.history_until)]
    assert 1.3 <= np.mean(lines) <= 3
    assert 28 < len(lines) / 120 < 45
