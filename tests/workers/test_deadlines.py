"""An alert that no workflow acts on by the shop's deadline is acted on by the app, unless a person keeps it away."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.lifecycle import alerts, registry
from shopify_app.lifecycle.slots import peek
from shopify_app.tables import Alert, AlertState, Shop, Transition, Version, VersionState
from tests.lifecycle.making import a_version
from workers import housekeeping
from workers.context import Context

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def shops(context: Context, alice: Shop, bob: Shop) -> tuple[Shop, Shop]:
    """Two shops whose second version is in charge and reported; only the first one's deadline is over."""
    with context.database.transaction() as db:
        for shop in (alice, bob):
            mine = db.get_one(Shop, shop.id)
            for version in (a_version(db, mine, "forecast"), a_version(db, mine, "forecast")):
                registry.promote(db, mine, "forecast", version.number, actor=registry.MACHINE, reason="better")
            assert alerts.raise_alert(db, mine, version, "act", "it is wrong", {"accuracy": 0.1}) is not None
        late = clock.now() - timedelta(minutes=1)
        db.execute(update(Alert).where(Alert.shop_id == alice.id).values(act_by=late))
    return alice, bob


def in_charge(db: Session, shop: Shop) -> int:
    """The number of the forecast version in charge."""
    seen = peek(db, shop.id, "forecast")
    return db.get_one(Version, seen.champion_id).number if seen else 0


def alert_of(db: Session, shop: Shop) -> Alert:
    """The one alert of a shop."""
    return db.scalars(select(Alert).where(Alert.shop_id == shop.id)).one()


def test_the_version_before_comes_back_when_the_deadline_is_over_and_not_before(
    context: Context, shops: tuple[Shop, Shop]
) -> None:
    alice, bob = shops
    for _ in range(2):
        housekeeping.tick(context)
    with context.database.reading() as db:
        assert (in_charge(db, alice), in_charge(db, bob)) == (1, 2)
        assert (alert_of(db, alice).state, alert_of(db, bob).state) == (AlertState.RESOLVED, AlertState.OPEN)
        rollbacks = db.scalars(select(Transition).where(Transition.kind == "rollback")).all()
        assert [(one.shop_id, one.actor) for one in rollbacks] == [(alice.id, registry.MACHINE)]


def test_a_frozen_slot_stays_as_it_is_and_its_alert_open_until_it_is_unfrozen(
    context: Context, shops: tuple[Shop, Shop]
) -> None:
    alice, _ = shops
    with context.database.transaction() as db:
        registry.freeze(db, db.get_one(Shop, alice.id), "forecast", actor="merchant", reason="leave it")
    housekeeping.tick(context)
    with context.database.reading() as db:
        assert in_charge(db, alice) == 2
        assert alert_of(db, alice).state == AlertState.OPEN
        states = db.scalars(select(Version.state).where(Version.shop_id == alice.id).order_by(Version.number)).all()
        assert states == [VersionState.RETIRED, VersionState.CHAMPION]
    with context.database.transaction() as db:
        registry.unfreeze(db, db.get_one(Shop, alice.id), "forecast", actor="merchant", reason="go on")
    housekeeping.tick(context)
    with context.database.reading() as db:
        assert in_charge(db, alice) == 1


def test_an_alert_about_a_version_that_was_replaced_by_hand_is_settled_and_changes_nothing(
    context: Context, shops: tuple[Shop, Shop]
) -> None:
    alice, _ = shops
    with context.database.transaction() as db:
        mine = db.get_one(Shop, alice.id)
        fresh = a_version(db, mine, "forecast")
        registry.promote(db, mine, "forecast", fresh.number, actor="merchant", reason="try")
    housekeeping.tick(context)
    with context.database.reading() as db:
        assert in_charge(db, alice) == 3
        assert alert_of(db, alice).state == AlertState.RESOLVED


@pytest.mark.parametrize("said", [{"max_rollbacks": 0}, {"rollback_deadline_hours": 0}])
def test_a_shop_that_allows_no_rollback_of_ours_gets_no_deadline(
    context: Context, alice: Shop, said: dict[str, int]
) -> None:
    with context.database.transaction() as db:
        mine = db.get_one(Shop, alice.id)
        mine.settings = said
        about = a_version(db, mine, "forecast")
        found = alerts.raise_alert(db, mine, about, "act", "it is wrong", {"accuracy": 0.1})
        assert found is not None
        assert found.act_by is None
