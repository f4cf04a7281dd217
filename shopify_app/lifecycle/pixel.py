"""What the web pixel tells, on its way into `views`: from whom, how much at once, and only of products there are.

A browser's word cannot be proved. The key says that somebody read the shop's pages; a product has to be the shop's;
an order counts only once Shopify itself has told it.
"""

import hmac
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.errors import Refused
from shopify_app.lifecycle import registry
from shopify_app.lifecycle.behind import Behind
from shopify_app.log import log
from shopify_app.records import feeds, keys, shops, views
from shopify_app.records.rate_limit import RateLimit
from shopify_app.records.views import Seen
from shopify_app.tables import Product, Shop, ShopState, ViewKind

FEED = "pixel"
"""Under which name a shop's pixel is remembered: its key, and its id at Shopify once it is on."""
KEY_SECONDS = 300.0
SHOP_RATE, SHOP_BURST = 50.0, 500.0
BROWSER_RATE, BROWSER_BURST = 1.0, 30.0
DAY, DAY_WITH_ORDERS = 200_000, 220_000
"""Events of a shop in a day of UTC, in all processes. Orders may go on: a buyer's views are forgotten by them."""
LOOK_RATE, LOOK_BURST = 50.0, 500.0
"""Shops looked up in the database, known or not, of all the world together."""


@dataclass
class _Shop:
    """A shop whose pixel is on."""

    shop_id: int
    key: str
    today: int
    """Events kept today as they were counted when this was read, and those taken here since."""


class Pixel:
    """Takes events of all shops. One per process; safe for many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shops: dict[str, tuple[float, _Shop]] = {}
        self._shop_limit = RateLimit(SHOP_RATE, SHOP_BURST)
        self._browser_limit = RateLimit(BROWSER_RATE, BROWSER_BURST)
        self._look_limit = RateLimit(LOOK_RATE, LOOK_BURST)
        self._behind: Behind[tuple[str, Seen]] = Behind(self._write)

    def take(self, domain: str, key: str, seen: Seen) -> None:
        """Keep an event, soon. Raises Refused for a wrong shop or key (401), or when it is too much (429)."""
        shop = self._known(domain)
        if shop is None or not hmac.compare_digest(shop.key.encode(), key.encode()):
            raise Refused("wrong_key")
        if not self._browser_limit.take((shop.shop_id, seen.browser)) or not self._shop_limit.take(shop.shop_id):
            raise Refused("too_many", status=429)
        if shop.today >= (DAY_WITH_ORDERS if seen.kind == ViewKind.ORDERED else DAY):
            raise Refused("too_many_today", status=429)
        shop.today += 1
        self._behind.put((domain, seen))

    def flush(self) -> None:
        """Wait until everything so far is written or given up."""
        self._behind.flush()

    def _known(self, domain: str) -> _Shop | None:
        """The shop as it was five minutes ago, or earlier while too many ask. Unknown ones are not remembered."""
        at, shop = self._shops.get(domain, (0.0, None))
        now = time.monotonic()
        if shop is not None and now < at + KEY_SECONDS:
            return shop
        if not self._look_limit.take("all"):
            if shop is None:
                raise Refused("too_many", status=429)
            return shop
        shop = self._read(domain)
        if shop is None:
            self._shops.pop(domain, None)
        else:
            self._shops[domain] = (now, shop)
        return shop

    def _read(self, domain: str) -> _Shop | None:
        with self._database.reading() as db:
            wanted = Shop.domain == domain, Shop.state != ShopState.UNINSTALLED
            shop_id = db.scalar(select(Shop.id).where(*wanted))
            feed = feeds.of(db, shop_id, FEED) if shop_id is not None else None
            if shop_id is None or feed is None:
                return None
            midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
            today = views.since(db, shop_id, midnight, DAY_WITH_ORDERS)
        if today >= DAY:
            log.warning("no more events of web pixels are kept today", shop=domain, kept=today)
        return _Shop(shop_id, str(feed.told["key"]), today)

    def _write(self, batch: list[tuple[str, Seen]]) -> None:
        """By the shops' names: one that was redacted meanwhile may be back under another number."""
        by_shop: defaultdict[str, list[Seen]] = defaultdict(list)
        for domain, seen in batch:
            by_shop[domain].append(seen)
        for domain, seen_there in by_shop.items():
            with self._database.transaction() as db:
                shop = shops.by_domain(db, domain)
                if shop is None:
                    continue
                kept = _of_this_shop(db, shop.id, seen_there)
                views.keep(db, keys.of(db, shop.id, hold=True), kept, clock.now(), registry.today(shop))


def key_of(db: Session, shop_id: int) -> str:
    """The public key of the shop's pixel, made at first sight."""
    feed = feeds.of(db, shop_id, FEED)
    if feed is None:
        feeds.done(db, shop_id, FEED, told={"key": secrets.token_urlsafe(24)})
        feed = feeds.of(db, shop_id, FEED)
    assert feed is not None
    return str(feed.told["key"])


def _of_this_shop(db: Session, shop_id: int, seen: list[Seen]) -> list[Seen]:
    """Those whose products the shop has or had, each event once."""
    named = {number for one in seen for number in (one.product_id, one.beside_id) if number is not None}
    there = select(Product.product_id).where(Product.shop_id == shop_id, Product.product_id.in_(named))
    known = {None, *db.scalars(there)}
    once = {one.event_id: one for one in seen if one.product_id in known and one.beside_id in known}
    return list(once.values())
