"""What waits, runs and was given up, for whoever has to get it going again."""

from datetime import timedelta

import pytest

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import jobs, outbox
from shopify_app.tables import Effect, Job, Shop, WorkState
from tests.conftest import Say


@pytest.fixture
def work(database: Database, alice: Shop, bob: Shop) -> dict[str, int]:
    """Jobs of Alice's in each state and an effect that was given up; the same job of Bob's was given up, too."""
    with database.transaction() as db:
        found = {kind: jobs.ask(db, alice.id, kind, "test") for kind in ("backfill", "night", "publish")}
        found["bob's"] = jobs.ask(db, bob.id, "night", "test")
        running, lost = db.get_one(Job, found["backfill"]), db.get_one(Job, found["publish"])
        running.started_at, running.lease_until = clock.now(), clock.now() + timedelta(minutes=1)
        running.progress = "9 of 10 orders read"
        lost.started_at, lost.lease_until = clock.now(), clock.now() - timedelta(minutes=1)
        for name in ("night", "bob's"):
            row = db.get_one(Job, found[name])
            row.state, row.attempts, row.error, row.started_at = WorkState.PARKED, 5, "no disk", clock.now()
        outbox.put(db, alice.id, "flow_trigger", "alert-1", {})
        db.flush()
        effect = db.query(Effect).one()
        effect.state, effect.attempts, effect.error = WorkState.PARKED, 12, "HTTP 404"
    return found


def test_jobs_and_effects_are_listed_with_what_they_wait_for(say: Say, alice: Shop, work: dict[str, int]) -> None:
    code, told = say("jobs", "list", "--shop", alice.domain)
    assert code == 0
    assert {row["kind"]: (row["state"], row["why"]) for row in told["jobs"]} == {
        "backfill": ("running", "9 of 10 orders read"),
        "night": ("parked", "no disk"),
        "publish": ("waiting", None),
    }
    assert [(row["state"], row["why"], row["key"]) for row in told["effects"]] == [("parked", "HTTP 404", "alert-1")]


def test_all_shops_are_listed_without_one(say: Say, alice: Shop, bob: Shop, work: dict[str, int]) -> None:
    code, said = say("jobs", "list", as_json=False)
    assert (code, alice.domain in said, bob.domain in said, "no disk" in said) == (0, True, True, True)


def test_what_was_given_up_is_set_going_for_the_shop_that_is_named_alone(
    say: Say, database: Database, alice: Shop, work: dict[str, int]
) -> None:
    assert say("jobs", "replay", "--shop", alice.domain) == (0, {"jobs": 1, "effects": 1})
    with database.reading() as db:
        again, others, running = (db.get_one(Job, work[name]) for name in ("night", "bob's", "backfill"))
        assert (again.state, again.attempts, again.started_at) == (WorkState.PENDING, 0, None)
        assert (others.state, running.progress) == (WorkState.PARKED, "9 of 10 orders read")
        assert db.query(Effect).one().state == WorkState.PENDING
    assert say("jobs", "replay", "--shop", alice.domain) == (0, {"jobs": 0, "effects": 0})


def test_what_was_given_up_is_set_going_for_every_shop_when_that_is_said(say: Say, work: dict[str, int]) -> None:
    code, said = say("jobs", "replay", as_json=False)
    assert (code, said.count("\n"), "say --shop SHOP, or --all" in said) == (2, 1, True)
    assert say("jobs", "replay", "--all") == (0, {"jobs": 2, "effects": 1})


def test_a_job_that_was_asked_for_anew_meanwhile_takes_the_one_given_up_with_it(
    say: Say, database: Database, alice: Shop, work: dict[str, int]
) -> None:
    with database.transaction() as db:
        waiting = jobs.ask(db, alice.id, "night", "a new day")
    assert say("jobs", "replay", "--shop", alice.domain)[1]["jobs"] == 1
    with database.reading() as db:
        assert db.get_one(Job, work["night"]).state == WorkState.DONE
        assert db.get_one(Job, waiting).causes == ["a new day", "test"]
