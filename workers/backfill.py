"""Read a shop's catalogue and order history, by bulk queries, with progress a person can follow."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shopify_app import clock
from shopify_app.batches import batches
from shopify_app.errors import NeedsReopening, ShopifyError, Throttled
from shopify_app.log import log
from shopify_app.platform import bulk, orders
from shopify_app.records import bulk_lines, feeds, ingest, jobs, shops
from shopify_app.records.payloads import OrderRecord
from shopify_app.tables import Backfill, Job, Shop, ShopState
from workers import catalogue, subscriptions
from workers.context import Context
from workers.waiting import NotYet, collected, count_failure, keep, kept, lines, refuse, restart_if_gone, uncollected

CHUNK = 400
"""Orders per transaction: short enough that a webhook never waits long for the write lock."""
MOST_AT_ONCE = 200_000
"""Orders of one bulk query: the join of lines holds them in memory."""
SHORTEST = timedelta(hours=1)
"""When Shopify cannot even collect the orders of such a span, waiting is all that is left."""
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Span:
    """Orders created from `since` on and before `until`; None is no bound."""

    since: datetime | None
    until: datetime | None


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Products first, then every order Shopify shows: 60 days of them unless read_all_orders is granted.

    Orders are read in spans of time, one after the other. A span that was read is never asked for again; one that
    failed is read as far as its partial result can be trusted, and the rest again, in shorter spans when nothing could.
    Repeated orders change nothing: the newest version of each wins.
    """
    progress_id = _begin(context, shop, job)
    try:
        subscriptions.check(context, shop)
        if "catalogue" not in kept(job):
            keep(context, job, catalogue=catalogue.read(context, shop, job))
        read = _history(context, shop, job, progress_id)
    except (NotYet, Throttled, NeedsReopening, jobs.LostLease):
        raise
    except Exception as error:
        _note(context, progress_id, state="failed", error=str(error)[:2000])
        raise
    _finish(context, shop, job, progress_id)
    log.info("history read", shop=shop.domain, orders=read)
    return {**kept(job)["catalogue"], "orders": read}


def _begin(context: Context, shop: Shop, job: Job) -> int:
    """The row that shows how far it is: the one before when this job was begun already."""
    known = kept(job).get("backfill_id")
    if known is not None:
        _note(context, known, state="asked", error=None)
        return int(known)
    with context.database.transaction() as db:
        progress = Backfill(shop_id=shop.id, state="asked", started_at=clock.now())
        db.add(progress)
        db.flush()
        since = job.payload.get("since")
        jobs.remember(db, job, state={"backfill_id": progress.id, "since": since, "until": None, "read": 0})
    return progress.id


def _finish(context: Context, shop: Shop, job: Job, progress_id: int) -> None:
    _note(context, progress_id, state="done", finished_at=clock.now(), seconds_left=None)
    with context.database.transaction() as db:
        feeds.done(db, shop.id, feeds.CATALOGUE, told=kept(job)["catalogue"])
        feeds.done(db, shop.id, feeds.ORDERS, reached_at=_moment(kept(job).get("changed_at")))
        jobs.ask(db, shop.id, "retrain", "history read")


def _history(context: Context, shop: Shop, job: Job, progress_id: int) -> int:
    """Span after span until none is left; how many orders that were."""
    if "expected" not in kept(job):
        _look_ahead(context, shop, job, progress_id)
    while True:
        span = _narrow(context, shop, job)
        state = collected(context, shop, job, "orders", bulk.orders_query(span.since, span.until))
        if state.is_complete:
            with restart_if_gone(context, job, "orders"):
                _read(context, shop, job, progress_id, state.url)
            keep(context, job, orders=None, since=_text(span.until), until=None)
            if span.until is None:
                return int(kept(job)["read"])
        else:
            refuse(shop, state)
            log.warning("bulk query ended early", shop=shop.domain, status=state.status, error=state.error_code)
            _go_on(context, shop, job, progress_id, span, state)


def _look_ahead(context: Context, shop: Shop, job: Job, progress_id: int) -> None:
    """How much is to come. What changes from now on, a later reconcile finds again by the time of its change."""
    api = context.api(shop)
    changed_at = orders.last_changed_at(api)
    expected = orders.count_since(api, _span(job).since)
    keep(context, job, changed_at=_text(changed_at), expected=expected)
    _note(context, progress_id, orders_expected=expected)


def _narrow(context: Context, shop: Shop, job: Job) -> Span:
    """The next span, short enough for our memory."""
    span = _span(job)
    while not kept(job).get("orders") and orders.count_since(context.api(shop), span.since, span.until) > MOST_AT_ONCE:
        span = _halve(context, shop, job, span)
    return span


def _go_on(context: Context, shop: Shop, job: Job, progress_id: int, span: Span, state: bulk.BulkState) -> None:
    """After a query that ended early: keep what can be trusted of its result, else ask for less next time."""
    whole = bulk_lines.whole_orders(lines(context, state.partial_url)) if state.partial_url else []
    until = whole[-1].created_at if whole else None  # others of that second may be missing
    sure = [record for record in whole if until is not None and record.created_at < until]
    if sure and orders.count_since(context.api(shop), span.since, until) == len(sure):
        _store(context, shop, job, progress_id, iter(sure))
        keep(context, job, orders=None, since=_text(until))
    else:
        count_failure(context, job, "orders", uncollected("orders", state))
        _halve(context, shop, job, span)


def _halve(context: Context, shop: Shop, job: Job, span: Span) -> Span:
    """Make the older half of a span the next one. Raises ShopifyError when it is too short for that."""
    first = span.since or orders.first_created_at(context.api(shop)) or clock.now()
    end = span.until or (orders.last_created_at(context.api(shop)) or first) + SECOND
    if end - first <= SHORTEST:
        raise ShopifyError(shop.domain, f"Shopify cannot collect the orders created from {first} to {end}")
    keep(context, job, until=_text(first + (end - first) / 2))
    return _span(job)


def _read(context: Context, shop: Shop, job: Job, progress_id: int, url: str | None) -> None:
    _store(context, shop, job, progress_id, bulk_lines.orders(lines(context, url)) if url else iter(()))


def _store(context: Context, shop: Shop, job: Job, progress_id: int, records: Iterator[OrderRecord]) -> None:
    """Orders into rows, a chunk at a time, saying how far it is."""
    expected, before = int(kept(job)["expected"]), int(kept(job)["read"])
    read, started = before, time.monotonic()
    for chunk in batches(records, CHUNK):
        with context.database.transaction() as db:
            fresh = shops.get(db, shop.id)
            if fresh.state == ShopState.UNINSTALLED:
                raise ShopifyError(shop.domain, "the app was uninstalled while its history was read")
            ingest.apply_backfill(db, fresh, chunk, business_clock=context.settings.business_clock)
            read += len(chunk)
            left = _seconds_left(read - before, expected - read, time.monotonic() - started)
            reached_on = clock.day_in(chunk[-1].created_at, shop.time_zone)
            jobs.note(db, job, f"{read:,} of {expected:,} orders read, up to {reached_on}, about {left} s left")
            row = db.get_one(Backfill, progress_id)
            row.state, row.orders_read, row.reached_on, row.seconds_left = "reading", read, reached_on, left
        if (read - before) // CHUNK % 25 == 1:
            log.info(
                "reading history", shop=shop.domain, read=read, of=expected, reached_on=reached_on, seconds_left=left
            )
    keep(context, job, read=read)


def _seconds_left(done: int, left: int, seconds: float) -> int:
    return round(max(left, 0) * seconds / max(done, 1))


def _span(job: Job) -> Span:
    state = kept(job)
    return Span(_moment(state.get("since")), _moment(state.get("until")))


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: Any) -> datetime | None:
    return clock.parse(text) if text else None


def _note(context: Context, progress_id: int, **values: Any) -> None:
    with context.database.transaction() as db:
        row = db.get_one(Backfill, progress_id)
        for name, value in values.items():
            setattr(row, name, value)
