"""Claim jobs and run them: the one place that retries."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from shopify_app.errors import NeedsReopening, ObjectsUnavailable, ShopifyUnavailable, Throttled, Unauthorised
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.records import jobs, leases, shops
from shopify_app.tables import Job, Shop
from workers import backfill, catalogue, holdout, mailing, memory, pixel, publish, reconcile
from workers.context import Context
from workers.waiting import GiveUp, NotYet

LEASE = timedelta(seconds=60)
"""A killed worker's job is taken over after this long; a living one renews three times as often."""
RETRY = timedelta(seconds=30)
SOON = timedelta(seconds=1)
TURN = 2.0
"""Seconds of the desk's jobs before deliveries, alerts and the heartbeat, which rang meanwhile, have their turn."""

Work = Callable[[Context, Shop, Job], dict[str, Any]]


def _training() -> dict[str, Work]:
    """Imported late: only a process that trains pays for the libraries."""
    from workers import evaluate, retrain

    memory.frugal()
    return {"night": evaluate.run, "retrain": retrain.run}


DESK_JOBS = ("catalogue", "holdout", "pixel", "publish", "reconcile")
TRAINING_JOBS = ("backfill", "mailing", "night", "retrain")
"""Long work: a history of years must not keep the desk from the webhooks that come meanwhile."""
_began = 0.0


def take_turn(context: Context, rung_at: float | None = None) -> int:
    """Run the desk's jobs for a moment, and ring for the rest, behind what waits by now. Returns how many ran.

    A ring from before the latest turn was answered by it, and by the ring at its end. Were it a turn of its own, with
    a ring at its own end, a busy desk would have more of them each second, and all else would come later and later.
    """
    global _began
    now = time.time()
    if rung_at is not None and rung_at < _began <= now:
        return 0
    ran = drain(context, DESK_JOBS, TURN)
    if ran:
        _began = now
    return ran


def drain(context: Context, kinds: Sequence[str], seconds: float | None = None) -> int:
    """Run jobs of these kinds until none is due, or begin none any more after so many seconds. Returns how many ran."""
    ran, until = 0, time.monotonic() + seconds if seconds is not None else None
    while (ran == 0 or until is None or time.monotonic() < until) and (job := _claim(context, kinds)) is not None:
        try:
            _run(context, job)
        except jobs.LostLease:
            log.warning("another worker took over, or the shop is gone", job=job.id, kind=job.kind)
        memory.give_back()
        ran += 1
    if ran:
        for name in ("work", "train", "deliver"):
            nudge(name)
    return ran


def _claim(context: Context, kinds: Sequence[str]) -> Job | None:
    with context.database.transaction() as db:
        return jobs.claim(db, kinds, lease=LEASE)


def _run(context: Context, job: Job) -> None:
    with context.database.reading() as db:
        shop = shops.get(db, job.shop_id)
    try:
        with leases.renewed(lambda: _renew(context, job), LEASE):
            result = _work(job.kind)(context, shop, job)
        _finish(context, job, result)
    except NotYet as later:
        _pause(context, job, later)
    except GiveUp as why:
        _park(context, job, str(why))
    except Throttled as busy:
        _postpone(context, job, str(busy), timedelta(seconds=busy.wait))
    except (ShopifyUnavailable, ObjectsUnavailable) as down:
        _wait_for_outside(context, job, shop, f"{type(down).__name__}: {down}")
    except NeedsReopening as gone:
        _postpone(context, job, str(gone), timedelta(hours=1))
    except Unauthorised as refused:
        _fail(context, job, str(refused), SOON)
    except jobs.LostLease:
        raise
    except Exception as error:
        log.exception("job failed", job=job.id, kind=job.kind, shop=shop.domain)
        _fail(context, job, f"{type(error).__name__}: {error}", RETRY * job.attempts)


def _renew(context: Context, job: Job) -> None:
    with context.database.transaction() as db:
        jobs.renew(db, job, lease=LEASE)


def _work(kind: str) -> Work:
    known: dict[str, Work] = {
        "backfill": backfill.run,
        "catalogue": catalogue.run,
        "holdout": holdout.run,
        "mailing": mailing.run,
        "pixel": pixel.run,
        "publish": publish.run,
        "reconcile": reconcile.run,
    }
    return known[kind] if kind in known else _training()[kind]


def _finish(context: Context, job: Job, result: dict[str, Any]) -> None:
    with context.database.transaction() as db:
        jobs.finish(db, job, result)
    log.info("job done", job=job.id, kind=job.kind, causes=job.causes, result=result)


def _pause(context: Context, job: Job, later: NotYet) -> None:
    with context.database.transaction() as db:
        jobs.pause(db, job, str(later), retry_in=timedelta(seconds=later.wait))


def _postpone(context: Context, job: Job, why: str, wait: timedelta) -> None:
    with context.database.transaction() as db:
        jobs.postpone(db, job, retry_in=wait, error=why)


def _wait_for_outside(context: Context, job: Job, shop: Shop, why: str) -> None:
    with context.database.transaction() as db:
        jobs.wait_for_outside(db, job, why)
    log.warning("job has to wait", job=job.id, kind=job.kind, shop=shop.domain, why=why[:200])


def _park(context: Context, job: Job, why: str) -> None:
    with context.database.transaction() as db:
        jobs.park(db, job, why)
    log.warning("job given up", job=job.id, kind=job.kind, why=why)


def _fail(context: Context, job: Job, error: str, wait: timedelta) -> None:
    with context.database.transaction() as db:
        jobs.fail(db, job, error[:2000], retry_in=wait)
