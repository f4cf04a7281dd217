"""Ask for a shop's history or for a reconcile by hand, and follow it to its end."""

import sys
import time
from datetime import date, datetime, timedelta
from datetime import time as midnight
from typing import Any

from shopify_app import clock
from shopify_app.commands import BadArgument
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import ForetallyError, NotFound
from shopify_app.nudge import nudge
from shopify_app.records import canary, jobs, shops
from shopify_app.tables import Job, Shop, ShopState, WorkState

RINGS = {"backfill": "train", "reconcile": "work"}
"""Who does it."""
LOOK_AGAIN = 0.3
EARLIEST = date(2000, 1, 1)
"""No order of Shopify's is older, and its search takes no years of three digits."""
SILENT = timedelta(seconds=60)
"""Without a heartbeat for so long, no worker runs."""


class NobodyWorks(ForetallyError):
    """No worker runs to do what was asked for; it waits."""


class NotDone(ForetallyError):
    """What was asked for was tried too often and is parked."""


def read(settings: Settings, domain: str, kind: str, since: date | None, *, wait: bool) -> dict[str, Any]:
    """Ask for a `backfill` or `reconcile`, from a day of the shop on when one is given; what came of it.

    Raises NotFound, BadArgument, NobodyWorks or NotDone. Interrupted, the job goes on without us.
    """
    database = Database.of(settings)
    with database.transaction() as db:
        shop = installed(shops.by_domain(db, domain), domain)
        _check_day(shop, since)
        payload: dict[str, Any] = {"state": {}, "since": _start_of(shop, since).isoformat() if since else None}
        job_id = jobs.ask(db, shop.id, kind, "asked for by hand", payload=payload)
    nudge(RINGS[kind])
    told: dict[str, Any] = {"shop": domain, "job": job_id}
    return told | (followed(database, job_id) if wait else {"state": "asked for"})


def installed(shop: Shop | None, domain: str) -> Shop:
    """The shop, if it is one to work for. Raises NotFound, or ForetallyError when its token is gone."""
    if shop is None or shop.state == ShopState.UNINSTALLED:
        raise NotFound(f"no shop {domain} has the app installed")
    if shop.state == ShopState.NEEDS_REOPENING:
        raise ForetallyError(f"{domain} has to open the app again first: its access token is gone")
    return shop


def _check_day(shop: Shop, since: date | None) -> None:
    today = max(clock.day_in(clock.now(), shop.time_zone), shop.business_on or date.min)
    if since is not None and not EARLIEST <= since <= today:
        raise BadArgument(f"--since {since} is no day from {EARLIEST} to {today}")


def _start_of(shop: Shop, on: date) -> datetime:
    return datetime.combine(on, midnight(), clock.zone(shop.time_zone))


def followed(database: Database, job_id: int) -> dict[str, Any]:
    """What came of a job; how far it is, is told on the way. Raises NobodyWorks or NotDone."""
    said = None
    while True:
        with database.reading() as db:
            job = db.get_one(Job, job_id)
            heard = canary.age(db, clock.now())
        if job.state == WorkState.DONE and (job.result or {}).get("joined"):
            job_id = int((job.result or {})["joined"])
        elif job.state == WorkState.DONE:
            return {"state": "done", **(job.result or {})}
        elif job.state == WorkState.PARKED:
            raise NotDone(f"job {job.id} is parked after {job.attempts} attempts: {job.error}")
        elif heard is None or heard > SILENT:
            raise NobodyWorks(f"no worker runs: job {job.id} waits for one (python -m shopify_app up)")
        said = _say(job.progress or job.error, said)
        time.sleep(LOOK_AGAIN)


def _say(progress: str | None, said: str | None) -> str | None:
    """Each new line once, on stderr: stdout is for the result."""
    if progress and progress != said:
        print(progress, file=sys.stderr, flush=True)
    return progress or said
