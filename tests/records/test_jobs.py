"""A job is asked once, done by one worker at a time, and its result counts only from who holds it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import Conflict, NotFound
from shopify_app.records import jobs, shops
from shopify_app.records.jobs import ATTEMPTS, LostLease
from shopify_app.tables import Job, Shop

SOON = timedelta(0)
LATER = timedelta(hours=1)


def ask(database: Database, shop: Shop, kind: str = "retrain", cause: str = "because", **more: object) -> int:
    with database.transaction() as db:
        return jobs.ask(db, shop.id, kind, cause, **more)  # type: ignore[arg-type]


def claim(database: Database, *kinds: str) -> Job | None:
    with database.transaction() as db:
        return jobs.claim(db, kinds or ("retrain",))


def taken(database: Database, *kinds: str) -> Job:
    job = claim(database, *kinds)
    assert job is not None
    return job


def finish(database: Database, job: Job) -> None:
    with database.transaction() as db:
        jobs.finish(db, job, {"ok": True})


def stored(database: Database, job_id: int) -> Job:
    with database.reading() as db:
        return db.get_one(Job, job_id)


def expire(database: Database) -> None:
    with database.transaction() as db:
        db.execute(update(Job).values(lease_until=clock.now() - timedelta(seconds=1)))


def test_a_second_reason_joins_the_job_that_waits(database: Database, alice: Shop) -> None:
    first = ask(database, alice, cause="500 new orders", payload={"a": 1, "b": 1}, due_at=clock.now() + LATER)
    second = ask(database, alice, cause="a new day", payload={"b": 2})
    third = ask(database, alice, cause="a new day")
    assert first == second == third
    job = taken(database)
    assert (job.causes, job.payload) == (["500 new orders", "a new day"], {"a": 1, "b": 2, "asked": 2})
    assert claim(database) is None


def test_what_is_asked_while_a_job_runs_is_done_after_it(database: Database, alice: Shop) -> None:
    running = ask(database, alice)
    first = taken(database)
    waiting = ask(database, alice)
    assert waiting != running
    assert claim(database) is None
    finish(database, first)
    assert taken(database).id == waiting


def test_other_kinds_and_other_shops_are_not_held_up(database: Database, alice: Shop, bob: Shop) -> None:
    for shop in (alice, bob):
        for kind in ("retrain", "publish"):
            ask(database, shop, kind)
    found = [claim(database, "retrain", "publish") for _ in range(5)]
    assert len({(job.shop_id, job.kind) for job in found if job}) == 4
    assert found[4] is None


def test_a_shop_with_much_to_do_takes_turns_with_the_others(database: Database, alice: Shop, bob: Shop) -> None:
    for kind in ("a", "b", "c"):
        ask(database, alice, kind)
    ask(database, bob, "a")
    order = []
    while (job := claim(database, "a", "b", "c")) is not None:
        order.append(job.shop_id)
    assert order == [alice.id, bob.id, alice.id, alice.id]


def test_a_job_is_not_begun_before_it_is_due(database: Database, alice: Shop) -> None:
    ask(database, alice, due_at=clock.now() + LATER)
    assert claim(database) is None


def test_a_dead_worker_s_job_is_taken_over_and_the_dead_one_can_no_longer_finish_it(
    database: Database, alice: Shop
) -> None:
    ask(database, alice)
    dead = taken(database)
    expire(database)
    alive = taken(database)
    assert (alive.id, alive.attempts) == (dead.id, 2)
    for too_late in (
        lambda db: jobs.finish(db, dead, {}),
        lambda db: jobs.fail(db, dead, "x", retry_in=SOON),
        lambda db: jobs.renew(db, dead),
        lambda db: jobs.note(db, dead, "half way"),
    ):
        with pytest.raises(LostLease), database.transaction() as db:
            too_late(db)
    finish(database, alive)
    assert stored(database, alive.id).result == {"ok": True}


def test_the_effect_of_a_worker_that_lost_its_lease_is_rolled_back(database: Database, alice: Shop) -> None:
    ask(database, alice)
    slow = taken(database)
    expire(database)
    taken(database)

    def do_it() -> None:
        with database.transaction() as db:
            shops.get(db, alice.id).name = "changed"
            jobs.finish(db, slow)

    with pytest.raises(LostLease):
        do_it()
    with database.reading() as db:
        assert shops.get(db, alice.id).name == "Alice"


def test_a_renewed_lease_is_not_taken_over(database: Database, alice: Shop) -> None:
    ask(database, alice)
    job = taken(database)
    expire(database)
    with database.transaction() as db:
        jobs.renew(db, job)
    assert claim(database) is None


def test_a_job_that_always_fails_is_parked_and_can_be_replayed(database: Database, alice: Shop, bob: Shop) -> None:
    job_id = ask(database, alice)
    for _ in range(ATTEMPTS):
        with database.transaction() as db:
            jobs.fail(db, taken_in(db), "no disk", retry_in=SOON)
    assert claim(database) is None
    assert (stored(database, job_id).state, stored(database, job_id).error) == ("parked", "no disk")
    with database.transaction() as db:
        with pytest.raises(NotFound):
            jobs.replay(db, bob.id, job_id)
        jobs.replay(db, alice.id, job_id)
    assert taken(database).attempts == 1
    with database.transaction() as db, pytest.raises(Conflict):
        jobs.replay(db, alice.id, job_id)


def taken_in(db: object) -> Job:
    job = jobs.claim(db, ("retrain",))  # type: ignore[arg-type]
    assert job is not None
    return job


def test_a_job_that_kills_its_worker_each_time_is_parked_too(database: Database, alice: Shop) -> None:
    job_id = ask(database, alice)
    for _ in range(ATTEMPTS):
        taken(database)
        expire(database)
    assert claim(database) is None
    assert "gave up" in (stored(database, job_id).error or "")


def test_waiting_for_shopify_counts_as_no_attempt(database: Database, alice: Shop) -> None:
    ask(database, alice)
    for _ in range(ATTEMPTS + 2):
        with database.transaction() as db:
            jobs.postpone(db, taken_in(db), retry_in=SOON)
    assert taken(database).attempts == 1


def test_a_job_that_comes_further_may_fail_again_as_often(database: Database, alice: Shop) -> None:
    job_id = ask(database, alice)
    for on_the_way in (jobs.pause, None):
        for _ in range(ATTEMPTS - 1):
            with database.transaction() as db:
                jobs.fail(db, taken_in(db), "hiccup", retry_in=SOON)
        with database.transaction() as db:
            job = taken_in(db)
            if on_the_way:
                on_the_way(db, job, "half way", retry_in=SOON)
            else:
                jobs.advance(db, job)
                jobs.fail(db, job, "hiccup", retry_in=SOON)
    assert (stored(database, job_id).state, stored(database, job_id).attempts) == ("pending", 1)


def test_what_cannot_be_reached_is_tried_less_and_less_often_and_never_given_up(
    database: Database, alice: Shop
) -> None:
    job_id, waits = ask(database, alice), []
    for _ in range(12):
        with database.transaction() as db:
            jobs.wait_for_outside(db, taken_in(db), "HTTP 502")
        row = stored(database, job_id)
        waits.append(round((row.due_at - clock.now()).total_seconds() / 15))
        assert (row.state, row.attempts, row.error) == ("pending", 0, "HTTP 502")
        ask(database, alice)  # at once
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 240]
    with database.transaction() as db:
        jobs.pause(db, taken_in(db), "reached", retry_in=SOON)
    with database.transaction() as db:
        jobs.wait_for_outside(db, taken_in(db), "HTTP 502")
    assert stored(database, job_id).due_at < clock.now() + timedelta(seconds=16)


def test_a_failed_job_hands_over_to_the_one_that_was_asked_meanwhile(database: Database, alice: Shop) -> None:
    ask(database, alice, cause="first", payload={"day": 1, "kept": 1})
    job = taken(database)
    heir = ask(database, alice, cause="second", payload={"day": 2})
    with database.transaction() as db:
        jobs.fail(db, job, "broken", retry_in=LATER)
    assert stored(database, job.id).state == "done"
    again = taken(database)
    assert (again.id, again.attempts) == (heir, 2)
    assert (again.causes, again.payload) == (["second", "first"], {"day": 2, "kept": 1, "asked": 1})


def test_a_postponed_job_is_hurried_by_asking_again(database: Database, alice: Shop) -> None:
    job_id = ask(database, alice, "backfill")
    with database.transaction() as db:
        job = jobs.claim(db, ["backfill"])
        assert job is not None
        jobs.postpone(db, job, retry_in=LATER)
    assert claim(database, "backfill") is None
    assert ask(database, alice, "backfill", "a bulk query is completed") == job_id
    assert taken(database, "backfill").id == job_id


def test_jobs_of_a_shop_that_has_to_reopen_the_app_wait(database: Database, alice: Shop) -> None:
    ask(database, alice)
    with database.transaction() as db:
        assert jobs.open_count(db) == 1
        shops.needs_reopening(db, alice.id)
    assert claim(database) is None
    with database.reading() as db:
        assert jobs.open_count(db) == 0


def test_many_workers_do_each_job_once(database: Database, alice: Shop, bob: Shop, charlie: Shop) -> None:
    kinds = [f"kind-{number}" for number in range(8)]
    for shop in (alice, bob, charlie):
        for kind in kinds:
            ask(database, shop, kind)

    def work() -> list[int]:
        done = []
        while (job := claim(database, *kinds)) is not None:
            finish(database, job)
            done.append(job.id)
        return done

    with ThreadPoolExecutor(4) as pool:
        found = [running.result() for running in [pool.submit(work) for _ in range(4)]]
    done = [job_id for ids in found for job_id in ids] + work()
    assert len(done) == len(set(done)) == 24


def test_two_who_ask_at_once_get_one_job(database: Database, alice: Shop) -> None:
    ready = threading.Barrier(4)
    found: list[int] = []

    def demand() -> None:
        ready.wait()
        found.append(ask(database, alice))

    threads = [threading.Thread(target=demand) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    with database.reading() as db:
        assert len(db.scalars(select(Job.id)).all()) == 1


def test_a_claim_costs_the_same_however_many_jobs_are_done(database: Database, alice: Shop, bob: Shop) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL chooses its way by what it has counted; SQLite goes the same way each time")

    def steps() -> int:
        """What SQLite does for one claim, in hundreds of its steps."""
        counted: list[int] = []
        with database.transaction() as db:
            raw = db.connection().connection.driver_connection
            raw.set_progress_handler(lambda: counted.append(1), 100)  # type: ignore[union-attr]
            assert jobs.claim(db, ["retrain"]) is not None
            raw.set_progress_handler(None, 0)  # type: ignore[union-attr]
            db.rollback()
        return len(counted)

    ask(database, alice)
    ask(database, bob)
    before = steps()
    done = {"kind": "retrain", "state": "done", "due_at": clock.now(), "created_at": clock.now()}
    with database.transaction() as db:
        db.add_all([Job(shop_id=shop.id, **done) for shop in (alice, bob) for _ in range(500)])
    assert steps() <= before + 1
