"""Write changed recommendation lists to product metafields, in batches, never over somebody else's write."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from ml.recommend.neighbours import NeighbourTable
from shopify_app.batches import batches
from shopify_app.errors import Throttled
from shopify_app.lifecycle import counted, picking, publishing, registry, shelf
from shopify_app.lifecycle.publishing import ListChange
from shopify_app.log import log
from shopify_app.platform import metafields, shop_list
from shopify_app.platform.admin_api import UserErrors
from shopify_app.policy import Policy
from shopify_app.records import ingest, jobs
from shopify_app.tables import Job, Shop, Task, Version
from workers.context import Context
from workers.waiting import NotYet, keep, kept

ROUNDS = 3
"""How often a list that lost its race is compared and written again."""
A_WHILE = 4.0
"""Seconds of writing before everything else of the desk has its turn: 100,000 lists take half an hour."""
PIECE = 2_500
"""Products compared at once."""


@dataclass
class Place:
    """How far publishing is. A round goes over all products; `again`: what it passed by then may differ by now."""

    asked: list[Any] = field(default_factory=list)
    after: int = 0
    rounds: int = 0
    again: bool = False
    written: int = 0
    stale: int = 0
    refused: int = 0

    @classmethod
    def of(cls, job: Job) -> "Place":
        """Where the job was, or the beginning. Who asked meanwhile may mean what was passed: all rounds again."""
        asked = [job.id, job.payload.get(jobs.ASKED, 0)]
        place = cls(**({"asked": asked} | kept(job)))
        if place.asked != asked:
            place.again, place.rounds, place.asked = True, 0, asked
        return place


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Make the shop's metafields say what the version in charge says. Safe to repeat and to stop half-way.

    Raises NotYet after a while, with its place kept.
    """
    policy = Policy.of(shop.settings)
    if not policy.publish_lists:
        return {"skipped": "publishing is paused"}
    at, until = Place.of(job), time.monotonic() + A_WHILE
    before = at.written
    try:
        _go_on(context, shop, job, at, policy.list_length, until)
        shop_list_is = _publish_shop_list(context, shop, policy.list_length)
    except (NotYet, Throttled):
        at.again = at.again or at.written > before
        keep(context, job, **asdict(at))
        raise
    told = {"written": at.written, "stale": at.stale}
    log.info("lists published", shop=shop.domain, **told, refused=at.refused)
    return {**told, "shop_list": shop_list_is}


def _go_on(context: Context, shop: Shop, job: Job, at: Place, length: int, until: float) -> None:
    """Write from this place on to the end of the last round. Raises NotYet when the time is over before that."""
    while at.rounds < ROUNDS:
        with context.database.reading() as db:
            pages = publishing.pages(db, shop.id, at.after, PIECE)
        if not pages and not at.again:
            return
        if not pages:
            at.rounds, at.after, at.again = at.rounds + 1, 0, False
            continue
        version, changes = _due(context, shop, length, pages)
        if version is None:
            return
        refused = _write(context, shop, job, at, version, changes, until)
        at.again = _delete_what_is_gone(context, shop, refused) > 0 or at.again
        if not changes or at.after >= changes[-1].product_id:
            at.after = pages[-1]
        if time.monotonic() > until:
            raise NotYet(_told(at), wait=0.0)


def _told(at: Place) -> str:
    return f"{at.written:,} lists written so far"


def _due(context: Context, shop: Shop, length: int, pages: Sequence[int]) -> tuple[Version | None, list[ListChange]]:
    """The version in charge, and which lists of these products are to be written."""
    with context.database.reading() as db:
        version, table = _in_charge(context, db, shop)
        if version is None or table is None:
            return None, []
        return version, publishing.changes(db, shop.id, table, length, pages)


def _in_charge(context: Context, db: Session, shop: Shop) -> tuple[Version | None, NeighbourTable | None]:
    """The version in charge and what it answers with."""
    version = registry.champion(db, shop.id, Task.RECOMMEND)
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
    context: Context,
    shop: Shop,
    job: Job,
    at: Place,
    version: Version,
    changes: Sequence[ListChange],
    until: float,
) -> list[ListChange]:
    """Write these, as many as there is time for; what Shopify did not take. What lost its race needs another round.

    Every batch is noted as soon as Shopify has it, so that a stop in between repeats at most one batch.
    """
    api, refused = context.api(shop), list[ListChange]()
    for batch in batches(changes, metafields.LARGEST_BATCH):
        writes = [metafields.ListWrite(c.product_id, c.neighbours, c.digest) for c in batch]
        outcomes = metafields.set_lists(api, writes)
        taken = {o.product_id: o.compare_digest for o in outcomes if isinstance(o, metafields.ListWritten)}
        wrong = {o.product_id for o in outcomes if isinstance(o, metafields.UnwritableList)}
        refused += [c for c in batch if c.product_id in wrong]
        raced = [o.product_id for o in outcomes if isinstance(o, metafields.StaleList)]
        there = metafields.published(api, raced) if raced else {}
        at.after, at.again = batch[-1].product_id, at.again or bool(raced)
        at.written, at.stale, at.refused = at.written + len(taken), at.stale + len(raced), at.refused + len(wrong)
        with context.database.transaction() as db:
            publishing.note(db, shop.id, version.id, [(c, taken[c.product_id]) for c in batch if c.product_id in taken])
            for product_id in raced:
                publishing.learn(db, shop.id, product_id, *_found(there.get(product_id)))
            jobs.note(db, job, _told(at))
        if time.monotonic() > until:
            break
    return refused


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
