"""Publishing is killed half-way, again and again: the next process writes what is left, and nothing twice."""

import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import update

from shopify_app import clock, nudge
from shopify_app.records import jobs
from shopify_app.tables import Job, WorkState
from tests.long.app_processes import kill, running, wait
from tests.reading.conftest import OpenTown, Town, open_town
from tests.reading.publishing import noted, open_with_lists, selling, there

__all__ = ["open_town"]
pytestmark = pytest.mark.long

MANY = range(1, 601)
"""Twenty-four writes of twenty-five lists."""
KILLS = (20, 160, 310, 480)
"""After so many lists are with Shopify: fewer kills than make a job be given up."""


@pytest.fixture
def town(open_town: OpenTown) -> Town:
    """Two shops with the same products, whose app has other lists for each."""
    near = {
        handle: {number: [(number + away) % 600 + 1, (number + 2 * away) % 600 + 1] for number in MANY}
        for handle, away in (("alice", 1), ("bob", 7))
    }
    opened = open_town(**selling(MANY))
    open_with_lists(opened, near, ["backfill", "catalogue", "pixel", "publish", "reconcile", "retrain"])
    return opened


def written(town: Town, handle: str) -> int:
    """How many metafields Shopify has written for the shop, each time they were."""
    return town.store.shop(handle).traffic.counts["metafield"]


def publish(town: Town, handle: str) -> int:
    with town.context.database.transaction() as db:
        job_id = jobs.ask(db, town.shop(handle).id, "publish", "test")
    nudge.nudge("work")
    return job_id


def killed_at(town: Town, handle: str, lists: int, worker: ExitStack) -> None:
    """kill -9 as soon as Shopify has so many lists: amid a write, before its answer. Then the lease ends."""
    process = worker.enter_context(running(town.context.settings, "desk", DEV_SHOPIFY_URL=town.store.base_url))
    deadline = time.monotonic() + 60
    while written(town, handle) < lists:
        assert time.monotonic() < deadline, (town.context.settings.var / "desk.log").read_text()[-2000:]
        time.sleep(0.0005)
    kill(process)
    with town.context.database.transaction() as db:
        past = clock.now() - timedelta(seconds=1)
        db.execute(update(Job).where(Job.kind == "publish").values(lease_until=past))
    nudge.nudge("work")


def row(town: Town, job_id: int) -> Job:
    with town.context.database.reading() as db:
        return db.get_one(Job, job_id)


def test_publishing_that_is_killed_goes_on_where_it_was_and_writes_nothing_twice(town: Town) -> None:
    job_id = publish(town, "alice")
    unknown = []
    with ExitStack() as workers:
        for count in KILLS:
            killed_at(town, "alice", count, workers)
            unknown.append(written(town, "alice") - len(noted(town, "alice")))
        assert count <= written(town, "alice") < len(MANY)
        assert row(town, job_id).state != WorkState.DONE
        workers.enter_context(running(town.context.settings, "desk", DEV_SHOPIFY_URL=town.store.base_url))
        wait("the rest", lambda: nudge.nudge("work") or row(town, job_id).state == WorkState.DONE, 90)
    done = row(town, job_id)
    assert done.state == WorkState.DONE
    assert any(unknown), "no kill came between Shopify's write and our note of it"
    assert written(town, "alice") == len(MANY) + 1  # and the shop's own list
    shown = there(town, "alice")
    assert shown == noted(town, "alice")
    assert {number: held[:2] for number, held in shown.items()} == {
        number: [(number + 1) % 600 + 1, (number + 2) % 600 + 1] for number in MANY
    }
    assert there(town, "bob") == {}
