"""Enough new orders start one retrain, a new day asks for one night's work, however many workers notice."""

import threading
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import days, ingest, payloads, shops
from shopify_app.tables import Job, Shop
from tests.conftest import Deliver
from tests.factories import order

Drain = Callable[[], int]


@pytest.fixture
def wanted(database: Database, alice: Shop) -> int:
    """A threshold that is quick to reach."""
    with database.transaction() as db:
        shops.get(db, alice.id).settings = {"retrain_orders": 20}
    return 20


def apply(database: Database, shop: Shop, *order_ids: int, on: str = "2026-03-02", clock: str = "wall") -> None:
    for order_id in order_ids:
        with database.transaction() as db:
            payload = order(order_id, created_at=f"{on}T10:00:00+00:00")
            ingest.apply(db, shops.get(db, shop.id), "orders/create", payload, business_clock=clock)


def causes(database: Database, shop: Shop, kind: str = "retrain") -> list[list[str]]:
    with database.reading() as db:
        found = select(Job.causes).where(Job.shop_id == shop.id, Job.kind == kind).order_by(Job.id)
        return list(db.scalars(found))


def test_the_retrain_starts_with_the_last_order_of_the_threshold_and_not_before(
    database: Database, alice: Shop, wanted: int
) -> None:
    apply(database, alice, *range(1, wanted))
    assert causes(database, alice) == []
    apply(database, alice, wanted)
    assert causes(database, alice) == [["20 new orders"]]
    apply(database, alice, wanted + 1)
    assert causes(database, alice) == [["20 new orders"]]


def test_the_usual_threshold_is_500_orders(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        days.advance(db, shops.get(db, alice.id), [clock.now()], new_orders=499)
    assert causes(database, alice) == []
    apply(database, alice, 500)
    assert causes(database, alice) == [["500 new orders"]]
    apply(database, alice, 501)
    assert causes(database, alice) == [["500 new orders"]]


def test_repeats_updates_tests_and_cancelled_orders_do_not_count(
    database: Database, alice: Shop, wanted: int, deliver: Deliver, drain: Drain
) -> None:
    for number in range(1, wanted):
        for repeat in range(2):
            deliver(alice, "orders/create", order(number), webhook_id=f"{number}-{repeat}")
        deliver(alice, "orders/updated", order(number, updated_at="2026-03-02T11:00:00+00:00"))
    deliver(alice, "orders/create", order(900, test=True))
    deliver(alice, "orders/create", order(901, cancelled_at="2026-03-02T11:00:00+00:00"))
    drain()
    assert causes(database, alice) == []
    deliver(alice, "orders/create", order(999))
    drain()
    assert causes(database, alice) == [["20 new orders"]]


def test_workers_side_by_side_start_one_retrain(database: Database, alice: Shop, wanted: int) -> None:
    halves = [range(1, 41, 2), range(2, 41, 2), range(1, 41, 3)]
    workers = [threading.Thread(target=apply, args=(database, alice, *numbers)) for numbers in halves]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert causes(database, alice) == [["20 new orders"]]
    with database.reading() as db:
        shop = shops.get(db, alice.id)
        assert (shop.orders_counted, shop.orders_at_retrain) == (40, 40)


def test_orders_of_another_shop_do_not_count(database: Database, alice: Shop, bob: Shop, wanted: int) -> None:
    apply(database, alice, *range(1, wanted))
    apply(database, bob, *range(1, wanted))
    assert causes(database, alice) == causes(database, bob) == []


def test_history_counts_towards_no_retrain_and_has_no_nights(database: Database, alice: Shop, wanted: int) -> None:
    records = [payloads.order(order(n, created_at=f"2026-02-{n:02}T10:00:00+00:00")) for n in range(1, 26)]
    with database.transaction() as db:
        ingest.apply_backfill(db, shops.get(db, alice.id), records, business_clock="data")
    assert causes(database, alice) == causes(database, alice, "night") == []
    with database.reading() as db:
        assert shops.get(db, alice.id).business_on == date(2026, 2, 25)


def test_the_first_event_of_a_new_day_closes_the_day_before_once(database: Database, alice: Shop) -> None:
    apply(database, alice, 1, 2, on="2026-03-02", clock="data")
    assert causes(database, alice, "night") == []
    apply(database, alice, 3, 4, on="2026-03-03", clock="data")
    apply(database, alice, 5, on="2026-03-02", clock="data")
    assert causes(database, alice, "night") == [["2026-03-02 is over"]]
    with database.reading() as db:
        assert db.scalars(select(Job)).one().payload == {"closed_on": "2026-03-02"}
        assert shops.get(db, alice.id).business_on == date(2026, 3, 3)


def test_with_the_clock_on_the_wall_events_open_no_day(database: Database, alice: Shop) -> None:
    apply(database, alice, 1, on="2026-03-02")
    apply(database, alice, 2, on="2026-03-05")
    assert causes(database, alice, "night") == []


def test_many_who_notice_a_new_day_ask_for_one_night(database: Database, alice: Shop) -> None:
    def notice() -> None:
        with database.transaction() as db:
            ingest.open_day(db, shops.get(db, alice.id), date(2026, 3, 3))

    with database.transaction() as db:
        assert ingest.open_day(db, shops.get(db, alice.id), date(2026, 3, 2))
    threads = [threading.Thread(target=notice) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert causes(database, alice, "night") == [["2026-03-02 is over"]]


def test_an_older_day_is_never_opened_again(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        shop = shops.get(db, alice.id)
        assert [ingest.open_day(db, shop, date(2026, 3, day)) for day in (2, 1, 2, 4)] == [True, False, False, True]


def test_today_is_the_data_s_day_in_a_replay_and_the_wall_s_otherwise(
    database: Database, alice: Shop, settings: Settings
) -> None:
    from dataclasses import replace

    apply(database, alice, 1, on="2011-07-01", clock="data")
    with database.reading() as db:
        shop = shops.get(db, alice.id)
        assert shops.today(shop, settings) == date(2011, 7, 1)
        assert shops.today(shop, replace(settings, business_clock="wall")).year >= 2026
