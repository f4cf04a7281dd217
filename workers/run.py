"""Claim jobs and run them: the one place that retries."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from shopify_app.errors import NeedsReopening, Throttled, Unauthorised
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.records import jobs, shops
from shopify_app.tables import Job, Shop
from workers import backfill, catalogue, holdout, mailing, memory, pixel, publish, reconcile
from workers.context import Context
from workers.waiting import InVain, NotYet

LEASE = timedelta(seconds=60)
"""A killed worker's job is taken over after this long; a living one renews three times as often."""
RETRY = timedelta(seconds=30)
SOON = timedelta(seconds=1)

Work = Callable[[Context, Shop, Job], dict[str, Any]]


def _training() -> dict[str, Work]:
    """Imported late: only a process that trains pays for the libraries."""
    from workers import evaluate, retrain

    return {"night": evaluate.run, "retrain": retrain.run}


DESK_JOBS = ("catalogue", "holdout", "pixel", "publish", "reconcile")
TRAINING_JOBS = ("backfill", "mailing", "night", "retrain")
"""Long work: a history of years must not keep the desk from the webhooks that come meanwhile."""


def drain(context: Context, kinds: Sequence[str]) -> int:
    """Run jobs of these kinds until none is due. Returns how many ran."""
    ran = 0
    while (job := _claim(context, kinds)) is not None:
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
        with _held(context, job):
            result = _work(job.kind)(context, shop, job)
        _finish(context, job, result)
    except NotYet as later:
        _postpone(context, job, None, timedelta(seconds=later.wait), progress=str(later))
    except InVain as why:
        _park(context, job, str(why))
    except Throttled as busy:
        _postpone(context, job, str(busy), timedelta(seconds=busy.wait))
    except NeedsReopening as gone:
        _postpone(context, job, str(gone), timedelta(hours=1))
    except Unauthorised as refused:
        _fail(context, job, str(refused), SOON)
    except jobs.LostLease:
        raise
    except Exception as error:
        log.exception("job failed", job=job.id, kind=job.kind, shop=shop.domain)
        _fail(context, job, f"{type(error).__name__}: {error}", RETRY * job.attempts)


@contextmanager
def _held(context: Context, job: Job) -> Iterator[None]:
    """Renew the job's lease from a thread for as long as its work takes."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(LEASE.total_seconds() / 3):
            try:
                with context.database.transaction() as db:
                    jobs.renew(db, job, lease=LEASE)
            except jobs.LostLease:
                return
            except Exception:
                log.exception("lease not renewed", job=job.id)

    thread = threading.Thread(target=renew, name=f"lease-{job.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


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


def _postpone(context: Context, job: Job, why: str | None, wait: timedelta, progress: str | None = None) -> None:
    with context.database.transaction() as db:
        jobs.postpone(db, job, retry_in=wait, error=why, progress=progress)


def _park(context: Context, job: Job, why: str) -> None:
    with context.database.transaction() as db:
        jobs.park(db, job, why)
    log.warning("job given up", job=job.id, kind=job.kind, why=why)


def _fail(context: Context, job: Job, error: str, wait: timedelta) -> None:
    with context.database.transaction() as db:
        jobs.fail(db, job, error[:2000], retry_in=wait)
