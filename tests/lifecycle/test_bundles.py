"""Bundles: kept in the object store, read on whatever machine needs them, and cleared away with their versions."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ml import bundles
from ml.recommend.neighbours import NeighbourTable
from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import DamagedBundle, NotFound
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records import erasing, retention, shops
from shopify_app.records.objects import open_objects
from shopify_app.tables import Shop
from tests import buckets
from tests.lifecycle.making import lists

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database


@pytest.fixture(params=["folder", "bucket"])
def settings(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """With either kind of object store."""
    if request.param == "folder":
        yield settings
        return
    with buckets.serving(buckets.S3) as (_, address):
        for name, value in buckets.s3_environment(address).items():
            monkeypatch.setenv(name, value)
        yield replace(settings, object_store_url=f"s3://{buckets.BUCKET}/foretally")


def elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    """Another machine with the same object store."""
    return replace(settings, var=tmp_path / "another machine")


def late(settings: Settings) -> None:
    """A day goes by in which nobody uses a bundle."""
    long_ago = (clock.now() - retention.GRACE - timedelta(hours=1)).timestamp()
    for folder in Bundles(settings).root.iterdir():
        os.utime(folder, (long_ago, long_ago))


def test_a_bundle_is_read_on_another_machine_than_made_it(
    database: Database, settings: Settings, alice: Shop, tmp_path: Path
) -> None:
    made = lists(database, settings, alice, {1: [2, 3]}, popular=[4])
    folder = Bundles(elsewhere(settings, tmp_path)).folder(made.bundle)
    bundles.verify(folder, "recommend")
    assert [near.product_id for near in NeighbourTable.open(folder).recommend([1], 3)] == [2, 3, 4]


def test_the_same_bundle_has_the_same_name_and_is_kept_once(
    database: Database, settings: Settings, alice: Shop, bob: Shop
) -> None:
    first, second = (lists(database, settings, shop, {1: [2]}, popular=[4]) for shop in (alice, bob))
    assert first.bundle == second.bundle
    assert list(open_objects(settings).list()) == [first.bundle]


def test_a_bundle_that_is_nowhere_is_not_found_and_leaves_no_folder(settings: Settings) -> None:
    with pytest.raises(NotFound):
        Bundles(settings).folder("b" * 64)
    assert list(Bundles(settings).root.iterdir()) == []


def test_a_damaged_bundle_is_not_unpacked(
    database: Database, settings: Settings, alice: Shop, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if "bucket" in request.node.callspec.params.values():
        pytest.skip("what a bucket sends is hashed on its way: tests/records/test_objects.py")
    made = lists(database, settings, alice, {1: [2]}, popular=[4])
    path = open_objects(settings).path(made.bundle)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedBundle):
        Bundles(elsewhere(settings, tmp_path)).folder(made.bundle)


def test_what_a_version_is_made_of_stays_and_unpacked_copies_go_when_nobody_uses_them(
    database: Database, settings: Settings, alice: Shop
) -> None:
    made, objects = lists(database, settings, alice, {1: [2]}, popular=[4]), open_objects(settings)
    (Bundles(settings).root / ("c" * 64)).mkdir()
    late(settings)
    later = clock.now() + retention.GRACE + timedelta(hours=1)
    swept = retention.sweep(database, objects, Bundles(settings).root, later)
    assert (set(swept.bundles), swept.removed) == ({made.bundle, "c" * 64}, ())
    NeighbourTable.open(Bundles(settings).folder(made.bundle))
    assert retention.sweep(database, objects, Bundles(settings).root, clock.now()).bundles == ()


def test_a_bundle_whose_removal_was_cut_short_is_fetched_again(
    database: Database, settings: Settings, alice: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(folder: Path, ignore_errors: bool = False) -> None:
        next(folder.iterdir()).unlink()

    made, objects = lists(database, settings, alice, {1: [2]}, popular=[4]), open_objects(settings)
    late(settings)
    with monkeypatch.context() as killed:
        killed.setattr(shutil, "rmtree", cut_short)
        retention.sweep(database, objects, Bundles(settings).root, clock.now() + retention.GRACE + timedelta(hours=1))
    NeighbourTable.open(Bundles(settings).folder(made.bundle))


def test_a_shops_bundles_go_with_the_shop(database: Database, settings: Settings, alice: Shop, bob: Shop) -> None:
    mine, others = (lists(database, settings, shop, {1: [near]}, []) for shop, near in ((alice, 2), (bob, 3)))
    objects = open_objects(settings)
    with database.transaction() as db:
        shop = shops.get(db, alice.id)
        shops.uninstall(db, shop, clock.now())
        left = erasing.rest(db, alice.domain)
    left.sweep(objects, Bundles(settings).root)
    assert mine.bundle != others.bundle
    assert list(objects.list()) == [others.bundle]
    assert [path.name for path in Bundles(settings).root.iterdir()] == [others.bundle]
