"""`python -m shopify_app snapshot …` and `gc`, on a shop whose models were really trained."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import ingest, jobs, payloads, retention, shops
from shopify_app.tables import ForecastRun, Shop, Snapshot, Turn, Version
from tests.conftest import Say
from tests.factories import order, product
from tests.worlds import World
from workers import housekeeping, retrain
from workers.context import Context

FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def trained(context: Context, world: World, installed: Callable[[str], Shop]) -> Shop:
    """Sixty days of sales, two orders a day, and a version of each task."""
    with world.made_once() as is_new:
        alice = installed("alice")
        if is_new:
            sell_and_train(context, alice)
    return alice


def sell_and_train(context: Context, alice: Shop) -> None:
    sold = [
        order(
            number,
            created_at=(FIRST + timedelta(hours=12 * number)).isoformat(),
            lines=((number % 3 + 1, 1 + number % 2, "9.50"), (4, 1, "3.00")),
            customer=number % 11 or None,
        )
        for number in range(1, 121)
    ]
    with context.database.transaction() as db:
        shop = shops.get(db, alice.id)
        ingest.apply_backfill(db, shop, [payloads.order(one) for one in sold], business_clock="data")
        ingest.apply_products(db, shop, [payloads.product(product(number)) for number in range(1, 5)])
    assert set(retrained(context, alice)) == {"forecast", "recommend"}


def retrained(context: Context, shop: Shop) -> dict[str, Any]:
    with context.database.transaction() as db:
        jobs.ask(db, shop.id, "retrain", "asked for by a test")
    with context.database.transaction() as db:
        job = jobs.claim(db, ["retrain"])
    assert job is not None
    with context.database.reading() as db:
        told = retrain.run(context, shops.get(db, shop.id), job)
    with context.database.transaction() as db:
        jobs.finish(db, job, told)
    return told


def test_snapshots_are_shown_checked_and_reproduced_and_a_flipped_bit_is_named(
    context: Context, database: Database, trained: Shop, say: Say
) -> None:
    shop = ("--shop", trained.domain)
    code, told = say("snapshot", "show", *shop)
    ((found,), name) = told["snapshots"], told["snapshots"][0]["id"]
    assert (code, found["orders"]) == (0, 118)
    assert sorted(found["needed_by"]) == ["forecast 1 (champion)", "recommend 1 (champion)"]
    code, told = say("snapshot", "show", *shop, name[:8])
    assert {file["name"]: file["rows"] for file in told["files"]}["lines/2026-01.parquet"] == 120
    assert say("snapshot", "verify", *shop) == (0, {"ok": True, "verified": 1, "damaged": {}})
    for task in ("forecast", "recommend"):
        code, told = say("snapshot", "reproduce", *shop, task, "1")
        assert (code, told["verdict"]) == (0, "the same bytes")
        assert told["bundle"] == told["bundle_again"]
    code, told = say("snapshot", "reproduce", *shop, "forecast", "1")
    assert told["forecast"] == {"after": "2026-03-01", "snapshot": name, "verdict": "the same bytes"}
    with database.transaction() as db:
        db.execute(update(ForecastRun).values(windows_sha256="d" * 64))
    code, told = say("snapshot", "reproduce", *shop, "forecast", "1")
    assert (code, told["verdict"], told["forecast"]["files_that_differ"]) == (1, "the same bytes", ["windows.parquet"])
    with database.transaction() as db:
        db.execute(update(ForecastRun).values(snapshot_id="gone"))
    code, told = say("snapshot", "reproduce", *shop, "forecast", "1")
    assert (code, told["forecast"]["verdict"]) == (0, "its snapshot is no longer here")
    path = context.objects.path(files(database, trained)["lines/2026-01.parquet"])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:])
    code, told = say("snapshot", "verify", *shop, name[:8])
    assert (code, told["damaged"]) == (1, {name: ["lines/2026-01.parquet"]})
    _, shown = say("snapshot", "show", *shop, name)
    assert told["objects"] == [one["sha256"] for one in shown["files"] if one["name"] == "lines/2026-01.parquet"]
    code, said = say("snapshot", "reproduce", *shop, "forecast", "1")
    assert code == 1
    assert "lines/2026-01.parquet" in said


def files(database: Database, shop: Shop) -> dict[str, str]:
    with database.reading() as db:
        (snapshot,) = db.scalars(select(Snapshot).where(Snapshot.shop_id == shop.id))
        return {file["name"]: file["sha256"] for file in snapshot.manifest["files"]}


def test_what_cannot_be_reproduced_says_what_differs(
    context: Context, database: Database, trained: Shop, say: Say
) -> None:
    again = ("snapshot", "reproduce", "--shop", trained.domain, "recommend", "1")
    with database.transaction() as db:
        db.execute(update(Version).where(Version.task == "recommend").values(bundle="b" * 64, code_version="0" * 64))
    code, told = say(*again)
    assert (code, told["ok"]) == (1, False)
    assert "the training code is another one now (then 000000000000, now " in told["verdict"]
    assert told["files_that_differ"] == ["the version's own bundle is not here"]
    with database.transaction() as db:
        db.execute(update(Version).values(algorithm="table"))
    code, said = say(*again)
    assert (code, "was imported, not trained here" in said) == (1, True)
    with database.transaction() as db:
        db.execute(Snapshot.__table__.delete())  # type: ignore[attr-defined]
    code, said = say(*again)
    assert (code, "has no snapshot" in said) == (1, True)


def test_a_shop_sees_only_its_own_snapshots(trained: Shop, bob: Shop, say: Say) -> None:
    _, told = say("snapshot", "show", "--shop", trained.domain)
    name = told["snapshots"][0]["id"]
    assert say("snapshot", "show", "--shop", bob.domain) == (0, {"snapshots": []})
    for words in (("show", name), ("verify", name), ("diff", name, name)):
        code, said = say("snapshot", words[0], "--shop", bob.domain, *words[1:])
        assert (code, "has no snapshot" in said) == (1, True)
    assert say("snapshot", "show", "--shop", "nobody.myshopify.com")[0] == 1


def test_a_diff_for_people_counts_and_names(context: Context, database: Database, trained: Shop, say: Say) -> None:
    with database.transaction() as db:
        late = order(500, created_at="2026-01-20T10:00:00+00:00", lines=((4, 7, "3.00"),))
        ingest.apply_backfill(db, shops.get(db, trained.id), [payloads.order(late)], business_clock="data")
    retrained(context, trained)
    with database.reading() as db:
        old, new = db.scalars(select(Snapshot.id).order_by(Snapshot.created_at))
    code, said = say("snapshot", "diff", "--shop", trained.domain, old[:10], new[:10], as_json=False)
    assert code == 0
    assert "orders added, 1:\n  500" in said
    assert "lines changed, 0: none" in said
    assert said.split("lines added, 1:\n")[1].split("\n")[:2] == [
        "  order_id  product_id  units_before  units_after  amount_before  amount_after",
        "  500       4           none          7            none           21.0",
    ]


def test_collecting_is_told_and_done_once_a_day(context: Context, database: Database, trained: Shop, say: Say) -> None:
    stray = context.objects.put(b"nobody's")
    code, told = say("gc")
    assert (code, told["objects"], told["removed_objects"]) == (0, len(list(context.objects.list())), [])
    long_ago = clock.now() - retention.GRACE - timedelta(hours=1)
    os.utime(context.objects.path(stray), (long_ago.timestamp(), long_ago.timestamp()))
    assert say("gc", "--dry-run")[1]["would_remove_objects"] == [stray]
    housekeeping.collect(context)
    assert stray not in set(context.objects.list())
    again = context.objects.put(b"nobody's")
    os.utime(context.objects.path(again), (long_ago.timestamp(), long_ago.timestamp()))
    housekeeping.collect(context)
    assert again in set(context.objects.list())
    with database.transaction() as db:
        db.execute(update(Turn).where(Turn.queue == "collect").values(served_at=long_ago))
    housekeeping.collect(context)
    assert again not in set(context.objects.list())
    assert say("snapshot", "verify", "--shop", trained.domain)[0] == 0


def test_files_that_were_let_go_are_missed_clearly_and_made_again_to_the_byte(
    context: Context, database: Database, trained: Shop, say: Say
) -> None:
    shop = ("--shop", trained.domain)
    for number in (600, 601):
        late = order(number, created_at=f"2026-02-2{number - 599}T10:00:00+00:00", lines=((number % 3 + 1, 7, "3.00"),))
        with database.transaction() as db:
            ingest.apply_backfill(db, shops.get(db, trained.id), [payloads.order(late)], business_clock="data")
        retrained(context, trained)
    with database.reading() as db:
        second = db.scalars(select(Version).where(Version.task == "recommend", Version.number == 2)).one()
    assert second.state == "expired"
    long_ago = clock.now() - timedelta(days=40)
    with database.transaction() as db:
        db.execute(update(Version).values(created_at=long_ago, left_at=long_ago))
    assert say("gc")[1]["versions_let_go"] > 0
    os.utime(context.objects.path(second.bundle), (long_ago.timestamp(), long_ago.timestamp()))
    assert second.bundle in say("gc")[1]["removed_objects"]
    assert second.bundle not in set(context.objects.list())
    code, said = say("promote", *shop, "recommend", "2")
    assert (code, "the files of recommend version 2 were let go on 20" in said) == (1, True)
    code, told = say("snapshot", "reproduce", *shop, "recommend", "2")
    assert (code, told["verdict"], told["files"][-19:]) == (0, "the same bytes", " and are here again")
    assert say("gc")[1]["versions_let_go"] == 0
    assert context.objects.verify(second.bundle)
    assert say("promote", *shop, "recommend", "2")[0] == 0
    assert "files" not in say("snapshot", "reproduce", *shop, "recommend", "2")[1]


def test_files_that_were_let_go_and_cannot_be_made_again_are_told_as_such(
    context: Context, database: Database, trained: Shop, say: Say
) -> None:
    again = ("snapshot", "reproduce", "--shop", trained.domain, "recommend", "1")
    with database.transaction() as db:
        db.execute(update(Version).values(let_go_at=clock.now(), bundle="b" * 64))
    code, told = say(*again)
    assert (code, told["files_that_differ"]) == (1, [told["files"]])
    assert told["files"].startswith("the files of recommend version 1 were let go on ")
    with database.transaction() as db:
        db.execute(Snapshot.__table__.delete())  # type: ignore[attr-defined]
    code, said = say(*again)
    assert (code, "and cannot be made again: " in said) == (1, True)
