"""A test of lists against none: visitors by group from the pixel, purchases from Shopify's orders, of one shop only."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ml.holdout import Said
from shopify_app import clock
from shopify_app.db import Database
from shopify_app.lifecycle import holdout
from shopify_app.records import keys, views
from shopify_app.records.views import Seen
from shopify_app.tables import Job, Shop, ViewKind
from tests.conftest import Deliver
from tests.factories import order

See = Callable[..., None]


@pytest.fixture
def see(database: Database) -> See:
    """One event of a browser: `see(alice, "met", "b1", test=1, arm="a")`."""
    count = iter(range(1_000_000))

    def one(shop: Shop, kind: str, browser: str, ago: float = 0.0, **more: Any) -> None:
        with database.transaction() as db:
            seen = Seen(f"e{next(count)}", ViewKind(kind), browser, **more)
            views.keep(db, keys.of(db, shop.id), [seen], clock.now() - timedelta(hours=ago))

    return one


def result(database: Database, shop: Shop, number: int = 1) -> holdout.Result:
    with database.reading() as db:
        return holdout.result(db, shop.id, number)


def counts(found: holdout.Result) -> tuple[int, int, int, int]:
    seen = found.compared
    return seen.shown, seen.held, seen.shown_buyers, seen.held_buyers


def test_buyers_are_counted_by_group_and_paid_for_by_their_orders(
    database: Database, alice: Shop, bob: Shop, see: See, deliver: Deliver, drain: Callable[[], int]
) -> None:
    for shop in (alice, bob):
        see(shop, "met", "b1", ago=2, test=1, arm="a")
        see(shop, "met", "b2", ago=2, test=1, arm="b")
        see(shop, "met", "b3", ago=2, test=1, arm="b")
        see(shop, "clicked", "b1", ago=1.5, product_id=1, beside_id=2)
        see(shop, "ordered", "b1", ago=1, order_id=1)
        see(shop, "ordered", "b1", ago=1, order_id=1)
        see(shop, "ordered", "b1", ago=0.5, order_id=2)
    see(alice, "ordered", "b2", ago=1, order_id=3)
    for number, lines in ((1, ((1, 1, "9.50"),)), (2, ((2, 1, "3.00"),)), (3, ((1, 2, "9.50"),))):
        deliver(alice, "orders/create", order(number, lines=lines, total_price="20.00"))
    deliver(bob, "orders/create", order(1, lines=((3, 1, "1.00"),), total_price="1.00"))
    drain()
    mine, theirs = result(database, alice), result(database, bob)
    assert counts(mine) == (1, 2, 1, 1)
    assert (mine.shown_amount, mine.held_amount, mine.chosen_orders) == (40.0, 20.0, 1)
    assert counts(theirs) == (1, 2, 1, 0)
    assert (theirs.shown_amount, theirs.held_amount, theirs.chosen_orders) == (1.0, 0.0, 0)
    assert mine.compared.said is Said.EARLY


def test_what_shopify_does_not_confirm_is_no_purchase(
    database: Database, alice: Shop, bob: Shop, see: See, deliver: Deliver, drain: Callable[[], int]
) -> None:
    see(alice, "met", "b1", ago=2, test=1, arm="a")
    for number in (1, 2, 3, 4):
        see(alice, "ordered", "b1", ago=1, order_id=number)
    see(alice, "ordered", "somebody who never met a list", order_id=5)
    deliver(alice, "orders/create", order(1, test=True))
    deliver(alice, "orders/create", order(2, cancelled_at="2026-03-02T11:00:00+00:00"))
    deliver(bob, "orders/create", order(3))
    deliver(alice, "orders/create", order(5))
    drain()
    assert counts(result(database, alice)) == (1, 0, 0, 0)


def test_what_was_bought_before_the_list_was_met_does_not_count(
    database: Database, alice: Shop, see: See, deliver: Deliver, drain: Callable[[], int]
) -> None:
    see(alice, "ordered", "b1", ago=3, order_id=1)
    see(alice, "met", "b1", ago=2, test=1, arm="a")
    deliver(alice, "orders/create", order(1))
    drain()
    assert counts(result(database, alice)) == (1, 0, 0, 0)


def test_groups_are_those_of_this_test_and_nobody_is_in_both(database: Database, alice: Shop, see: See) -> None:
    see(alice, "met", "b1", test=1, arm="a")
    see(alice, "met", "b1", test=2, arm="b")
    see(alice, "met", "b2", test=2, arm="a")
    see(alice, "met", "b3", test=2, arm="a")
    see(alice, "met", "b3", test=2, arm="b")
    assert counts(result(database, alice, 1))[:2] == (1, 0)
    second = result(database, alice, 2)
    assert (counts(second)[:2], second.both_groups) == ((1, 1), 1)


def test_a_test_is_started_once_and_the_next_has_another_number(database: Database, alice: Shop, bob: Shop) -> None:
    def told(how: Callable[..., holdout.Test]) -> tuple[int, int]:
        with database.transaction() as db:
            test = how(db, alice.id)
            return test.number, test.published

    assert told(holdout.stop) == (0, 0)
    assert [told(one) for one in (holdout.start, holdout.start, holdout.stop, holdout.stop, holdout.start)] == [
        (1, 1),
        (1, 1),
        (1, 0),
        (1, 0),
        (2, 2),
    ]
    with database.reading() as db:
        assert holdout.of(db, alice.id).published == 2
        assert holdout.of(db, bob.id) == holdout.Test()
        assert set(db.scalars(select(Job.kind))) == {"holdout"}


def test_a_line_put_into_the_cart_from_a_list_is_known_from_the_order_alone(
    database: Database, alice: Shop, see: See, deliver: Deliver, drain: Callable[[], int]
) -> None:
    noted = order(1, lines=((1, 1, "9.50"),))
    noted["line_items"][0]["properties"] = [{"name": "_recommended", "value": "7"}]
    deliver(alice, "orders/create", noted)
    deliver(alice, "orders/create", order(2, lines=((1, 1, "9.50"),)))
    drain()
    for browser, arm, number in (("b1", "a", 1), ("b2", "a", 2)):
        see(alice, "met", browser, ago=2, test=1, arm=arm)
        see(alice, "ordered", browser, ago=1, order_id=number)
    assert result(database, alice).chosen_orders == 1
