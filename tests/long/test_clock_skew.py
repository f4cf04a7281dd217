"""Workers whose clocks are an hour off: leases go by the database's clock, so nobody takes what another one holds.

On PostgreSQL alone: the processes that share a SQLite file are on one machine and have one clock.
"""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import jobs
from shopify_app.tables import Event, EventState, Job, Order, Shop, WorkState
from tests import factories
from tests.conftest import Deliver
from tests.long.app_processes import environ, program

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600
KINDS = [f"kind{number}" for number in range(12)]


@pytest.fixture(scope="module")
def skew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that shifts the clock of the process it is loaded into."""
    made = tmp_path_factory.mktemp("skew") / "skew.so"
    source = Path(__file__).with_name("skew.c")
    subprocess.run([program("cc"), "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"], check=True)
    return made


def worker(settings: Settings, skew: Path, seconds: int) -> "subprocess.Popen[str]":
    """One that lives so many seconds ahead; it is there when it has said what time it takes it to be."""
    made = subprocess.Popen(
        [sys.executable, "-m", "tests.long.skewed_worker", ",".join(KINDS)],
        cwd=ROOT,
        env=environ(settings) | {"LD_PRELOAD": str(skew), "SKEW": str(seconds)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert made.stdout is not None
    believed = datetime.fromisoformat(made.stdout.readline().strip())
    assert abs(believed - clock.now() - timedelta(seconds=seconds)) < timedelta(minutes=1)
    return made


def told(process: "subprocess.Popen[str]") -> dict[str, list[int]]:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    answer: dict[str, list[int]] = json.loads(out)
    return answer


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_workers_an_hour_ahead_and_behind_do_everything_once(
    database: Database, settings: Settings, alice: Shop, bob: Shop, deliver: Deliver, skew: Path
) -> None:
    for shop in (alice, bob):
        with database.transaction() as db:
            for kind in KINDS:
                jobs.ask(db, shop.id, kind, "test")
        for number in range(1, 61):
            deliver(shop, "orders/create", factories.order(number, note=shop.domain))
    workers = [worker(settings, skew, seconds) for seconds in (-HOUR, 0, HOUR)]
    for process in workers:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [told(process) for process in workers]
    ran = sorted(job for answer in answers for job in answer["ran"])
    with database.reading() as db:
        assert ran == sorted(db.scalars(select(Job.id).where(Job.kind.in_(KINDS), Job.state == WorkState.DONE)))
        assert db.scalar(select(func.count()).select_from(Order)) == 120
        assert db.scalar(select(func.count()).select_from(Event).where(Event.state == EventState.PENDING)) == 0
    assert len(ran) == 24
    assert all(len(answer["ran"]) > 2 for answer in answers)
    assert sum(answer["drained"] for answer in answers) == 120
