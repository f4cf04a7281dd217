"""A heartbeat among many shops: only where something has happened does it cost anything."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, update

from shopify_app import clock, nudge
from shopify_app.records import feeds, silence
from shopify_app.tables import Event, Feed, Job, Shop
from workers import housekeeping
from workers.context import Context


@pytest.fixture
def by_the_wall(context: Context, alice: Shop, bob: Shop, charlie: Shop) -> Context:
    """Days begin by the clock on the wall, and today's is open for three shops."""
    wall = replace(context, settings=replace(context.settings, business_clock="wall"))
    housekeeping.tick(wall)
    return wall


def nights(context: Context) -> list[tuple[int, str]]:
    with context.database.reading() as db:
        found = db.scalars(select(Job).where(Job.kind == "night").order_by(Job.shop_id))
        return [(job.shop_id, job.payload["closed_on"]) for job in found]


def writing(context: Context, work: Callable[[], None]) -> int:
    """How many transactions took the right to write."""
    begun: list[bool] = []

    def note(connection: Connection) -> None:
        begun.append(bool(connection.get_execution_options().get("writes")))

    event.listen(context.database.engine, "begin", note)
    work()
    event.remove(context.database.engine, "begin", note)
    return sum(begun)


def test_a_new_day_begins_for_each_shop_by_its_own_wall_and_closes_the_one_before_once(
    by_the_wall: Context, alice: Shop, bob: Shop
) -> None:
    today = {shop.id: clock.day_in(clock.now(), shop.time_zone) for shop in (alice, bob)}
    assert nights(by_the_wall) == []
    with by_the_wall.database.transaction() as db:
        for shop in (alice, bob):
            db.execute(update(Shop).where(Shop.id == shop.id).values(business_on=today[shop.id] - timedelta(days=1)))
    housekeeping.tick(by_the_wall)
    housekeeping.tick(by_the_wall)
    assert nights(by_the_wall) == [(id, (on - timedelta(days=1)).isoformat()) for id, on in today.items()]


def test_many_days_begin_a_few_shops_at_a_time(by_the_wall: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "TOGETHER", 2)
    with by_the_wall.database.transaction() as db:
        db.execute(update(Shop).values(business_on=clock.now().date() - timedelta(days=3)))
    housekeeping.tick(by_the_wall)
    assert len(nights(by_the_wall)) == 3


def test_where_no_day_begins_nothing_is_locked_to_find_that_out(by_the_wall: Context, context: Context) -> None:
    if not context.database.is_sqlite:
        pytest.skip("only SQLite has one writer")
    by_data = writing(context, lambda: housekeeping.tick(context))
    assert writing(by_the_wall, lambda: housekeeping.tick(by_the_wall)) == by_data


def test_a_shop_that_was_heard_of_lately_is_looked_at_no_further(context: Context, alice: Shop, bob: Shop) -> None:
    """Bob's last delivery came as long ago as none before; of Alice's many, the newest came just now."""
    now = clock.now()
    same = {"topic": "orders/create", "signature": b"", "secret_used": "current", "state": "done"}
    with context.database.transaction() as db:
        for shop, last in ((alice, timedelta(0)), (bob, timedelta(hours=5))):
            feeds.done(db, shop.id, feeds.ORDERS)
            for number in range(30, -1, -1):
                at = now - last - timedelta(hours=number)
                db.add(Event(shop=shop.domain, delivery_key=f"w:{number}", received_at=at, **same))
        db.execute(update(Feed).values(checked_at=now - timedelta(hours=3)))
    limits: list[Any] = []

    def note(*told: Any) -> None:
        if "FROM inbox" in told[2]:
            limits.append(silence.LOOKED_AT in (told[3].values() if isinstance(told[3], dict) else told[3]))

    event.listen(context.database.engine, "before_cursor_execute", note)
    with context.database.reading() as db:
        found = silence.unusual(db, now, [alice.id, bob.id])
    event.remove(context.database.engine, "before_cursor_execute", note)
    assert [(one.shop_id, one.cause) for one in found] == [(bob.id, "no webhook for 5.0 hours")]
    assert limits == [False, False, False, False, True, True]


def test_all_shops_are_asked_for_their_silence_a_few_at_a_heartbeat_and_again_after_ten_minutes(
    context: Context, alice: Shop, bob: Shop, charlie: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SLICE", 2)
    now, looked = clock.now(), []
    for seconds in (0, 5, 10, 604, 606, 611):
        with context.database.transaction() as db:
            looked.append(silence.turn(db, now + timedelta(seconds=seconds)))
    assert looked == [[alice.id, bob.id], [charlie.id], [], [], [alice.id, bob.id], [charlie.id]]


def test_the_daily_collection_is_rung_for_where_long_work_is_done(context: Context, alice: Shop) -> None:
    housekeeping.tick(context)
    nudge.flush()
    queue = context.settings.var / "broker" / "queue"
    rung = [path.name.split(".")[1] for path in queue.glob("*.msg") if "foretally.collect" in path.read_text()]
    assert rung == ["training"]
    housekeeping.collect(context)
    for message in queue.glob("*.msg"):
        message.unlink()
    housekeeping.tick(context)
    nudge.flush()
    assert not [path for path in queue.glob("*.msg") if "foretally.collect" in path.read_text()]
