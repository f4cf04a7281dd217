"""What somebody needs is never collected, whoever is at work meanwhile; what nobody names goes."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import Conflict
from shopify_app.lifecycle import registry
from shopify_app.records import parts, retention, snapshots
from shopify_app.records.folder import FolderObjects
from shopify_app.records.objects import Entry, Objects
from shopify_app.tables import Base, Shop, Slot, Snapshot, Version, VersionState
from tests.conftest import Deliver
from tests.factories import order

Drain = Callable[[], int]
CUTOFF = date(2026, 3, 31)
LONG_AGO = timedelta(days=200)


@pytest.fixture
def folder(objects: Objects) -> FolderObjects:
    assert isinstance(objects, FolderObjects)
    return objects


@pytest.fixture
def sell(alice: Shop, deliver: Deliver, drain: Drain) -> Callable[[int, str], None]:
    """Let Alice sell something on a day."""

    def one(number: int, day: str) -> None:
        deliver(alice, "orders/create", order(number, created_at=f"{day}T10:00:00+00:00"))
        drain()

    return one


def freeze(database: Database, objects: Objects, shop: Shop, cutoff_on: date = CUTOFF) -> Snapshot:
    return snapshots.freeze(database, objects, shop, cutoff_on, "code-1")


def age(database: Database, folder: FolderObjects) -> None:
    """Everything there is was made long ago."""
    with database.transaction() as db:
        db.execute(update(Snapshot).values(created_at=clock.now() - LONG_AGO))
        db.execute(update(Version).values(created_at=clock.now() - LONG_AGO))
    for name in folder.list():
        earlier = folder.path(name).stat().st_mtime - LONG_AGO.total_seconds()
        os.utime(folder.path(name), (earlier, earlier))


def train(database: Database, shop: Shop, snapshot: Snapshot, state: str) -> Version:
    """A version that was trained on a snapshot."""
    about = registry.Trained("forecast", "naive", {}, 1, "test", snapshot.id, "code-1", "b" * 64, {}, CUTOFF, 1, 0.0)
    with database.transaction() as db:
        version = registry.register(db, db.get_one(Shop, shop.id), about)
        version.state = state
        return version


def collect(database: Database, objects: Objects, *shops: Shop, bundles: Path) -> retention.Swept:
    for shop in shops:
        with database.transaction() as db:
            retention.retire(db, db.get_one(Shop, shop.id), clock.now())
    return retention.sweep(database, objects, bundles, clock.now())


def left(database: Database, shop: Shop) -> set[str]:
    with database.reading() as db:
        return set(db.scalars(select(Snapshot.id).where(Snapshot.shop_id == shop.id)))


def test_old_snapshots_that_nobody_needs_go_with_the_files_that_only_they_name(
    database: Database, folder: FolderObjects, alice: Shop, sell: Callable[[int, str], None], tmp_path: Path
) -> None:
    sell(1, "2026-02-10")
    sell(2, "2026-03-10")
    first = freeze(database, folder, alice)
    sell(3, "2026-03-10")
    second = freeze(database, folder, alice)
    only_first = {f["sha256"] for f in first.manifest["files"]} - {f["sha256"] for f in second.manifest["files"]}
    age(database, folder)
    with database.transaction() as db:
        db.execute(update(Snapshot).where(Snapshot.id == second.id).values(created_at=clock.now()))
    swept = collect(database, folder, alice, bundles=tmp_path / "bundles")
    assert left(database, alice) == {second.id}
    assert set(swept.removed) == only_first
    assert len(only_first) == 1
    assert snapshots.damaged(folder, second) == []


@pytest.mark.parametrize(
    ("state", "is_previous", "stays"),
    [
        (VersionState.CHAMPION, False, True),
        (VersionState.SHADOW, False, True),
        (VersionState.TRAINED, False, True),
        (VersionState.RETIRED, True, True),
        (VersionState.RETIRED, False, False),
        (VersionState.FAILED, False, False),
    ],
)
def test_a_snapshot_stays_as_long_as_a_version_needs_it(
    database: Database,
    folder: FolderObjects,
    alice: Shop,
    sell: Callable[[int, str], None],
    tmp_path: Path,
    state: str,
    is_previous: bool,
    stays: bool,
) -> None:
    sell(1, "2026-03-10")
    needed = freeze(database, folder, alice)
    version = train(database, alice, needed, state)
    with database.transaction() as db:
        previous = version.id if is_previous else None
        db.add(Slot(shop_id=alice.id, task="forecast", previous_id=previous, changed_at=clock.now()))
    age(database, folder)
    sell(2, "2026-03-11")
    newest = freeze(database, folder, alice)
    collect(database, folder, alice, bundles=tmp_path / "bundles")
    assert left(database, alice) == ({needed.id, newest.id} if stays else {newest.id})
    if stays:
        assert snapshots.damaged(folder, needed) == []


def test_a_young_version_keeps_its_snapshot_whatever_became_of_it_and_a_shop_can_say_how_long(
    database: Database, folder: FolderObjects, alice: Shop, sell: Callable[[int, str], None], tmp_path: Path
) -> None:
    sell(1, "2026-03-10")
    first = freeze(database, folder, alice)
    age(database, folder)
    version = train(database, alice, first, VersionState.FAILED)
    sell(2, "2026-03-11")
    freeze(database, folder, alice)
    collect(database, folder, alice, bundles=tmp_path / "bundles")
    assert first.id in left(database, alice)
    with database.transaction() as db:
        db.get_one(Version, version.id).created_at = clock.now() - timedelta(days=10)
        db.get_one(Shop, alice.id).settings = {"keep_versions_days": 9}
    collect(database, folder, alice, bundles=tmp_path / "bundles")
    assert first.id not in left(database, alice)


def test_what_one_shop_lets_go_of_stays_for_another_that_names_the_same_file(
    database: Database, folder: FolderObjects, charlie: Shop, bob: Shop, tmp_path: Path
) -> None:
    mine, theirs = freeze(database, folder, charlie), freeze(database, folder, bob)
    shared = {f["sha256"] for f in mine.manifest["files"]}
    assert shared == {f["sha256"] for f in theirs.manifest["files"]}
    age(database, folder)
    with database.transaction() as db:
        for row in db.scalars(select(Snapshot).where(Snapshot.shop_id == charlie.id)):
            db.delete(row)
    assert collect(database, folder, charlie, bob, bundles=tmp_path / "bundles").removed == ()
    assert snapshots.damaged(folder, theirs) == []


def test_a_snapshot_that_is_frozen_again_after_long_is_young_again(
    database: Database, folder: FolderObjects, alice: Shop, sell: Callable[[int, str], None], tmp_path: Path
) -> None:
    sell(1, "2026-03-10")
    first = freeze(database, folder, alice)
    sell(2, "2026-04-10")
    freeze(database, folder, alice, date(2026, 4, 30))
    age(database, folder)
    assert freeze(database, folder, alice).id == first.id
    collect(database, folder, alice, bundles=tmp_path / "bundles")
    assert first.id in left(database, alice)


def test_a_collection_in_the_middle_of_a_freeze_takes_nothing_of_it(
    database: Database, folder: FolderObjects, alice: Shop, sell: Callable[[int, str], None], tmp_path: Path
) -> None:
    sell(1, "2026-02-10")
    sell(2, "2026-03-10")
    swept: list[retention.Swept] = []

    class Slow(FolderObjects):
        def put(self, content: bytes | Path) -> str:
            name = super().put(content)
            swept.append(collect(database, folder, alice, bundles=tmp_path / "bundles"))
            return name

    snapshot = freeze(database, Slow(folder.folder), alice)
    assert [found.removed for found in swept] == [()] * 3
    assert snapshots.damaged(folder, snapshot) == []


def test_an_old_file_that_a_freeze_puts_again_while_it_is_being_collected_stays(
    database: Database, folder: FolderObjects, alice: Shop, sell: Callable[[int, str], None], tmp_path: Path
) -> None:
    """Bytes that nobody named for long, and that a freeze comes to need after the collector has looked at their age."""
    sell(1, "2026-03-10")
    first = freeze(database, folder, alice)
    age(database, folder)
    with database.transaction() as db:
        for table in ("snapshots", "snapshot_parts"):
            db.execute(Base.metadata.tables[table].delete())
    contents = [folder.read(file["sha256"]) for file in first.manifest["files"]]

    class Watched(FolderObjects):
        def entries(self) -> Iterator[Entry]:
            found = list(super().entries())
            for content in contents:
                self.put(content)
            return iter(found)

    assert collect(database, Watched(folder.folder), alice, bundles=tmp_path / "bundles").removed == ()
    assert snapshots.damaged(folder, first) == []
    age(database, folder)
    assert len(collect(database, folder, alice, bundles=tmp_path / "bundles").removed) == len(contents)


def test_files_that_were_put_and_never_named_go_after_the_time_of_grace(
    database: Database, folder: FolderObjects, tmp_path: Path
) -> None:
    folder.put(b"of a freeze that was killed")
    assert retention.sweep(database, folder, tmp_path, clock.now()).removed == ()
    later = clock.now() + retention.GRACE + timedelta(seconds=1)
    assert len(retention.sweep(database, folder, tmp_path, later, dry=True).removed) == 1
    assert len(retention.sweep(database, folder, tmp_path, later).removed) == 1
    assert list(folder.list()) == []


@pytest.mark.parametrize(("own", "goes"), [(0, False), (9, False), (15, True)])
def test_a_database_that_names_next_to_nothing_of_a_large_store_empties_it_only_when_told_to(
    database: Database, folder: FolderObjects, alice: Shop, tmp_path: Path, own: int, goes: bool
) -> None:
    mine = [folder.put(f"ours {number}".encode()) for number in range(own)]
    with database.transaction() as db:
        for number, name in enumerate(mine):
            parts.give(db, alice.id, f"given-{number}", name, 1)
    for number in range(100):
        folder.put(f"of another database {number}".encode())
    later = clock.now() + retention.GRACE + timedelta(seconds=1)
    if not goes:
        with pytest.raises(Conflict, match=f"no row names 100 of {100 + own} objects"):
            retention.sweep(database, folder, tmp_path / "bundles", later)
        assert len(list(folder.list())) == 100 + own
    assert len(retention.sweep(database, folder, tmp_path / "bundles", later, sure=not goes).removed) == 100
    assert sorted(folder.list()) == sorted(mine)


def test_bundles_that_no_version_names_go_after_the_time_of_grace(
    database: Database, folder: FolderObjects, alice: Shop, sell: Callable[[int, str], None], tmp_path: Path
) -> None:
    sell(1, "2026-03-10")
    train(database, alice, freeze(database, folder, alice), VersionState.FAILED)
    bundles = tmp_path / "bundles"
    for name in ("b" * 64, "c" * 64):
        (bundles / name).mkdir(parents=True)
    later = clock.now() + retention.GRACE + timedelta(seconds=1)
    assert retention.sweep(database, folder, bundles, later).bundles == ("c" * 64,)
    assert [path.name for path in bundles.iterdir()] == ["b" * 64]


def test_every_column_that_names_an_object_is_looked_at() -> None:
    """A new table with such a column is safe without anybody thinking of the collector."""
    found = {f"{column.table.name}.{column.name}" for column in retention._naming_columns()}
    assert {"snapshot_parts.sha256", "forecast_runs.days_sha256", "forecast_runs.windows_sha256"} <= found


def test_a_dry_run_removes_nothing(database: Database, folder: FolderObjects, alice: Shop, tmp_path: Path) -> None:
    name = folder.put(b"nobody's")
    found = retention.sweep(database, folder, tmp_path, clock.now() + LONG_AGO, dry=True)
    assert replace(found, objects=1).removed == (name,)
    assert folder.verify(name)
