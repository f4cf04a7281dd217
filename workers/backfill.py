"""Read a shop's catalogue and order history once, by bulk queries, with progress a person can follow."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from shopify_app import clock
from shopify_app.errors import ShopifyError, ShopifyUnavailable
from shopify_app.log import log
from shopify_app.platform import bulk
from shopify_app.records import bulk_lines, ingest, jobs, shops
from shopify_app.tables import Backfill, Job, Shop
from workers.context import Context
from workers.waiting import wait_for_bulk

BREAKS = 5
"""Broken downloads of one result before the job is tried anew."""
CHUNK = 400
"""Orders per transaction: short enough that a webhook never waits long for the write lock."""


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Products first, then every order Shopify shows: 60 days of them unless read_all_orders is granted.

    Interrupted, the next attempt goes over the same orders again: the newest version of each wins.
    """
    with context.database.transaction() as db:
        progress = Backfill(shop_id=shop.id, state="asked", started_at=clock.now())
        db.add(progress)
    try:
        products = _products(context, shop, job)
        orders = _orders(context, shop, job, progress, bulk.orders_query())
    except Exception as error:
        _note(context, progress, state="failed", error=str(error)[:2000], finished_at=clock.now())
        raise
    _note(context, progress, state="done", finished_at=clock.now())
    with context.database.transaction() as db:
        jobs.ask(db, shop.id, "retrain", "history read")
    return {"products": products, "orders": orders}


def _products(context: Context, shop: Shop, job: Job) -> int:
    bulk_id = bulk.start(context.api(shop), bulk.products_query())
    url = wait_for_bulk(context, shop, job, bulk_id, "products").url
    lines = _lines(context, url) if url else iter(())
    records = list(bulk_lines.products(lines))
    with context.database.transaction() as db:
        ingest.apply_products(db, shop, records)
    return len(records)


def _orders(context: Context, shop: Shop, job: Job, progress: Backfill, query: str) -> int:
    bulk_id = bulk.start(context.api(shop), query)
    _note(context, progress, operation_gid=bulk_id)
    collected = wait_for_bulk(context, shop, job, bulk_id, "orders")
    if not collected.is_complete:
        raise ShopifyError(shop.domain, f"bulk query {collected.status}: {collected.error_code}")
    _note(context, progress, state="reading", orders_expected=collected.root_object_count)
    read = 0
    records = bulk_lines.orders(_lines(context, collected.url) if collected.url else iter(()))
    while chunk := list(islice(records, CHUNK)):
        read += len(chunk)
        reached_on = clock.day_in(chunk[-1].created_at, shop.time_zone)
        with context.database.transaction() as db:
            ingest.apply_backfill(db, shops.get(db, shop.id), chunk, business_clock=context.settings.business_clock)
            jobs.note(db, job, f"{read:,} of {collected.root_object_count:,} orders read, up to {reached_on}")
        _note(context, progress, orders_read=read, reached_on=reached_on)
    log.info("history read", shop=shop.domain, orders=read)
    return read


def _lines(context: Context, url: str) -> Iterator[bytes]:
    """The result line by line; a broken download goes on where it stopped."""
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


def _note(context: Context, progress: Backfill, **values: Any) -> None:
    with context.database.transaction() as db:
        row = db.get_one(Backfill, progress.id)
        for name, value in values.items():
            setattr(row, name, value)
