"""A shop whose time zone changes: each of its days is over once, and what is stored stays on its day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopify_app.clock import day_in
from shopify_app.db import Database
from shopify_app.records import ingest, shops, stock
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Job, Order, Shop, SnapshotPart
from tests.conftest import Deliver
from tests.factories import order, product

Drain = Callable[[], int]
ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC", "America/Los_Angeles", "Asia/Kolkata")
HOUR = timedelta(hours=1)
NIGHTS = select(Job).where(Job.kind == "night")


def update_facts(db: Session, shop: Shop, zone: str, moment: datetime) -> shops.FactsUpdate:
    return shops.update_facts(db, shop, ShopFacts(shop.name, shop.currency, zone, shop.country), moment)


def move(database: Database, shop: Shop, zone: str, moment: datetime) -> None:
    with database.transaction() as db:
        update_facts(db, shops.get(db, shop.id), zone, moment)


def zone_of(database: Database, shop: Shop) -> str:
    return shops.at(database, shop.domain).time_zone


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("old", ZONES)
@pytest.mark.parametrize("new", ZONES)
def test_whenever_the_time_zone_changes_no_day_is_closed_twice_or_left_out_and_nothing_happens_on_a_closed_day(
    database: Database, alice: Shop, old: str, new: str
) -> None:
    start = datetime(2026, 3, 5, 0, 10, tzinfo=UTC)
    for noticed in range(0, 24, 3):
        closed: list[date] = []
        due: datetime | None = start + noticed * HOUR + timedelta(days=1)
        with database.transaction() as db:
            db.execute(update(Shop).values(time_zone=old, business_on=None))
            shop = shops.get(db, alice.id)
            for hour in range(96):
                now = start + hour * HOUR
                if due is not None and now >= due:
                    due = update_facts(db, shop, new, now).retry_at
                ingest.open_day(db, shop, day_in(now, shop.time_zone))
                for job in db.scalars(NIGHTS):
                    closed.append(date.fromisoformat(job.payload["closed_on"]))
                    db.delete(job)
                assert not closed or day_in(now + HOUR, shop.time_zone) > closed[-1]
        assert zone_of(database, alice) == new
        assert closed == [closed[0] + timedelta(days=number) for number in range(len(closed))]
        assert len(closed) >= 3


def test_an_order_keeps_its_day_and_what_an_older_version_adds_to_it_reaches_the_file_of_that_day(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    at, later = "2026-03-10T23:30:00+00:00", "2026-03-12T10:00:00+00:00"
    unsaid = order(1, created_at=at, updated_at=later)
    for line in unsaid["line_items"]:
        line["product_id"] = None
    deliver(alice, "orders/updated", unsaid)
    drain()
    move(database, alice, "America/New_York", datetime(2026, 3, 12, 12, tzinfo=UTC))
    before = states(database)
    deliver(alice, "orders/create", order(1, created_at=at, updated_at=at))
    drain()
    with database.reading() as db:
        assert db.scalars(select(Order.created_on)).all() == [date(2026, 3, 11)]
    changed = {name for name, state in states(database).items() if before.get(name) != state}
    assert changed == {"lines/2026-03", "lines/2026-03-11"}


def states(database: Database) -> dict[str, int]:
    with database.reading() as db:
        return {part.name: part.state for part in db.scalars(select(SnapshotPart))}


def test_the_history_of_stock_stays_as_it_was(database: Database, alice: Shop, deliver: Deliver, drain: Drain) -> None:
    def version(*numbers: int, at: str) -> dict[str, Any]:
        told = [{"id": n, "price": "1.00", "inventory_item_id": 10 + n, "inventory_quantity": 5} for n in numbers]
        return product(1, updated_at=at, variants=told)

    for number, available in ((1, 0), (2, 3)):
        deliver(
            alice,
            "inventory_levels/update",
            {
                "inventory_item_id": 10 + number,
                "location_id": 1,
                "available": available,
                "updated_at": "2026-03-01T12:00:00Z",
            },
        )
    for at in ("2026-03-01T12:00:00Z", "2026-03-03T23:30:00Z"):
        deliver(alice, "products/update", version(1, 2, at=at))
    deliver(alice, "products/update", version(1, at="2026-03-08T12:00:00Z"))
    drain()
    with database.reading() as db:
        before = stock.history(db, alice.id).to_pylist()
    move(database, alice, "America/New_York", datetime(2026, 3, 12, 12, tzinfo=UTC))
    with database.reading() as db:
        assert stock.history(db, alice.id).to_pylist() == before
    assert [row["is_in_stock"] for row in before] == [True, False]
