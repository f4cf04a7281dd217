"""Many orders at once make the same rows as one by one, never overwrite newer ones, and may come again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.records import ingest, payloads, shops
from shopify_app.records.payloads import OrderRecord
from shopify_app.tables import Customer, Order, OrderLine, Shop, SnapshotPart
from tests.factories import order


def records(count: int, **changes: Any) -> list[OrderRecord]:
    return [
        payloads.order(
            order(
                number,
                created_at=f"2026-0{1 + number % 3}-{1 + number % 28:02}T23:30:00+00:00",
                lines=((number % 7 + 1, number % 4 + 1, "9.99"), (8, 1, "0.10")),
                customer=number % 5 or None,
                **changes,
            )
        )
        for number in range(1, count + 1)
    ]


def backfill(database: Database, shop: Shop, orders: list[OrderRecord]) -> int:
    with database.transaction() as db:
        return ingest.apply_backfill(db, shops.get(db, shop.id), orders, business_clock="data")


def states(db: Session) -> dict[str, int]:
    """What the next snapshot would write again changes with every change."""
    return {part.name: part.state for part in db.scalars(select(SnapshotPart))}


def lines(database: Database, shop: Shop) -> list[tuple[Any, ...]]:
    columns = [column for column in OrderLine.__table__.columns if column.name != "shop_id"]
    with database.reading() as db:
        mine = select(*columns).where(OrderLine.shop_id == shop.id).order_by(OrderLine.order_id, OrderLine.line_id)
        return [tuple(row) for row in db.execute(mine)]


def test_history_makes_the_rows_that_single_orders_make(database: Database, alice: Shop, bob: Shop) -> None:
    assert backfill(database, alice, records(30)) == 30
    for number in range(1, 31):
        payload = order(
            number,
            created_at=f"2026-0{1 + number % 3}-{1 + number % 28:02}T23:30:00+00:00",
            lines=((number % 7 + 1, number % 4 + 1, "9.99"), (8, 1, "0.10")),
        )
        with database.transaction() as db:
            bobs = shops.get(db, bob.id)
            bobs.time_zone = alice.time_zone
            ingest.apply(db, bobs, "orders/create", payload, business_clock="data")
    assert lines(database, alice) == lines(database, bob)


def test_history_that_comes_again_changes_nothing(database: Database, alice: Shop) -> None:
    backfill(database, alice, records(30))
    before = lines(database, alice)
    with database.reading() as db:
        touched = states(db)
    assert backfill(database, alice, records(30)) == 0
    assert lines(database, alice) == before
    with database.reading() as db:
        assert states(db) == touched
        assert db.scalar(select(func.count()).select_from(Customer)) == 4


def test_history_does_not_overwrite_what_a_webhook_told_since(database: Database, alice: Shop) -> None:
    newest = order(1, created_at="2026-02-02T23:30:00+00:00", updated_at="2026-06-01T00:00:00+00:00", lines=())
    with database.transaction() as db:
        ingest.apply(db, shops.get(db, alice.id), "orders/updated", newest, business_clock="data")
    assert backfill(database, alice, records(3)) == 2
    assert {row[0] for row in lines(database, alice)} == {2, 3}


def test_history_replaces_an_older_version_with_its_lines(database: Database, alice: Shop) -> None:
    backfill(database, alice, records(3))
    changed = {"created_at": "2026-03-03T23:30:00+00:00", "updated_at": "2026-06-01T00:00:00+00:00"}
    newer = [payloads.order(order(2, lines=((9, 5, "1.00"),), **changed))]
    assert backfill(database, alice, newer) == 1
    assert [row[2] for row in lines(database, alice) if row[0] == 2] == [9]


def test_an_erased_order_is_not_brought_back_by_history(database: Database, alice: Shop, bob: Shop) -> None:
    with database.transaction() as db:
        ingest.apply(db, shops.get(db, alice.id), "orders/delete", {"id": 2}, business_clock="data")
    assert backfill(database, alice, records(3)) == 2
    assert backfill(database, bob, records(3)) == 3
    assert {row[0] for row in lines(database, alice)} == {1, 3}


def test_history_counts_no_order_as_new(database: Database, alice: Shop) -> None:
    backfill(database, alice, records(30))
    with database.reading() as db:
        assert shops.get(db, alice.id).orders_counted == 0
        assert set(db.scalars(select(Order.is_backfilled))) == {True}


def test_no_history_at_all_is_fine(database: Database, alice: Shop) -> None:
    assert backfill(database, alice, []) == 0


def test_history_and_webhooks_may_write_the_same_orders_at_the_same_time(database: Database, alice: Shop) -> None:
    told = records(40)

    def webhooks() -> None:
        for first in range(0, 40, 10):
            with database.transaction() as db:
                some = list(reversed(told))[first : first + 10]
                ingest.apply_orders(db, shops.get(db, alice.id), some, business_clock="data")

    def history() -> None:
        for first in range(0, 40, 20):
            backfill(database, alice, told[first : first + 20])

    with ThreadPoolExecutor(2) as pool:
        for running in [pool.submit(webhooks), pool.submit(history)]:
            running.result()
    assert len(lines(database, alice)) == 80
