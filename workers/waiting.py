"""A job's bulk queries: started once, resumed by whichever worker goes on, waited for without holding one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from shopify_app.errors import ShopifyError, ShopifyUnavailable, Throttled
from shopify_app.platform import bulk
from shopify_app.platform.admin_api import UserErrors
from shopify_app.platform.bulk import BulkGone, BulkState
from shopify_app.records import jobs
from shopify_app.tables import Job, Shop
from workers.context import Context

FIRST_LOOK, LAST_LOOK = 0.1, 1.0
PATIENCE = 4.0
"""Seconds that a worker waits for the result: enough for a small shop."""
LOOK_AGAIN = 15.0
"""Seconds until the job runs again; the webhook about the end of the query usually comes first."""
FULL = 60.0
BREAKS = 5
"""Broken downloads of one result before the job is retried."""
WAITS = 20
"""Throttled answers to one call before the job is retried."""

Answer = TypeVar("Answer")


class NotYet(Exception):
    """Shopify is busy, or other jobs come first: run the job again in `wait` seconds. The text is its progress."""

    def __init__(self, progress: str, wait: float = LOOK_AGAIN) -> None:
        super().__init__(progress)
        self.wait = wait


class GiveUp(Exception):
    """No further attempt can succeed: park the job at once. The text tells the merchant why."""


def collected(context: Context, shop: Shop, job: Job, what: str, query: str) -> BulkState:
    """The state of the job's bulk query `what` once it has ended, well or badly. Raises NotYet.

    A token lives an hour and a bulk query up to ten days, so each look asks for a token that is good now.
    """
    bulk_id = kept(job).get(what) or _start(context, shop, job, what, query)
    patience, wait = time.monotonic() + PATIENCE, FIRST_LOOK
    while True:
        with restart_if_gone(context, job, what):
            state = bulk.state(context.api(shop), bulk_id)
        progress = f"Shopify collects {what}: {state.object_count:,} rows so far"
        with context.database.transaction() as db:
            jobs.note(db, job, progress)
        if state.is_over:
            return state
        if time.monotonic() > patience:
            raise NotYet(progress)
        time.sleep(wait)
        wait = min(wait * 1.5, LAST_LOOK)


def result(context: Context, shop: Shop, job: Job, what: str, query: str) -> Iterator[bytes]:
    """The lines of the job's bulk query `what`. Raises NotYet, or ShopifyError when it did not complete."""
    state = collected(context, shop, job, what, query)
    if not state.is_complete:
        fail_query(context, shop, job, what, state)
    return lines(context, state.url) if state.url else iter(())


def kept(job: Job) -> dict[str, Any]:
    """The progress that `keep` stored. Asking for the job again may clear it."""
    return dict(job.payload.get("state") or {})


def keep(context: Context, job: Job, **values: Any) -> None:
    """Store progress with the job; None forgets a value. A forgotten bulk query is started again."""
    with context.database.transaction() as db:
        jobs.remember(db, job, state={**kept(job), **values})
        jobs.advance(db, job)


def fail_query(context: Context, shop: Shop, job: Job, what: str, state: BulkState) -> NoReturn:
    """Raise ShopifyError for a bulk query that ended badly: the next attempt starts another. GiveUp after the last."""
    refuse(shop, state)
    why = uncollected(what, state)
    count_failure(context, job, what, why)
    raise ShopifyError(shop.domain, why)


def uncollected(what: str, state: BulkState) -> str:
    """How a bulk query ended badly, in words."""
    return f"Shopify did not collect the {what}: {state.status} {state.error_code}"


def count_failure(context: Context, job: Job, what: str, why: str) -> None:
    """Forget a failed bulk query and count the failure; GiveUp after the last. Waiting for it reset the attempts."""
    failures = dict(job.payload.get(jobs.FAILURES) or {})
    failures[what] = int(failures.get(what, 0)) + 1
    with context.database.transaction() as db:
        jobs.remember(db, job, state={**kept(job), what: None}, **{jobs.FAILURES: failures})
    if failures[what] >= jobs.ATTEMPTS:
        raise GiveUp(f"{why}, {failures[what]} times")


@contextmanager
def restart_if_gone(context: Context, job: Job, what: str) -> Iterator[None]:
    """Forget the bulk query when Shopify has forgotten it: the next attempt starts another one."""
    try:
        yield
    except BulkGone as gone:
        count_failure(context, job, what, str(gone))
        raise


def lines(context: Context, url: str) -> Iterator[bytes]:
    """A result line by line; a broken download resumes where it stopped."""
    offset, breaks = 0, 0
    while True:
        try:
            for line in bulk.lines(context.session, url, offset):
                offset += len(line) + 1
                yield line
            return
        except ShopifyUnavailable:
            breaks += 1
            if breaks > BREAKS:
                raise


def patiently(ask: Callable[[], Answer]) -> Answer:
    """The answer of `ask`, waiting while throttled. For work that a retry would start from the beginning."""
    for _ in range(WAITS):
        try:
            return ask()
        except Throttled as busy:
            time.sleep(busy.wait)
    return ask()


def refuse(shop: Shop, state: BulkState) -> None:
    """Raise ShopifyError when the app lacks the right to run this query: retrying would not help."""
    if state.error_code == "ACCESS_DENIED":
        raise ShopifyError(shop.domain, "the app lacks an access scope for this bulk query; deploy shopify.app.toml")


def _start(context: Context, shop: Shop, job: Job, what: str, query: str) -> str:
    try:
        bulk_id = bulk.start(context.api(shop), query)
    except UserErrors as refused:
        if refused.user_errors[0].get("code") in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED"):
            raise NotYet(f"Waiting for another bulk query before that for {what}", FULL) from None
        raise
    with context.database.transaction() as db:
        jobs.remember(db, job, state={**kept(job), what: bulk_id})
    return bulk_id
