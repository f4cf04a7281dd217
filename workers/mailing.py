"""Make the file for a merchant's mailing tool: who accepts marketing, as Shopify says just now, and a list for each."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from shopify_app.batches import batches
from shopify_app.lifecycle.mailing import Letter, Writer
from shopify_app.log import log
from shopify_app.platform import bulk, consent, products
from shopify_app.platform.products import ProductPage
from shopify_app.policy import Policy
from shopify_app.records import bulk_lines, customers, jobs, keys, mailings, sheets, tombstones
from shopify_app.tables import Job, Mailing, Shop
from workers.context import Context
from workers.waiting import GiveUp, NotYet, keep, kept, patiently, restart_if_gone, result

CHUNK = 500
MOST = 100_000
"""Customers of a file: it is one value in memory, also in the web process that hands it out."""
ABOUT_A_PRODUCT = ("id", "handle", "title", "url")


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Make the file that is wanted. Customers' numbers are nowhere but in Shopify's answer and in the sealed file."""
    with context.database.reading() as db:
        wanted = mailings.newest(db, shop.id)
        if wanted is None:
            return {"skipped": "nobody waits for it"}
        if wanted.made_at is not None:
            return _told(wanted, wanted.customers)
        writer = Writer.of(db, context.bundles, shop)
    if not kept(job).get("customers") and not consent.is_told(context.api(shop)):
        raise GiveUp("Shopify does not tell who accepts marketing, it names everybody")
    found = result(context, shop, job, "customers", bulk.customers_query())
    with restart_if_gone(context, job, "customers"):
        accepting = read(found)
    letters = dict(_letters(context, shop, writer, accepting))
    pages = _pages(context, shop, job, {one for letter in letters.values() for one in letter.product_ids})
    length = Policy.of(shop.settings).list_length
    rows = [row for number, letter in letters.items() if (row := _row(number, letter, pages, length))]
    content = sheets.text(_header(length), rows).encode()
    if not mailings.keep(context.database, context.objects, wanted, content, len(rows)):
        keep(context, job, customers=None)
        raise NotYet("Begun anew: somebody was forgotten meanwhile, or the file was asked for again", wait=1.0)
    log.info("a mailing was made", shop=shop.domain, mailing=wanted.id, customers=len(rows))
    return {**_told(wanted, len(rows)), "without_products": len(letters) - len(rows)}


def read(lines: Iterable[bytes], most: int = MOST) -> list[int]:
    """The customers of a bulk query's result. Raises GiveUp when there are more than `most`."""
    found = list(islice(bulk_lines.customers(lines), most + 1))
    if len(found) > most:
        raise GiveUp(f"More than {most:,} customers accept marketing: too many for one file")
    return found


def _told(mailing: Mailing, customers: int | None) -> dict[str, Any]:
    return {"mailing": mailing.id, "customers": customers}


def _letters(context: Context, shop: Shop, writer: Writer, customer_ids: Sequence[int]) -> Iterator[tuple[int, Letter]]:
    """Each customer's products. Whoever was forgotten gets none, though Shopify may still name them."""
    for some in batches(customer_ids, CHUNK):
        with context.database.reading() as db:
            secret = keys.find(db, shop.id)
            known = customers.known(db, secret, some) if secret else {}
            gone = tombstones.among(db, secret, "customer", some) if secret else set()
        yield from ((one, writer.letter(known.get(one))) for one in some if one not in gone)


def _pages(context: Context, shop: Shop, job: Job, product_ids: Collection[int]) -> dict[int, ProductPage]:
    """Where these products are found. How far it is, is noted after each piece."""
    found: dict[int, ProductPage] = {}
    asked = 0
    for some in batches(sorted(product_ids), products.LARGEST_READ):
        found |= {page.product_id: page for page in _some_pages(context, shop, some)}
        asked += len(some)
        with context.database.transaction() as db:
            jobs.note(db, job, f"Asked Shopify for {asked:,} of {len(product_ids):,} product pages")
    return found


def _some_pages(context: Context, shop: Shop, product_ids: Sequence[int]) -> list[ProductPage]:
    """An empty bucket is waited for here: a new attempt would download all customers and begin at the first product
    again, and a large shop would never come to the last."""
    return patiently(lambda: products.pages(context.api(shop), product_ids))


def _header(length: int) -> list[str]:
    named = [f"product_{place}_{about}" for place in range(1, length + 1) for about in ABOUT_A_PRODUCT]
    return ["customer_id", "list", *named]


def _row(number: int, letter: Letter, pages: dict[int, ProductPage], length: int) -> list[Any] | None:
    """A line of the file; None when nothing is left that has a page."""
    shown = [pages[one] for one in letter.product_ids if one in pages][:length]
    cells = [cell for page in shown for cell in (page.product_id, page.handle, page.title, page.url)]
    blank = [""] * (len(ABOUT_A_PRODUCT) * (length - len(shown)))
    return [number, letter.list_name, *cells, *blank] if shown else None
