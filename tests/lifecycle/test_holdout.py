"""A test of lists against none: visitors by group from the pixel, purchases from Shopify's orders alone, by shop."""

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
LATER = "2026-03-03T10:00:00+00:00"


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


def bought(number: int, arm: str | None, beside: int | None = None, **changes: Any) -> dict[str, Any]:
    """An order whose one line carries what our blocks note on it."""
    whole = order(number, **({"lines": ((1, 1, "20.00"),)} | changes))
    noted = {"_foretally_test": arm, "_recommended": beside}
    properties = [{"name": name, "value": str(value)} for name, value in noted.items() if value is not None]
    whole["line_items"][0]["properties"] = properties
    return whole


def test_buyers_are_counted_by_group_and_paid_for_by_their_orders(
    database: Database, alice: Shop, bob: Shop, see: See, deliver: Deliver, drain: Callable[[], int]
) -> None:
    for shop in (alice, bob):
        see(shop, "met", "b1", test=1, arm="a")
        see(shop, "met", "b2", test=1, arm="b")
        see(shop, "met", "b3", test=1, arm="b")
    deliver(alice, "orders/create", bought(1, "1a", 7, customer=501))
    deliver(alice, "orders/create", bought(2, "1a", customer=501))
    deliver(alice, "orders/create", bought(3, "1b", customer=None))
    deliver(bob, "orders/create", bought(1, "1a", lines=((3, 1, "1.00"),)))
    drain()
    mine, theirs = result(database, alice), result(database, bob)
    assert counts(mine) == (1, 2, 1, 1)
    assert (mine.shown_amount, mine.held_amount, mine.chosen_orders) == (40.0, 20.0, 1)
    assert counts(theirs) == (1, 2, 1, 0)
    assert (theirs.shown_amount, theirs.held_amount, theirs.chosen_orders) == (1.0, 0.0, 0)
    assert mine.compared.said is Said.EARLY


@pytest.mark.parametrize("browser_says", [None, "the right number", "another number"])
def test_a_purchase_counts_whatever_order_number_the_browser_is_handed(
    database: Database,
    alice: Shop,
    see: See,
    deliver: Deliver,
    drain: Callable[[], int],
    browser_says: str | None,
) -> None:
    see(alice, "met", "b1", test=1, arm="a")
    see(alice, "met", "b2", test=1, arm="b")
    if browser_says is not None:
        for browser, number in (("b1", 1), ("b2", 2)):
            see(alice, "ordered", browser, order_id=number if browser_says == "the right number" else number + 900_000)
    see(alice, "ordered", "b2", order_id=3)
    for number, arm in ((1, "1a"), (2, "1b"), (3, None)):
        deliver(alice, "orders/create", bought(number, arm, customer=500 + number))
    drain()
    found = result(database, alice)
    assert counts(found) == (1, 1, 1, 1)
    assert (found.shown_amount, found.held_amount) == (20.0, 20.0)


def test_what_shopify_takes_back_is_no_purchase(
    database: Database, alice: Shop, bob: Shop, see: See, deliver: Deliver, drain: Callable[[], int]
) -> None:
    see(alice, "met", "b1", test=1, arm="a")
    deliver(alice, "orders/create", bought(1, "1a", test=True))
    deliver(alice, "orders/create", bought(2, "1a", cancelled_at="2026-03-02T11:00:00+00:00"))
    deliver(alice, "orders/create", bought(3, "1a", lines=((1, 0, "20.00"),)))
    deliver(alice, "orders/create", bought(4, "2a"))
    deliver(alice, "orders/create", bought(5, "11a"))
    deliver(bob, "orders/create", bought(6, "1a"))
    drain()
    assert counts(result(database, alice)) == (1, 0, 0, 0)


def test_what_was_given_back_of_an_order_is_not_among_what_was_paid(
    database: Database, alice: Shop, bob: Shop, see: See, deliver: Deliver, drain: Callable[[], int]
) -> None:
    lines = ((1, 2, "20.00"), (2, 1, "5.50"))
    for shop, left in ((alice, "25.50"), (bob, "5.50")):
        deliver(shop, "orders/create", bought(1, "1a", lines=lines, current_total_price="45.50"))
        deliver(shop, "orders/updated", bought(1, "1a", lines=lines, updated_at=LATER, current_total_price=left))
    drain()
    assert [result(database, shop).shown_amount for shop in (alice, bob)] == [25.5, 5.5]


def test_a_buyer_of_both_groups_counts_in_neither(
    database: Database, alice: Shop, deliver: Deliver, drain: Callable[[], int]
) -> None:
    for number, arm, customer in ((1, "1a", 501), (2, "1b", 501), (3, "1a", 502)):
        deliver(alice, "orders/create", bought(number, arm, customer=customer))
    drain()
    found = result(database, alice)
    assert (counts(found)[2:], found.both_groups, found.shown_amount) == ((1, 0), 1, 20.0)


def test_buyers_whose_browsers_tell_nothing_are_counted_all_the_same(
    database: Database, alice: Shop, deliver: Deliver, drain: Callable[[], int]
) -> None:
    for number in range(1, 6):
        deliver(alice, "orders/create", bought(number, "1a" if number % 2 else "1b", customer=None))
    drain()
    assert counts(result(database, alice)) == (3, 2, 3, 2)


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
