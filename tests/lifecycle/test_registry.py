"""Versions change hands: one champion at a time, every change written down, a repeated call changes nothing."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, update

from shopify_app.db import Database
from shopify_app.errors import Conflict, ForetallyError, NotFound, Overtaken
from shopify_app.lifecycle import registry, slots
from shopify_app.lifecycle.registry import MACHINE
from shopify_app.tables import Shop, Slot, SlotState, Transition, Version, VersionState
from tests.lifecycle.making import a_version


def in_charge(database: Database, shop: Shop, task: str = "forecast") -> int | None:
    """Number of the version that answers."""
    with database.reading() as db:
        seen = slots.peek(db, shop.id, task)
        champion = registry.by_id(db, shop.id, seen.champion_id if seen else None)
        return champion.number if champion else None


def test_the_version_before_comes_back_on_a_rollback(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        for number in (1, 2):
            a_version(db, alice, "forecast")
            registry.promote(db, alice, "forecast", number, actor="merchant", reason="try it")
        told = registry.roll_back(db, alice, "forecast", actor="merchant", reason="worse", expected_number=2)
    assert (told["changed"], told["from_version"], told["to_version"]) == (True, 2, 1)
    assert in_charge(database, alice) == 1


def test_a_rollback_asked_twice_happens_once(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        for number in (1, 2):
            a_version(db, alice, "forecast")
            registry.promote(db, alice, "forecast", number, actor=MACHINE, reason="better")
        first = registry.roll_back(db, alice, "forecast", actor="flow", reason="alert", expected_number=2)
        second = registry.roll_back(db, alice, "forecast", actor="flow", reason="alert", expected_number=2)
    assert (first["changed"], second["changed"], second["reason"]) == (True, False, "already replaced")
    assert in_charge(database, alice) == 1


def test_nothing_is_rolled_back_to_when_nobody_was_there_before(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        a_version(db, alice, "forecast")
        registry.promote(db, alice, "forecast", 1, actor=MACHINE, reason="first")
        with pytest.raises(Conflict, match="no forecast version was in charge before"):
            registry.roll_back(db, alice, "forecast", actor="merchant", reason="why not")
    assert in_charge(database, alice) == 1


def test_a_rolled_back_version_is_not_promoted_by_the_machine_again(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        for number in (1, 2):
            a_version(db, alice, "forecast")
            registry.promote(db, alice, "forecast", number, actor=MACHINE, reason="better")
        registry.roll_back(db, alice, "forecast", actor="flow", reason="alert")
        with pytest.raises(Conflict):
            registry.promote(db, alice, "forecast", 2, actor=MACHINE, reason="again")
        registry.promote(db, alice, "forecast", 2, actor="merchant", reason="I know better")
    assert in_charge(database, alice) == 2


def test_one_shop_cannot_promote_the_version_of_another(database: Database, alice: Shop, bob: Shop) -> None:
    with database.transaction() as db:
        a_version(db, alice, "forecast")
        with pytest.raises(NotFound):
            registry.promote(db, bob, "forecast", 1, actor="merchant", reason="mine now")
    assert in_charge(database, bob) is None


def test_a_change_by_hand_keeps_the_machine_away_for_a_week(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        a_version(db, alice, "forecast")
        registry.promote(db, alice, "forecast", 1, actor="merchant", reason="mine")
        seen = slots.slot(db, alice.id, "forecast")
        assert seen.state == SlotState.COOLING
        assert not registry.may_promote(seen, alice)


def test_the_second_automatic_rollback_in_a_month_is_the_last_and_freezes_the_slot(
    database: Database, alice: Shop
) -> None:
    with database.transaction() as db:
        for expected in (SlotState.COOLING, SlotState.FROZEN):
            for _ in range(2):
                fresh = a_version(db, alice, "forecast")
                registry.promote(db, alice, "forecast", fresh.number, actor=MACHINE, reason="better")
            registry.roll_back(db, alice, "forecast", actor=MACHINE, reason="deadline")
            assert slots.slot(db, alice.id, "forecast").state == expected


def test_a_change_of_what_somebody_else_changed_first_is_refused(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        a_version(db, alice, "forecast")
        seen = slots.slot(db, alice.id, "forecast")
        db.expunge(seen)
        registry.promote(db, alice, "forecast", 1, actor="merchant", reason="first")
        with pytest.raises(Conflict):
            slots.change(db, seen, kind="freeze", actor="x", reason="late", changed_on=registry.today(alice))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # on SQLite nobody writes in between
def test_a_rollback_that_loses_a_race_leaves_every_version_as_it_was(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        for _ in range(2):
            fresh = a_version(db, alice, "forecast")
            registry.promote(db, alice, "forecast", fresh.number, actor="merchant", reason="try")
    waiting = [update(Slot).where(Slot.shop_id == alice.id).values(generation=Slot.generation + 1)]

    @event.listens_for(database.engine, "before_cursor_execute")
    def somebody_else_is_first(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("UPDATE slots") and waiting:
            raced = waiting.pop()
            with database.engine.begin() as other:
                other.execute(raced)

    with database.transaction() as db, pytest.raises(Overtaken):
        registry.roll_back(db, alice, "forecast", actor=MACHINE, reason="deadline")
    with database.reading() as db:
        states = db.scalars(select(Version.state).where(Version.shop_id == alice.id).order_by(Version.number)).all()
        assert states == [VersionState.RETIRED, VersionState.CHAMPION]


def test_history_that_was_tampered_with_is_found(database: Database, alice: Shop) -> None:
    with database.transaction() as db:
        for number in (1, 2):
            a_version(db, alice, "forecast")
            registry.promote(db, alice, "forecast", number, actor="merchant", reason="try")
        assert slots.broken_link(db, alice.id, "forecast") is None
        db.execute(update(Transition).where(Transition.generation == 1).values(reason="nothing to see"))
        db.expire_all()
        assert slots.broken_link(db, alice.id, "forecast") == 1


ACTIONS = st.lists(st.sampled_from(["train", "shadow", "promote", "machine", "back", "flow", "freeze", "unfreeze"]))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(actions=ACTIONS)
def test_whatever_happens_there_is_one_champion_and_a_whole_history(
    database: Database, alice: Shop, bob: Shop, actions: list[str]
) -> None:
    """Any order of changes on one shop: at most one champion, rising generations, nothing in the other shop."""
    with database.transaction() as db:
        before = slots.slot(db, alice.id, "recommend").generation
        for action in actions:
            with suppress(ForetallyError):  # refused is fine, half-done is not
                _do(db, alice, action)
        champions = [v for v in db.query(Version) if v.shop_id == alice.id and v.state == VersionState.CHAMPION]
        seen = slots.slot(db, alice.id, "recommend")
        assert [v.id for v in champions] == ([seen.champion_id] if seen.champion_id else [])
        written = db.query(Transition).filter_by(shop_id=alice.id, task="recommend").count()
        assert seen.generation == written >= before
        assert slots.broken_link(db, alice.id, "recommend") is None
        assert slots.slot(db, bob.id, "recommend").generation == 0


def _do(db, shop: Shop, action: str) -> None:  # type: ignore[no-untyped-def]
    newest = db.query(Version).filter_by(shop_id=shop.id, task="recommend").order_by(Version.number.desc()).first()
    number = newest.number if newest else 1
    if action == "train":
        a_version(db, shop, "recommend")
    elif action == "shadow" and newest is not None and newest.state == VersionState.TRAINED:
        registry.start_shadow(db, shop, newest, "passed")
    elif action in ("promote", "machine"):
        actor = MACHINE if action == "machine" else "merchant"
        registry.promote(db, shop, "recommend", number, actor=actor, reason="try")
    elif action in ("back", "flow"):
        expected = number if action == "flow" else None
        registry.roll_back(db, shop, "recommend", actor=action, reason="back", expected_number=expected)
    elif action == "freeze":
        registry.freeze(db, shop, "recommend", actor="merchant", reason="hold")
    elif action == "unfreeze":
        registry.unfreeze(db, shop, "recommend", actor="merchant", reason="go on")
