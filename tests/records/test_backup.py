"""The database first, the objects after it: what is restored from such a backup is whole, whatever ran meanwhile."""

import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import retention, snapshots
from shopify_app.records.folder import FolderObjects
from shopify_app.records.objects import Objects
from shopify_app.tables import Shop, Snapshot
from tests.conftest import SERVER, Deliver
from tests.factories import order

Drain = Callable[[], int]
Backup = Callable[[], Callable[[], Database]]


@pytest.fixture
def backup(database: Database, tmp_path: Path) -> Iterator[Backup]:
    """Back the database up as the manual says; what that returns restores it elsewhere."""
    name, file = f"foretally_restored_{uuid.uuid4().hex[:12]}", tmp_path / "backup"

    def sqlite() -> Callable[[], Database]:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("COMMIT")
            connection.execute(text("VACUUM INTO :file"), {"file": str(file)})
        return lambda: Database(f"sqlite:///{file}")

    def postgresql() -> Callable[[], Database]:
        if shutil.which("pg_dump") is None:
            pytest.skip("no pg_dump")
        address = database.url.replace("postgresql+psycopg://", "postgresql://")
        subprocess.run(["pg_dump", "-Fc", "-f", str(file), address], check=True)
        return restored

    def restored() -> Database:
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        elsewhere = f"{SERVER.rpartition('/')[0]}/{name}"
        subprocess.run(["pg_restore", "--no-owner", "-d", elsewhere, str(file)], check=True)
        return Database(elsewhere.replace("postgresql://", "postgresql+psycopg://"))

    yield sqlite if database.is_sqlite else postgresql
    if not database.is_sqlite:
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[call-overload]


def test_a_restored_backup_is_whole_though_snapshots_came_and_went_meanwhile(
    database: Database,
    objects: Objects,
    alice: Shop,
    deliver: Deliver,
    drain: Drain,
    backup: Backup,
    tmp_path: Path,
) -> None:
    assert isinstance(objects, FolderObjects)
    old = sell_and_freeze(database, objects, alice, deliver, drain, 1)
    with database.transaction() as db:
        db.execute(update(Snapshot).values(created_at=clock.now() - timedelta(days=200)))
    sell_and_freeze(database, objects, alice, deliver, drain, 2)
    restore = backup()
    tomorrow = clock.now() + retention.GRACE + timedelta(hours=1)
    retention.sweep(database, objects, tmp_path / "bundles", tomorrow)
    assert retention.retire_all(database, clock.now()) == [old.id]
    sell_and_freeze(database, objects, alice, deliver, drain, 3)
    shutil.copytree(objects.folder, tmp_path / "copied")

    database = restore()
    with database.reading() as db:
        found = db.scalars(select(Snapshot).order_by(Snapshot.created_at)).all()
    assert [snapshot.orders for snapshot in found] == [1, 2]
    copied = FolderObjects(tmp_path / "copied")
    assert [snapshots.damaged(copied, snapshot) for snapshot in found] == [[], []]
    again = snapshots.freeze(database, copied, alice, date(2026, 3, 31), "code-1")
    assert (again.id, again.orders) == (found[1].id, 2)
    database.engine.dispose()


def sell_and_freeze(
    database: Database, objects: Objects, shop: Shop, deliver: Deliver, drain: Drain, number: int
) -> Snapshot:
    deliver(shop, "orders/create", order(number, created_at="2026-03-10T10:00:00+00:00"))
    drain()
    return snapshots.freeze(database, objects, shop, date(2026, 3, 31), "code-1")
