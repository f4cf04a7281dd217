"""The synthetic shop's promises: the same each time, never ending, and its story told alike by days and by orders."""

import json
import subprocess
import sys
from dataclasses import asdict
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from devstore.sales.model import Event
from devstore.sales.synthetic import SyntheticSales

SMALL = {"products": 40, "orders_per_day": 20.0, "history_days": 60}


def small(**options: object) -> SyntheticSales:
    return SyntheticSales(**{**SMALL, **options})  # type: ignore[arg-type]


def fingerprint(events: list[Event]) -> str:
    told = json.dumps([[event.topic, event.at.isoformat(), event.payload] for event in events])
    return sha256(told.encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "from tests.sales.test_synthetic import small, fingerprint; sales = small();"
        "print(fingerprint(sales.day(sales.history_until)))"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    sales = small()
    assert told.stdout.strip() == fingerprint(sales.day(sales.history_until))


def test_a_day_is_the_same_whether_reached_step_by_step_or_at_once() -> None:
    patient, hasty = small(), small()
    days = [patient.history_until + timedelta(days=ahead) for ahead in range(1, 15)]
    told = [fingerprint(patient.day(day)) for day in days]
    assert fingerprint(hasty.day(days[-1])) == told[-1]
    assert [fingerprint(hasty.day(day)) for day in days] == told


def test_the_shop_never_stops_selling() -> None:
    sales = small()
    assert sales.last_day is None
    assert len(sales.day(sales.history_until + timedelta(days=200))) > 10


def test_events_come_in_order_and_within_their_day(shop: SyntheticSales) -> None:
    for ahead in range(30):
        day = shop.history_until - timedelta(days=ahead)
        events = shop.day(day)
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert {event.at.date() for event in events} == {day}


def test_orders_stand_as_their_last_webhook_told_them(shop: SyntheticSales) -> None:
    """Whoever listens from the first day knows exactly what a backfill at the end would say."""
    start, end = date(2026, 3, 1), date(2026, 4, 5)
    heard: dict[int, dict[str, object]] = {}
    for number in range((end - start).days + 1):
        for event in shop.day(start + timedelta(days=number)):
            if event.topic.startswith("orders/") and event.payload["created_at"] >= start.isoformat():
                heard[event.payload["id"]] = event.payload
    orders = list(shop.orders(start, end, as_of=end))
    assert {order.order_id for order in orders} == set(heard)
    for order in orders:
        told = heard[order.order_id]
        assert told["updated_at"] == order.updated_at.isoformat()
        assert [line["current_quantity"] for line in told["line_items"]] == [  # type: ignore[attr-defined]
            line.current_quantity for line in order.lines
        ]


def test_a_refund_still_to_come_does_not_show(shop: SyntheticSales) -> None:
    day = date(2026, 5, 4)
    fresh = list(shop.orders(day, day, as_of=day))
    assert all(not order.refunds and order.updated_at.date() == day for order in fresh if not order.cancelled_at)
    later = list(shop.orders(day, day))
    assert any(order.refunds and order.updated_at.date() > day for order in later)


def test_refunds_and_cancellations_take_units_back(shop: SyntheticSales) -> None:
    orders = list(shop.orders(date(2026, 1, 1), date(2026, 3, 31)))
    refunded = [order for order in orders if order.refunds and not order.cancelled_at]
    cancelled = [order for order in orders if order.cancelled_at]
    assert refunded
    assert cancelled
    assert all(line.current_quantity == 0 for order in cancelled for line in order.lines)
    for order in refunded:
        back = {line_id: units for line_id, units, _ in order.refunds[0].lines}
        assert all(line.quantity - line.current_quantity == back.get(line.line_id, 0) for line in order.lines)


def test_every_kind_of_event_happens(shop: SyntheticSales) -> None:
    topics = {event.topic for ahead in range(45) for event in shop.day(shop.history_until - timedelta(days=ahead))}
    assert topics == {
        "orders/create",
        "orders/updated",
        "orders/cancelled",
        "refunds/create",
        "products/create",
        "products/update",
        "inventory_levels/update",
    }


def test_a_launched_product_is_announced_before_it_sells(shop: SyntheticSales) -> None:
    known = {item.product_id for item in shop.products(shop.history_until)}
    launches = []
    for ahead in range(1, 60):
        for event in shop.day(shop.history_until + timedelta(days=ahead)):
            if event.topic == "products/create":
                launches.append(event.payload["title"])
                known.add(event.payload["id"])
            if event.topic == "orders/create":
                assert {line["product_id"] for line in event.payload["line_items"]} <= known
    assert len(launches) >= 2


def test_a_promotion_is_announced_with_both_prices_and_sells_more(shop: SyntheticSales) -> None:
    on_offer = [
        (item, day)
        for ahead in range(60)
        for day in [shop.history_until - timedelta(days=ahead)]
        for item in shop.products(day)
        if item.compare_at_price
    ]
    assert on_offer
    assert all(float(item.price) < float(item.compare_at_price or 0) for item, _ in on_offer)


def test_stock_levels_add_up_to_what_is_told(shop: SyntheticSales) -> None:
    day = shop.history_until
    items = {item.inventory_item_id: item.product_id for item in shop.products(day)}
    told = [event.payload for event in shop.day(day) if event.topic == "inventory_levels/update"]
    assert told
    assert all(level["available"] == shop.available(items[level["inventory_item_id"]], day) for level in told)


def test_lost_demand_is_known_to_the_truth_only(shop: SyntheticSales) -> None:
    day = shop.history_until
    ids = [item.product_id for item in shop.products(day)]
    days = [day - timedelta(days=ahead) for ahead in range(60)]
    lost = sum(shop.truth.lost(product, on) for product in ids for on in days)
    wanted = sum(shop.truth.demand(product, on) for product in ids for on in days)
    sold = sum(line.quantity for order in shop.orders(days[-1], day) if not order.test for line in order.lines)
    assert wanted - lost == sold
    assert lost > 0


def test_ids_fit_into_what_javascript_can_hold(shop: SyntheticSales) -> None:
    order = next(shop.orders(shop.history_until, shop.history_until))
    largest = max([order.order_id, *(value for value in asdict(order.lines[0]).values() if isinstance(value, int))])
    assert largest < 2**53


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"products": 3}, "products must be between"),
        ({"orders_per_day": 0}, "orders_per_day must be between"),
        ({"history_days": 5}, "history_days must be between"),
    ],
)
def test_impossible_shops_are_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        small(**options)


def test_days_before_the_history_are_refused(shop: SyntheticSales) -> None:
    with pytest.raises(ValueError, match="history begins on"):
        shop.day(shop.first_day - timedelta(days=1))
