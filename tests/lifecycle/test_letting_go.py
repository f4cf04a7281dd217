"""Files of versions that nobody asks any more go; whoever answers, or may be rolled back to, keeps theirs."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import Conflict
from shopify_app.lifecycle import counted, letting_go, registry, slots
from shopify_app.lifecycle.registry import MACHINE
from shopify_app.records import retention
from shopify_app.tables import ListRun, Shop, Version, VersionState
from tests.lifecycle.making import a_version

OLD, YOUNG = timedelta(days=31), timedelta(days=29)


def promoted(database: Database, shop: Shop, *bundles: str, task: str = "forecast") -> None:
    """One version after the other is put in charge; each has the file that it is called by."""
    with database.transaction() as db:
        for bundle in bundles:
            fresh = a_version(db, shop, task, bundle=bundle * 64)
            registry.promote(db, shop, task, fresh.number, actor=MACHINE, reason="better")


def aged(database: Database, by: timedelta) -> None:
    """Everything was made, and left its slot, so long ago."""
    with database.transaction() as db:
        db.execute(update(Version).values(created_at=clock.now() - by))
        db.execute(update(Version).where(Version.left_at.is_not(None)).values(left_at=clock.now() - by))


def kept(database: Database, shop: Shop, task: str = "forecast") -> list[int]:
    """Numbers of the versions that have their files, once what is old was let go."""
    letting_go.let_go_all(database, clock.now())
    mine = Version.shop_id == shop.id, Version.task == task, Version.let_go_at.is_(None)
    with database.reading() as db:
        return list(db.scalars(select(Version.number).where(*mine).order_by(Version.number)))


def test_who_answers_or_stands_by_keeps_its_files_and_the_others_lose_them_when_they_are_old(
    database: Database, alice: Shop, bob: Shop
) -> None:
    for shop, bundles in ((alice, "abcd"), (bob, "ef")):
        promoted(database, shop, *bundles)
    aged(database, YOUNG)
    assert kept(database, alice) == [1, 2, 3, 4]
    aged(database, OLD)
    assert (kept(database, alice), kept(database, bob)) == ([3, 4], [1, 2])
    with database.reading() as db:
        assert retention.bundles_named(db) == {letter * 64 for letter in "cdef"}
    assert letting_go.let_go_all(database, clock.now()) == 0


def test_the_days_count_from_when_a_version_left_its_slot(database: Database, alice: Shop) -> None:
    promoted(database, alice, "a", "b")
    aged(database, 10 * OLD)
    promoted(database, alice, "c")
    assert kept(database, alice) == [1, 2, 3]
    aged(database, OLD)
    assert kept(database, alice) == [2, 3]


def test_a_shop_can_say_how_long_and_what_was_made_elsewhere_or_waits_is_kept(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        db.get_one(Shop, alice.id).settings = {"keep_bundles_days": 60}
        rejected = a_version(db, alice, "forecast")
        imported = a_version(db, alice, "forecast", algorithm="table")
        rejected.state = imported.state = VersionState.FAILED
        a_version(db, alice, "forecast")
    aged(database, OLD)
    assert kept(database, alice) == [1, 2, 3]
    aged(database, 2 * OLD)
    assert kept(database, alice) == [2, 3]


def test_what_lists_in_charge_are_held_against_is_kept_however_old(database: Database, alice: Shop) -> None:
    promoted(database, alice, "a", "b", task="recommend")
    with database.transaction() as db:
        before = registry.today(alice) - timedelta(days=1)
        unused = a_version(db, alice, "recommend", bundle="c" * 64, cutoff_on=before)
        unused.state = VersionState.EXPIRED
        a_version(db, alice, "recommend", cutoff_on=before - timedelta(days=1)).state = VersionState.EXPIRED
    aged(database, OLD)
    assert kept(database, alice, "recommend") == [1, 2, 3]


def test_newer_lists_of_a_version_go_with_its_files(database: Database, alice: Shop) -> None:
    promoted(database, alice, "a", "b", "c", task="recommend")
    with database.transaction() as db:
        for version in db.scalars(select(Version).order_by(Version.number)).all():
            counted.answer_with(db, version, "def"[version.number - 1] * 64, 10)
    aged(database, OLD)
    kept(database, alice, "recommend")
    with database.reading() as db:
        assert set(db.scalars(select(ListRun.bundle))) == {"e" * 64, "f" * 64}


def test_nobody_is_put_in_charge_or_made_ready_to_step_back_in_without_files(database: Database, alice: Shop) -> None:
    promoted(database, alice, "a", "b", "c")
    aged(database, OLD)
    assert kept(database, alice) == [2, 3]
    with database.transaction() as db:
        with pytest.raises(Conflict, match=r"the files of forecast version 1 were let go on .* makes them again"):
            registry.promote(db, alice, "forecast", 1, actor="merchant", reason="I liked it")
        assert registry.roll_back(db, alice, "forecast", actor="merchant", reason="worse")["to_version"] == 2
        assert slots.slot(db, alice.id, "forecast").previous_id is None
        with pytest.raises(Conflict, match="no forecast version was in charge before"):
            registry.roll_back(db, alice, "forecast", actor="merchant", reason="worse still")


def test_a_version_that_came_back_into_a_slot_while_its_files_were_let_go_keeps_them(
    database: Database, alice: Shop
) -> None:
    """A rollback in another process may have looked just before: then the slot has the last word."""
    promoted(database, alice, "a", "b")
    with database.transaction() as db:
        db.execute(update(Version).where(Version.number == 1).values(let_go_at=clock.now()))
    with database.reading() as db:
        assert retention.bundles_named(db) == {"a" * 64, "b" * 64}
