"""What a merchant changes in the shop's settings is noticed within a day: nobody tells the app."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import inbox, jobs, replay
from shopify_app.tables import Job, Order, Shop, Turn
from tests.reading.conftest import Town, TownAsKept, few, settled
from tests.records.test_replay import empty
from workers import facts as the_facts

__all__ = ["empty"]  # a fixture: an empty database of the other kind
HERE = "UTC"


@pytest.fixture
def town(town_as_kept: TownAsKept) -> Town:
    """Two shops, installed, their histories read."""
    return town_as_kept(settled, **few())


def reconcile(town: Town, handle: str) -> dict[str, Any]:
    with town.context.database.transaction() as db:
        jobs.ask(db, town.shop(handle).id, "reconcile", "a day has passed")
    town.work()
    return [job.result for job in town.jobs("reconcile") if job.result][-1]


def facts(shop: Shop) -> tuple[str, str, str, str]:
    return shop.name, shop.currency, shop.time_zone, shop.country


def days(town: Town, handle: str) -> dict[int, Any]:
    with town.context.database.reading() as db:
        mine = select(Order).where(Order.shop_id == town.shop(handle).id)
        return {order.order_id: (order.created_at, order.created_on) for order in db.scalars(mine)}


def test_another_currency_name_and_country_are_stored_with_one_line_in_the_log(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    bobs = facts(town.shop("bob"))
    assert reconcile(town, "alice")["facts"] == {}
    town.control("alice", "facts", {"name": "Alice & Co", "currency": "CHF", "country": "CH"})
    capsys.readouterr()
    told = reconcile(town, "alice")["facts"]
    assert facts(town.shop("alice")) == ("Alice & Co", "CHF", HERE, "CH")
    assert told.keys() == {"name", "currency", "country"}
    assert capsys.readouterr().err.count("the shop's facts changed") == 1
    assert reconcile(town, "alice")["facts"] == {}
    assert facts(town.shop("bob")) == bobs


def test_orders_are_dated_by_another_time_zone_from_then_on_and_stored_days_stay_also_in_a_replay(
    town: Town, empty: Database
) -> None:
    before = days(town, "alice")
    town.control("alice", "facts", {"time_zone": "Pacific/Auckland"})
    reconcile(town, "alice")
    assert town.shop("alice").time_zone == "Pacific/Auckland"
    town.control("alice", "clock", {"step_days": 2})
    town.work()
    after = days(town, "alice")
    assert {number: after[number] for number in before} == before
    new = [after[number] for number in after.keys() - before.keys()]
    assert any(on != at.date() for at, on in new)
    assert all(on == clock.day_in(at, "Pacific/Auckland") for at, on in new)

    context = town.context
    replay.into(context.database, context.objects, context.seal, empty, town.shop("alice"), 0, 2**62)
    with empty.reading() as db:
        assert {one.order_id: (one.created_at, one.created_on) for one in db.scalars(select(Order))} == after


def test_a_time_zone_whose_day_is_over_here_waits_for_its_midnight(town: Town) -> None:
    """In life days go by the clock on the wall, here by the newest event."""
    with town.context.database.transaction() as db:
        mine = Shop.domain == "alice.myshopify.com"
        db.execute(update(Shop).where(mine).values(business_at=clock.parse("2026-04-30T00:30:00+00:00")))
    town.control("alice", "facts", {"time_zone": "America/New_York", "currency": "USD"})
    told = reconcile(town, "alice")["facts"]
    assert facts(town.shop("alice"))[1:3] == ("USD", HERE)
    assert told.keys() == {"currency"}
    with town.context.database.transaction() as db:
        (again,) = db.scalars(select(Job).where(Job.kind == "reconcile", Job.finished_at.is_(None)))
        assert again.causes == ["another time zone waits"]
        assert again.due_at > clock.now() + timedelta(minutes=50)
        db.execute(update(Shop).where(mine).values(business_at=clock.parse("2026-04-30T06:00:00+00:00")))
        jobs.hurry(db, town.shop("alice").id, ["reconcile"])
    town.work()
    assert town.shop("alice").time_zone == "America/New_York"
    assert all(job.finished_at is not None for job in town.jobs("reconcile"))


def test_another_time_zone_waits_while_somebody_is_busy_with_the_shops_events(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_facts, "APART", 0.0)
    town.control("alice", "clock", {"step_days": 2})
    town.work()
    town.control("alice", "facts", {"time_zone": "Pacific/Auckland"})
    with town.context.database.transaction() as db:
        db.execute(update(Turn).where(Turn.queue == inbox.QUEUE).values(lease_until=clock.now() + timedelta(hours=1)))
    with town.context.database.reading() as db:
        assert inbox.applied(db, "alice.myshopify.com")
    the_facts.refresh(town.context, town.shop("alice"))
    assert town.shop("alice").time_zone == HERE
    with town.context.database.transaction() as db:
        db.execute(update(Turn).values(lease_until=None))
    the_facts.refresh(town.context, town.shop("alice"))
    assert town.shop("alice").time_zone == "Pacific/Auckland"
