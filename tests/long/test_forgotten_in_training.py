"""A customer or a whole shop is forgotten while a training runs: nothing of them comes back with its end."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shopify_app import clock, nudge
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import retention, snapshots
from shopify_app.records.objects import Objects
from shopify_app.tables import Base, Shop, Snapshot, Version, WorkState
from tests.conftest import Deliver
from tests.factories import order
from tests.long.app_processes import running, wait
from tests.long.test_training_faults import ask, is_doing, row, sell, versions

pytestmark = pytest.mark.long

BUYER = 7_340_033_218_111
Drain = Callable[[], int]


def rows_of(database: Database, shop_id: int) -> dict[str, int]:
    """How many rows of the shop each table has, where it has any."""
    tables = [table for table in Base.metadata.sorted_tables if "shop_id" in table.c]
    with database.reading() as db:
        counts = {
            table.name: db.scalar(select(func.count()).where(table.c.shop_id == shop_id)) or 0 for table in tables
        }
    return {name: count for name, count in counts.items() if count}


def files_with(folder: Path, what: str) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and what.encode() in file.read_bytes()]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_customer_who_is_forgotten_during_a_training_is_in_nothing_it_leaves(
    database: Database, settings: Settings, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    nudge.configure(settings)
    sell(database, alice, range(1, 61))
    at = "2026-02-20T10:00:00+00:00"
    deliver(alice, "orders/create", order(5000, customer=BUYER, created_at=at))
    drain()
    with running(settings, "training"):
        job = ask(database, alice, "asked for by hand")
        assert is_doing(database, job, "forecast")
        deliver(alice, "customers/redact", {"shop_domain": alice.domain, "customer": {"id": BUYER}})
        deliver(alice, "orders/updated", order(5000, customer=BUYER, created_at=at, updated_at="2026-03-01T10:00:00Z"))
        drain()
        assert row(database, job).state == WorkState.PENDING
        wait("its end", lambda: row(database, job).state == WorkState.DONE)
    assert len(versions(database)) == 2
    with database.reading() as db:
        used = db.scalars(select(Snapshot).join(Version, Version.snapshot_id == Snapshot.id)).unique().all()
        told = [str(found) for table in Base.metadata.sorted_tables for found in db.execute(select(table))]
    assert len(used) == 1
    assert snapshots.damaged(objects, used[0]) == []
    assert len(told) > 300
    assert [found for found in told if str(BUYER) in found] == []
    assert files_with(settings.var / "objects", str(BUYER)) + files_with(settings.var / "bundles", str(BUYER)) == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_shop_that_is_forgotten_during_its_training_leaves_nothing_and_keeps_nobody_waiting(
    database: Database, settings: Settings, objects: Objects, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    nudge.configure(settings)
    for shop in (alice, bob):
        sell(database, shop, range(1, 61))
    with running(settings, "training") as worker:
        hers = ask(database, alice, "asked for by hand")
        assert is_doing(database, hers, "forecast")
        his = ask(database, bob, "asked for by hand")
        deliver(alice, "app/uninstalled", {"id": 1, "myshopify_domain": alice.domain})
        deliver(alice, "shop/redact", {"shop_domain": alice.domain})
        drain()
        assert rows_of(database, alice.id) == {}
        wait("the other shop's training", lambda: row(database, his).state == WorkState.DONE)
        assert worker.poll() is None
    assert "Traceback" not in (settings.var / "training.log").read_text()
    tomorrow = clock.now() + retention.GRACE + timedelta(hours=1)
    retention.sweep(database, objects, settings.var / "bundles", tomorrow)
    assert rows_of(database, alice.id) == {}
    with database.reading() as db:
        bundles = set(db.scalars(select(Version.bundle).where(Version.shop_id == bob.id)))
        assert {entry.name for entry in objects.entries()} == retention.named(db)
        assert bundles <= retention.named(db)
    assert {folder.name for folder in (settings.var / "bundles").iterdir()} <= bundles
