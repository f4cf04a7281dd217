"""Hold our orders against Shopify's: what webhooks did not bring, or brought wrong, is read and put right."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from shopify_app import clock
from shopify_app.batches import batches
from shopify_app.log import log
from shopify_app.platform import bulk
from shopify_app.platform import orders as shopify
from shopify_app.platform.orders import ChangedOrder
from shopify_app.records import bulk_lines, feeds, ingest, jobs, orders, payloads, shops
from shopify_app.records.payloads import OrderRecord
from shopify_app.tables import Job, Shop
from workers import facts, subscriptions
from workers.context import Context
from workers.giving_way import GivingWay
from workers.waiting import collected, fail_query, keep, lines, restart_if_gone

OVERLAP = timedelta(hours=1)
"""Read so much again: a change may become visible a little after its time."""
COUNTED = timedelta(days=30)
"""How far back deletions are looked for. Without read_all_orders, 60 days are all that can be seen."""
ONE_BY_ONE = 100
"""More orders than these are read by one bulk query."""
PAGE, CHUNK = 250, 100
MOST_GONE = 0.05
"""When more of our orders than this share seem deleted, something else is wrong, and none is erased."""


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Every order that changed since the last time as Shopify has it, deletions too. Repeating it changes nothing."""
    checked = subscriptions.check(context, shop)
    updated = facts.refresh(context, shop)
    since = _since(context, shop, job)
    reached_at = shopify.last_changed_at(context.api(shop))
    seen, outdated = 0, dict[int, datetime]()
    changed = shopify.changed_since(context.api(shop), since)
    for page in GivingWay(context).between(batches(changed, PAGE)):
        seen += len(page)
        outdated |= _outdated(context, shop, page)
    restored = _read(context, shop, job, outdated)
    unseen, missing = _counted(context, shop)
    restored += _read(context, shop, job, unseen)
    deleted = _erase(context, shop, missing)
    told = {"since": since.isoformat(), "orders_seen": seen, "orders_restored": restored, "orders_deleted": deleted}
    with context.database.transaction() as db:
        feeds.done(db, shop.id, feeds.ORDERS, reached_at=reached_at, told=told | {"webhooks": checked})
        if updated.retry_at is not None:
            due_at = max(updated.retry_at, clock.now() + OVERLAP)  # business time may be long ago
            jobs.ask(db, shop.id, "reconcile", "another time zone waits", due_at=due_at)
    if restored or deleted:
        log.warning("webhooks were missed", shop=shop.domain, **told)
    return told | {"webhooks": checked, "facts": updated.changed}


def _since(context: Context, shop: Shop, job: Job) -> datetime:
    """Where the last reconcile or the backfill ended; who asks may name an earlier moment."""
    if job.payload.get("since"):
        return clock.parse(str(job.payload["since"]))
    with context.database.reading() as db:
        feed = feeds.of(db, shop.id, feeds.ORDERS)
    known = feed.reached_at if feed and feed.reached_at else shop.installed_at - COUNTED
    return known - OVERLAP


def _outdated(context: Context, shop: Shop, page: Iterable[ChangedOrder]) -> dict[int, datetime]:
    """Which of these are not here as they are now, with the time of their last change."""
    changed = {order.order_id: order.updated_at for order in page}
    with context.database.reading() as db:
        return {number: changed[number] for number in orders.outdated(db, shop.id, changed)}


def _read(context: Context, shop: Shop, job: Job, outdated: Mapping[int, datetime]) -> int:
    if len(outdated) > ONE_BY_ONE:
        return _read_in_bulk(context, shop, job, min(outdated.values()))
    return _apply(context, shop, job, _read_each(context, shop, sorted(outdated)))


def _read_each(context: Context, shop: Shop, numbers: Iterable[int]) -> Iterator[OrderRecord]:
    for number in numbers:
        told_at = clock.now()
        payload = shopify.order(context.api(shop), number)
        if payload is not None:
            yield payloads.order(payload, told_at)


def _read_in_bulk(context: Context, shop: Shop, job: Job, since: datetime) -> int:
    """The same after a long outage. Raises NotYet while Shopify collects."""
    state = collected(context, shop, job, "changed orders", bulk.orders_query(since, by="updated_at"))
    if not state.is_complete:
        fail_query(context, shop, job, "changed orders", state)
    with restart_if_gone(context, job, "changed orders"):
        records = bulk_lines.orders(lines(context, state.url)) if state.url else iter(())
        read = _apply(context, shop, job, records)
    keep(context, job, **{"changed orders": None})
    return read


def _apply(context: Context, shop: Shop, job: Job, records: Iterator[OrderRecord]) -> int:
    """Orders into rows as webhooks would have brought them: new ones count, days open and close."""
    restored = 0
    for chunk in GivingWay(context).between(batches(records, CHUNK)):
        with context.database.transaction() as db:
            stale = orders.outdated(db, shop.id, {record.order_id: record.updated_at for record in chunk})
            missed = [record for record in chunk if record.order_id in stale]
            clock_of = context.settings.business_clock
            ingest.restore_orders(db, shops.get(db, shop.id), missed, business_clock=clock_of)
            restored += len(missed)
            jobs.note(db, job, f"{restored:,} orders restored")
    return restored


def _counted(context: Context, shop: Shop) -> tuple[dict[int, datetime], list[int]]:
    """Orders of the last month that are not here, and numbers of ours that Shopify does not list. None when equal."""
    newest = shopify.last_created_at(context.api(shop))
    if newest is None:
        return {}, []
    since = newest - COUNTED
    with context.database.reading() as db:
        here = orders.numbers_since(db, shop.id, since)
    if shopify.count_since(context.api(shop), since) == len(here):
        return {}, []
    listed = list(shopify.created_since(context.api(shop), since))
    missing = {number for number, created_at in here.items() if created_at <= newest}
    missing -= {order.order_id for order in listed}
    if len(missing) > max(MOST_GONE * len(here), ONE_BY_ONE):
        log.error("too many orders seem deleted: none is erased", shop=shop.domain, missing=len(missing), of=len(here))
        missing = set()
    return _outdated(context, shop, listed), sorted(missing)


def _erase(context: Context, shop: Shop, numbers: Iterable[int]) -> int:
    """Erase orders that Shopify does not know when asked for by number."""
    gone = [number for number in numbers if shopify.order(context.api(shop), number) is None]
    with context.database.transaction() as db:
        return ingest.erase_orders(db, shop, gone)
