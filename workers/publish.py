"""Write changed recommendation lists to product metafields, in batches, never over somebody else's write."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from ml.recommend.neighbours import NeighbourTable
from shopify_app.batches import batches
from shopify_app.lifecycle import counted, picking, publishing, registry, shelf
from shopify_app.lifecycle.publishing import ListChange
from shopify_app.lifecycle.slots import peek
from shopify_app.log import log
from shopify_app.platform import metafields, shop_list
from shopify_app.platform.admin_api import UserErrors
from shopify_app.policy import Policy
from shopify_app.records import ingest, jobs
from shopify_app.tables import Job, Shop, Task, Version
from workers.context import Context

ROUNDS = 3
"""How often a list that lost its race is compared and written again."""


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Make the shop's metafields say what the version in charge says. Safe to repeat and to stop half-way."""
    policy = Policy.of(shop.settings)
    if not policy.publish_lists:
        return {"skipped": "publishing is paused"}
    written = stale = 0
    for _ in range(ROUNDS):
        version, changes = _due(context, shop, policy.list_length)
        if version is None or not changes:
            break
        done, lost, refused = _write(context, shop, job, version, changes)
        written, stale = written + done, stale + lost
        if not lost and not _delete_what_is_gone(context, shop, refused):
            break
    return {"written": written, "stale": stale, "shop_list": _publish_shop_list(context, shop, policy.list_length)}


def _due(context: Context, shop: Shop, length: int) -> tuple[Version | None, list[ListChange]]:
    with context.database.reading() as db:
        version, table = _in_charge(context, db, shop)
        if version is None or table is None:
            return None, []
        return version, publishing.changes(db, shop.id, table, length)


def _in_charge(context: Context, db: Session, shop: Shop) -> tuple[Version | None, NeighbourTable | None]:
    """The version in charge and what it answers with."""
    seen = peek(db, shop.id, Task.RECOMMEND)
    version = registry.by_id(db, shop.id, seen.champion_id if seen else None)
    if version is None:
        return None, None
    return version, NeighbourTable.open(context.bundles.folder(counted.answering(db, version)))


def _publish_shop_list(context: Context, shop: Shop, length: int) -> str:
    """The list for home pages and for products without one of their own. It holds nothing else up when it fails."""
    with context.database.reading() as db:
        _, table = _in_charge(context, db, shop)
        if table is None:
            return "none"
        best = picking.pick(table, [], length * publishing.SPARE, shelf.look(db, shop.id))
    try:
        return "written" if shop_list.publish(context.api(shop), best) else "unchanged"
    except UserErrors as refused:
        log.warning("the shop's list was not written", shop=shop.domain, error=str(refused)[:200])
        return "refused"


def _write(
    context: Context, shop: Shop, job: Job, version: Version, changes: Sequence[ListChange]
) -> tuple[int, int, list[ListChange]]:
    """How many were written, how many lost their race, and what Shopify did not take.

    Every batch is noted as soon as Shopify has it, so that a stop in between repeats at most one batch.
    """
    api, done, lost, refused = context.api(shop), 0, 0, list[ListChange]()
    for batch in batches(changes, metafields.LARGEST_BATCH):
        writes = [metafields.ListWrite(c.product_id, c.neighbours, c.digest) for c in batch]
        outcomes = metafields.set_lists(api, writes)
        kept = {o.product_id: o.compare_digest for o in outcomes if isinstance(o, metafields.ListWritten)}
        wrong = {o.product_id for o in outcomes if isinstance(o, metafields.UnwritableList)}
        refused += [c for c in batch if c.product_id in wrong]
        raced = [o.product_id for o in outcomes if isinstance(o, metafields.StaleList)]
        there = metafields.published(api, raced) if raced else {}
        with context.database.transaction() as db:
            publishing.note(db, shop.id, version.id, [(c, kept[c.product_id]) for c in batch if c.product_id in kept])
            for product_id in raced:
                publishing.learn(db, shop.id, product_id, *_found(there.get(product_id)))
            jobs.note(db, job, f"{done + len(kept)} of {len(changes)} lists written")
        done, lost = done + len(kept), lost + len(raced)
    log.info(
        "lists published", shop=shop.domain, version=version.number, written=done, stale=lost, refused=len(refused)
    )
    return done, lost, refused


def _delete_what_is_gone(context: Context, shop: Shop, refused: Sequence[ListChange]) -> int:
    """Mark products as gone that Shopify no longer has and never told of: lists that name one are refused whole."""
    named = {one for change in refused for one in (change.product_id, *change.neighbours)}
    gone = sorted(named - metafields.published(context.api(shop), sorted(named)).keys()) if named else []
    if gone:
        with context.database.transaction() as db:
            ingest.delete_products(db, shop, gone)
        log.warning("products are gone that Shopify did not tell of", shop=shop.domain, products=len(gone))
    return len(gone)


def _found(there: metafields.PublishedList | None) -> tuple[str | None, tuple[int, ...]]:
    return (there.compare_digest, there.neighbour_ids) if there else (None, ())
