"""Read a shop's whole catalogue: products, prices, what is in stock where, and what is gone."""

from collections.abc import Iterable, Iterator
from typing import Any

from shopify_app.batches import batches
from shopify_app.log import log
from shopify_app.platform import bulk
from shopify_app.platform import products as shopify
from shopify_app.records import bulk_lines, feeds, ingest, products, shops
from shopify_app.records.goods import ProductRecord
from shopify_app.tables import Job, Shop
from workers.context import Context
from workers.giving_way import GivingWay
from workers.waiting import keep, restart_if_gone, result

MOST_CONFIRMED = 250
"""Missing products that are looked for one by one in one run; the next run has the next ones."""
CHUNK = 500
MOST_VARIANTS = 2_000
"""In one transaction, but for a product with more: a quarter of a second on SQLite, where writers wait in line."""


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Bring products and stock up to date, whatever webhooks were lost. Repeating it changes nothing."""
    told = read(context, shop, job)
    with context.database.transaction() as db:
        feeds.done(db, shop.id, feeds.CATALOGUE, told=told)
    return told


def read(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Store the catalogue as Shopify has it; how many products, stock levels and deletions. Raises NotYet."""
    product_lines = result(context, shop, job, "products", bulk.products_query())
    level_lines = result(context, shop, job, "stock", bulk.inventory_query())
    with context.database.reading() as db:
        known = products.known(db, shop.id)
    way = GivingWay(context)
    with restart_if_gone(context, job, "products"):
        records = list(bulk_lines.products(way.between(product_lines)))
    with restart_if_gone(context, job, "stock"):
        levels = list(bulk_lines.stock_levels(way.between(level_lines)))
    for some in way.between(pieces(records)):
        with context.database.transaction() as db:
            ingest.apply_products(db, shop, some)
    for few in way.between(batches(levels, CHUNK)):
        with context.database.transaction() as db:
            ingest.apply_stock(db, shops.get(db, shop.id), few)
    deleted = _delete(context, shop, known - {record.product_id for record in records})
    keep(context, job, products=None, stock=None)
    log.info("catalogue read", shop=shop.domain, products=len(records), levels=len(levels), deleted=deleted)
    return {"products": len(records), "stock_levels": len(levels), "products_deleted": deleted}


def pieces(records: Iterable[ProductRecord]) -> Iterator[list[ProductRecord]]:
    """The products in order, a transaction's worth at a time: a few large ones are as much work as many small ones."""
    piece: list[ProductRecord] = []
    variants = 0
    for record in records:
        variants += len(record.items)
        if piece and (len(piece) == CHUNK or variants > MOST_VARIANTS):
            yield piece
            piece, variants = [], len(record.items)
        piece.append(record)
    if piece:
        yield piece


def _delete(context: Context, shop: Shop, missing: set[int]) -> int:
    """Mark products as gone that Shopify does not know when asked for by number: the list may be older than they."""
    gone = [number for number in sorted(missing)[:MOST_CONFIRMED] if shopify.product(context.api(shop), number) is None]
    with context.database.transaction() as db:
        ingest.delete_products(db, shop, gone)
    return len(gone)
