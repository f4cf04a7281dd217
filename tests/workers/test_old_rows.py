"""Old rows go in pieces: a shop that has many of them keeps neither webhooks nor the desk waiting."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from shopify_app import clock
from shopify_app.db import Database, insert_many
from shopify_app.errors import ObjectsUnavailable
from shopify_app.records import ageing
from shopify_app.tables import Export, Exposure, ForecastRun, ForecastTotal, Job, Shop, View, ViewKind, WorkState
from workers import housekeeping
from workers.context import Context


def look_long_ago(database: Database, shop: Shop, times: int) -> None:
    at = clock.now() - timedelta(days=100)
    same = {"shop_id": shop.id, "kind": ViewKind.VIEWED.value, "visitor": 1, "seen_at": at, "product_id": 1}
    with database.transaction() as db:
        insert_many(db, View, [same | {"event_id": str(n)} for n in range(times)])


def left(database: Database) -> int:
    with database.reading() as db:
        return db.scalars(select(func.count(View.id))).one()


def test_a_heartbeat_takes_some_old_views_and_the_next_ones_the_rest(context: Context, alice: Shop, bob: Shop) -> None:
    look_long_ago(context.database, alice, housekeeping.MOST_ROWS + 10)
    look_long_ago(context.database, bob, 10)
    housekeeping.tick(context)
    assert left(context.database) == 20
    housekeeping.tick(context)
    assert left(context.database) == 0
    look_long_ago(context.database, alice, 1)
    housekeeping.tick(context)
    assert left(context.database) == 1  # tomorrow


def test_old_rows_of_many_shops_go_a_few_shops_at_a_heartbeat_the_longest_unserved_first(
    context: Context, alice: Shop, bob: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "RETIRED", 1)
    for shop in (alice, bob):
        look_long_ago(context.database, shop, 3)
    housekeeping.tick(context)
    assert left(context.database) == 3
    look_long_ago(context.database, alice, 1)  # she had her turn today
    housekeeping.tick(context)
    assert left(context.database) == 1
    housekeeping.tick(context)
    assert left(context.database) == 1


TODAY = date(2026, 3, 10)


def answer(shop: Shop, on: date, number: int) -> Exposure:
    return Exposure(
        shop_id=shop.id,
        request_id=str(number),
        answered_at=clock.now(),
        answered_on=on,
        asked=[1],
        version_id=1,
        answer=[2],
        microseconds=1,
    )


def forecast(shop: Shop, on: date, version_id: int) -> ForecastRun:
    same = {"snapshot_id": "0" * 64, "days_sha256": "1" * 64, "windows_sha256": "2" * 64, "was_champion": True}
    return ForecastRun(shop_id=shop.id, version_id=version_id, origin_on=on, created_at=clock.now(), **same)


def job(shop: Shop, kind: str, days_ago: int, state: WorkState) -> Job:
    at = clock.now() - timedelta(days=days_ago)
    return Job(shop_id=shop.id, kind=kind, state=state, due_at=at, created_at=at, started_at=at, finished_at=at)


def test_answers_forecasts_and_finished_jobs_go_with_age_and_what_is_still_looked_at_stays(
    context: Context, alice: Shop, bob: Shop
) -> None:
    with context.database.transaction() as db:
        for shop in (alice, bob):
            db.get_one(Shop, shop.id).business_on = TODAY
        for number, days in enumerate((0, 90, 91, 200)):
            db.add(answer(alice, TODAY - timedelta(days=days), number))
        for version, days in ((1, 0), (1, 400), (1, 401), (2, 500)):
            run = forecast(alice, TODAY - timedelta(days=days), version)
            db.add(run)
            db.flush()
            on = {"day_on": TODAY, "mean": 1.0, "p10": 0.5, "p50": 1.0, "p90": 2.0}
            db.add(ForecastTotal(shop_id=alice.id, run_id=run.id, **on))
        db.add(answer(bob, TODAY - timedelta(days=10), 1))
        db.add_all(
            [
                job(alice, "publish", 100, WorkState.DONE),
                job(alice, "publish", 70, WorkState.DONE),
                job(alice, "retrain", 100, WorkState.DONE),
                job(alice, "retrain", 100, WorkState.PARKED),
                job(alice, "retrain", 5, WorkState.DONE),
                job(bob, "publish", 100, WorkState.DONE),
            ]
        )
    with context.database.reading() as db:
        first, second = (db.get_one(Shop, shop.id) for shop in (alice, bob))
    assert ageing.retire(context.database, first, clock.now(), 1_000) == 2 + 2 + 2
    assert ageing.retire(context.database, second, clock.now(), 1_000) == 0
    with context.database.reading() as db:
        answered = db.scalars(select(Exposure.answered_on).where(Exposure.shop_id == alice.id)).all()
        assert sorted(answered) == [TODAY - timedelta(days=90), TODAY]
        kept = db.scalars(select(ForecastRun.origin_on).order_by(ForecastRun.origin_on)).all()
        assert kept == [TODAY - timedelta(days=400), TODAY]
        assert db.scalar(select(func.count()).select_from(ForecastTotal)) == 2
        mine = db.scalars(select(Job).where(Job.shop_id == alice.id).order_by(Job.id))
        assert [(one.kind, one.state) for one in mine] == [
            ("publish", "done"),
            ("retrain", "parked"),
            ("retrain", "done"),
        ]


def test_a_shop_s_old_rows_are_found_without_reading_the_jobs_of_others(
    context: Context, alice: Shop, bob: Shop
) -> None:
    if not context.database.is_sqlite:
        pytest.skip("PostgreSQL chooses its way by what it has counted; SQLite goes the same way each time")

    def steps() -> int:
        """What SQLite does to find nothing old of Alice, in hundreds of its steps."""
        counted: list[int] = []
        with context.database.reading() as db:
            raw = db.connection().connection.driver_connection
            raw.set_progress_handler(lambda: counted.append(1), 100)  # type: ignore[union-attr]
        assert ageing.retire(context.database, alice, clock.now(), 1_000) == 0
        with context.database.reading() as db:
            raw = db.connection().connection.driver_connection
            raw.set_progress_handler(None, 0)  # type: ignore[union-attr]
        return len(counted)

    before = steps()
    with context.database.transaction() as db:
        db.add_all([job(bob, "publish", 1, WorkState.DONE) for _ in range(500)])
    assert steps() <= before + 1


def test_files_for_merchants_expire_while_the_object_store_is_away(
    context: Context, alice: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: object) -> None:
        raise ObjectsUnavailable("the bucket may not be listed")

    now = clock.now()
    with context.database.transaction() as db:
        db.add(Export(shop_id=alice.id, mark=1, asked_at=now, expires_at=now - timedelta(hours=1)))
    monkeypatch.setattr(type(context.objects), "entries", away)
    with pytest.raises(ObjectsUnavailable):
        housekeeping.collect(context)
    with context.database.reading() as db:
        assert db.scalars(select(Export)).all() == []
