"""A job that takes long lets deliveries become rows meanwhile."""

import pytest
from sqlalchemy import select

from shopify_app.errors import ForetallyError
from shopify_app.tables import Order, Shop
from tests.conftest import Deliver
from tests.factories import order
from workers import deliver as outbox
from workers import giving_way
from workers.context import Context
from workers.giving_way import GivingWay


def orders(context: Context) -> list[tuple[int, int]]:
    with context.database.reading() as db:
        return [(row.shop_id, row.order_id) for row in db.execute(select(Order.shop_id, Order.order_id))]


def test_what_was_delivered_meanwhile_is_rows_before_the_work_goes_on(
    context: Context, alice: Shop, bob: Shop, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_way, "EVERY", 0.0)
    seen = []
    for number in GivingWay(context).between([1, 2, 3]):
        seen.append(sorted(orders(context)))
        deliver(alice, "orders/create", order(number))
        deliver(bob, "orders/create", order(number + 10))
    assert seen == [
        [],
        [(alice.id, 1), (bob.id, 11)],
        [(alice.id, 1), (alice.id, 2), (bob.id, 11), (bob.id, 12)],
    ]


def test_nobody_goes_first_before_it_is_time(context: Context, alice: Shop, deliver: Deliver) -> None:
    for number in GivingWay(context).between([1, 2, 3]):
        deliver(alice, "orders/create", order(number))
    assert orders(context) == []


def test_what_goes_wrong_in_a_pause_is_not_the_works_fault(
    context: Context, alice: Shop, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(context: Context) -> int:
        raise ForetallyError("Shopify is away")

    monkeypatch.setattr(giving_way, "EVERY", 0.0)
    monkeypatch.setattr(outbox, "drain", broken)
    deliver(alice, "orders/create", order(1))
    assert list(GivingWay(context).between([1, 2])) == [1, 2]
    assert orders(context) == [(alice.id, 1)]
