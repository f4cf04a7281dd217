"""Orders become rows once, the newest version wins, and what was deleted stays away."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import shops
from shopify_app.tables import Customer, Event, Job, Order, OrderLine, Shop, ShopState, Token
from tests.conftest import Deliver
from tests.factories import order

Drain = Callable[[], int]
MORNING, NOON, EVENING = "2026-03-02T08:00:00+00:00", "2026-03-02T12:00:00+00:00", "2026-03-02T18:00:00+00:00"


def sold(database: Database, shop: Shop) -> list[tuple[int, int | None, int]]:
    with database.reading() as db:
        lines = select(OrderLine.order_id, OrderLine.product_id, OrderLine.units).where(OrderLine.shop_id == shop.id)
        return [(row[0], row[1], row[2]) for row in db.execute(lines.order_by(OrderLine.order_id, OrderLine.line_id))]


def only_order(database: Database, shop: Shop) -> Order:
    with database.reading() as db:
        return db.scalars(select(Order).where(Order.shop_id == shop.id)).one()


def test_an_order_becomes_rows_in_its_own_shop(
    database: Database, alice: Shop, bob: Shop, charlie: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(lines=((1, 2, "9.50"), (2, 1, "3.00"))))
    deliver(bob, "orders/create", order(lines=((1, 7, "1.25"),)))
    drain()
    assert sold(database, alice) == [(1001, 1, 2), (1001, 2, 1)]
    assert sold(database, bob) == [(1001, 1, 7)]
    assert sold(database, charlie) == []
    assert only_order(database, alice).total_amount == 22.0


def test_an_order_belongs_to_the_day_it_was_where_the_shop_is(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1, created_at="2026-03-02T23:30:00+00:00"))
    deliver(bob, "orders/create", order(1, created_at="2026-03-02T03:30:00+00:00"))
    drain()
    assert only_order(database, alice).created_on == date(2026, 3, 3)
    assert only_order(database, bob).created_on == date(2026, 3, 1)


def test_days_change_at_midnight_of_the_shop_s_clock_before_and_after_it_is_put_forward_and_back(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    """Berlin's clock goes forward on 29 March 2026 and back on 25 October, New York's on 8 March and 1 November."""
    moments = {
        alice: ("2026-03-28T22:59", "2026-03-28T23:01", "2026-03-29T21:59", "2026-03-29T22:01", "2026-10-25T22:59"),
        bob: ("2026-03-08T04:59", "2026-03-08T05:01", "2026-03-09T03:59", "2026-03-09T04:01", "2026-11-02T04:59"),
    }
    days = {
        alice: ("2026-03-28", "2026-03-29", "2026-03-29", "2026-03-30", "2026-10-25"),
        bob: ("2026-03-07", "2026-03-08", "2026-03-08", "2026-03-09", "2026-11-01"),
    }
    for shop, at in moments.items():
        for number, moment in enumerate(at, 1):
            deliver(shop, "orders/create", order(number, created_at=f"{moment}:00+00:00"))
    drain()
    with database.reading() as db:
        for shop, expected in days.items():
            mine = select(Order.created_on).where(Order.shop_id == shop.id).order_by(Order.order_id)
            assert tuple(on.isoformat() for on in db.scalars(mine)) == expected


def test_a_late_older_delivery_does_not_overwrite_the_order(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/updated", order(lines=((1, 5, "9.50"),), created_at=MORNING, updated_at=EVENING))
    deliver(alice, "orders/create", order(lines=((1, 2, "9.50"),), created_at=MORNING, updated_at=MORNING))
    drain()
    assert sold(database, alice) == [(1001, 1, 5)]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_any_order_of_arrival_ends_in_the_same_rows(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain, arrival: tuple[int, ...], at_once: bool
) -> None:
    versions = [
        ("orders/create", order(lines=((1, 2, "9.50"), (2, 1, "3.00")), created_at=MORNING)),
        ("orders/updated", order(lines=((1, 2, "9.50"), (3, 4, "3.00")), created_at=MORNING, updated_at=NOON)),
        ("orders/cancelled", order(lines=((1, 2, "9.50"),), created_at=MORNING, updated_at=EVENING, cancelled_at=NOON)),
    ]
    for position in arrival:
        deliver(alice, *versions[position])
        if not at_once:
            drain()
    drain()
    assert sold(database, alice) == [(1001, 1, 2)]
    assert only_order(database, alice).cancelled_at is not None


def test_a_repeated_order_counts_once(database: Database, alice: Shop, deliver: Deliver, drain: Drain) -> None:
    for number in range(3):
        deliver(alice, "orders/create", order(), webhook_id=f"w-{number}")
        drain()
    with database.reading() as db:
        assert shops.get(db, alice.id).orders_counted == 1
    assert sold(database, alice) == [(1001, 1, 2)]


@pytest.mark.parametrize("changes", [{"test": True}, {"cancelled_at": NOON}])
def test_test_orders_and_cancelled_ones_are_kept_and_not_counted(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain, changes: dict[str, Any]
) -> None:
    deliver(alice, "orders/create", order(**changes))
    drain()
    with database.reading() as db:
        assert shops.get(db, alice.id).orders_counted == 0
    assert len(sold(database, alice)) == 1


def test_a_deleted_order_stays_deleted_whatever_comes_late(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order())
    deliver(alice, "orders/delete", {"id": 1001})
    deliver(alice, "orders/updated", order(updated_at=EVENING))
    drain()
    assert sold(database, alice) == []
    with database.reading() as db:
        assert shops.get(db, alice.id).orders_counted == 1


def test_an_order_deleted_before_it_was_heard_of_never_appears(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/delete", {"id": 1001})
    deliver(alice, "orders/create", order())
    deliver(bob, "orders/create", order(lines=((1, 3, "1.00"),)))
    drain()
    assert sold(database, alice) == []
    assert len(sold(database, bob)) == 1


def refund(units: int, at: str = NOON, refund_id: int = 9) -> dict[str, Any]:
    lines = [{"line_item_id": 100100, "quantity": units}]
    return {"id": refund_id, "order_id": 1001, "created_at": at, "refund_line_items": lines}


def test_refunded_units_are_taken_off_once(database: Database, alice: Shop, deliver: Deliver, drain: Drain) -> None:
    deliver(alice, "orders/create", order(lines=((1, 5, "9.50"),), created_at=MORNING))
    deliver(alice, "refunds/create", refund(2))
    deliver(alice, "refunds/create", refund(2), webhook_id="again")
    drain()
    assert sold(database, alice) == [(1001, 1, 3)]


def test_a_refund_that_the_order_knows_of_already_changes_nothing(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    after = order(lines=((1, 3, "9.50"),), created_at=MORNING, updated_at=NOON)
    deliver(alice, "orders/create", order(lines=((1, 5, "9.50"),), created_at=MORNING))
    deliver(alice, "orders/updated", after)
    deliver(alice, "refunds/create", refund(2))
    drain()
    assert sold(database, alice) == [(1001, 1, 3)]


def test_the_order_s_own_word_about_a_refund_replaces_our_arithmetic(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(lines=((1, 5, "9.50"),), created_at=MORNING))
    deliver(alice, "refunds/create", refund(9))
    drain()
    assert sold(database, alice) == [(1001, 1, 0)]
    deliver(alice, "orders/updated", order(lines=((1, 4, "9.50"),), created_at=MORNING, updated_at=NOON))
    drain()
    assert sold(database, alice) == [(1001, 1, 4)]


def test_refunds_inside_an_order_without_current_quantities_are_taken_off(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    payload = order(lines=((1, 5, "9.50"),))
    del payload["line_items"][0]["current_quantity"]
    deliver(alice, "orders/updated", payload | {"refunds": [refund(2), refund(1, refund_id=10)]})
    drain()
    assert sold(database, alice) == [(1001, 1, 2)]


def test_customers_appear_only_under_a_random_pseudonym(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1, customer=501))
    deliver(alice, "orders/create", order(2, customer=501))
    deliver(alice, "orders/create", order(3, customer=None))
    deliver(bob, "orders/create", order(1, customer=501, lines=((1, 9, "1.00"),)))
    drain()
    with database.reading() as db:
        names = dict(db.execute(select(Order.order_id, Order.pseudonym).where(Order.shop_id == alice.id)).all())
        bobs = db.scalars(select(Order.pseudonym).where(Order.shop_id == bob.id)).one()
        assert len(db.scalars(select(Customer)).all()) == 2
    assert names[1] == names[2] != bobs
    assert names[3] is None
    assert "501" not in (names[1] or "")[:3]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_customer_once_known_stays_known(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain, at_once: bool
) -> None:
    for customer, updated_at in ((501, MORNING), (None, EVENING), (None, NOON)):
        deliver(alice, "orders/updated", order(customer=customer, created_at=MORNING, updated_at=updated_at))
        if not at_once:
            drain()
    drain()
    assert only_order(database, alice).pseudonym is not None


def test_an_uninstalled_shop_s_token_is_gone_and_its_late_orders_are_ignored(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "app/uninstalled", {"id": 1})
    deliver(alice, "orders/create", order())
    drain()
    with database.reading() as db:
        assert shops.get(db, alice.id).state == ShopState.UNINSTALLED
        assert db.scalars(select(Token)).all() == []
    assert sold(database, alice) == []


def test_a_late_word_of_an_earlier_uninstall_changes_nothing(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "app/uninstalled", {"id": 1}, triggered_at=alice.installed_at - timedelta(minutes=1))
    drain()
    with database.reading() as db:
        assert shops.get(db, alice.id).state == ShopState.INSTALLED


def test_all_of_the_past_is_read_once_it_may_be(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    scopes = ["read_orders", "read_products", "read_all_orders"]
    deliver(alice, "app/scopes_update", {"id": 1, "previous": [], "current": scopes, "updated_at": MORNING})
    deliver(alice, "app/scopes_update", {"id": 1, "previous": [], "current": scopes, "updated_at": NOON})
    drain()
    with database.reading() as db:
        job = db.scalars(select(Job)).one()
        assert (job.kind, job.causes) == ("backfill", ["read_all_orders was granted"])
        assert shops.get(db, alice.id).scopes == "read_orders,read_products,read_all_orders"


def test_a_late_word_of_older_scopes_takes_none_back(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    few, all_of_them = ["read_orders"], ["read_orders", "read_all_orders"]
    now = clock.now()
    for shop, told in ((alice, (few, all_of_them)), (bob, (all_of_them, few))):
        for at, current in ((now, told[1]), (now - timedelta(minutes=1), told[0])):
            payload = {"id": 1, "previous": [], "current": current, "updated_at": at.isoformat()}
            deliver(shop, "app/scopes_update", payload, triggered_at=at)
    drain()
    with database.reading() as db:
        assert shops.get(db, alice.id).scopes == "read_orders,read_all_orders"
        assert shops.get(db, bob.id).scopes == "read_orders"
        assert db.scalars(select(Job.shop_id)).all() == [alice.id]


def test_the_end_of_a_bulk_query_starts_no_second_backfill(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    told = {"admin_graphql_api_id": "gid://shopify/BulkOperation/1", "status": "completed"}
    deliver(alice, "bulk_operations/finish", told)
    drain()
    with database.reading() as db:
        assert db.scalars(select(Job)).all() == []
        assert db.scalars(select(Event.state)).all() == ["applied"]


SAME_SECOND = "2026-03-02T12:00:00+00:00"


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_of_versions_in_one_second_the_one_told_last_counts_however_they_arrive(
    database: Database,
    alice: Shop,
    bob: Shop,
    deliver: Deliver,
    drain: Drain,
    arrival: tuple[int, ...],
    at_once: bool,
) -> None:
    told_at = [datetime(2026, 3, 2, 12, 0, 1, 1000 * number, tzinfo=UTC) for number in range(3)]
    for position in arrival:
        version = order(lines=((1, position + 1, "9.50"),), created_at=MORNING, updated_at=SAME_SECOND)
        deliver(alice, "orders/updated", version, triggered_at=told_at[position])
        other = order(lines=((1, position + 11, "9.50"),), created_at=MORNING, updated_at=SAME_SECOND)
        deliver(bob, "orders/updated", other, triggered_at=told_at[2 - position])
        if not at_once:
            drain()
    drain()
    assert sold(database, alice) == [(1001, 1, 3)]
    assert sold(database, bob) == [(1001, 1, 11)]


def test_of_versions_in_one_second_the_last_to_arrive_counts_when_shopify_does_not_say(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    for units in (4, 2):
        deliver(alice, "orders/updated", order(lines=((1, units, "9.50"),), created_at=MORNING, updated_at=NOON))
        drain()
    assert sold(database, alice) == [(1001, 1, 2)]


def test_edits_take_lines_away_and_change_their_units(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop, more in ((alice, 0), (bob, 10)):
        lines = ((1, 2 + more, "9.50"), (2, 1 + more, "3.00"), (3, 1 + more, "1.00"))
        deliver(shop, "orders/create", order(lines=lines, created_at=MORNING))
    drain()
    deliver(alice, "orders/edited", {"order_edit": {"id": 5, "order_id": 1001, "created_at": NOON}})
    removed = order(lines=((1, 5, "9.50"), (2, 0, "3.00")), created_at=MORNING, updated_at=NOON)
    deliver(alice, "orders/updated", removed)
    drain()
    assert sold(database, alice) == [(1001, 1, 5), (1001, 2, 0)]
    assert sold(database, bob) == [(1001, 1, 12), (1001, 2, 11), (1001, 3, 11)]


def test_a_change_in_one_shop_leaves_the_order_of_that_number_in_another_alone(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop, units in ((alice, 5), (bob, 7)):
        deliver(shop, "orders/create", order(lines=((1, units, "9.50"),), created_at=MORNING))
        deliver(shop, "orders/create", order(1002, lines=((1, units, "9.50"),), created_at=MORNING))
    deliver(alice, "refunds/create", refund(2))
    deliver(alice, "orders/cancelled", order(1002, created_at=MORNING, updated_at=NOON, cancelled_at=NOON))
    deliver(bob, "orders/delete", {"id": 1001})
    drain()
    assert sold(database, alice) == [(1001, 1, 3), (1002, 1, 2)]
    assert sold(database, bob) == [(1002, 1, 7)]
    with database.reading() as db:
        cancelled = select(Order.shop_id).where(Order.cancelled_at.is_not(None))
        assert db.scalars(cancelled).all() == [alice.id]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("arrival", [(0, 1), (1, 0)])
def test_a_line_stays_sold_of_its_product_when_shopify_has_forgotten_the_product(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain, arrival: tuple[int, ...], at_once: bool
) -> None:
    versions = [
        order(lines=((7, 2, "9.50"), (8, 1, "1.00"), (None, 1, "5.00")), created_at=MORNING),
        order(lines=((None, 1, "9.50"), (8, 1, "1.00"), (None, 1, "5.00")), created_at=MORNING, updated_at=NOON),
    ]
    deliver(bob, "orders/create", order(lines=((None, 3, "9.50"), (None, 3, "1.00"), (9, 3, "5.00"))))
    drain()
    for position in arrival:
        deliver(alice, "orders/updated", versions[position])
        if not at_once:
            drain()
    drain()
    assert sold(database, alice) == [(1001, 7, 1), (1001, 8, 1), (1001, None, 1)]
    assert sold(database, bob) == [(1001, None, 3), (1001, None, 3), (1001, 9, 3)]
