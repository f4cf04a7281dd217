"""A shop's name, currency, time zone and country as they are now: a merchant changes them, and no webhook says so."""

import time
from dataclasses import replace

from shopify_app import clock
from shopify_app.log import log
from shopify_app.platform.shop_facts import shop_facts
from shopify_app.records import archive, inbox, shops
from shopify_app.records.shops import Heeded, ShopFacts
from shopify_app.tables import Shop
from workers.context import Context

TRIES, APART = 5, 0.2
"""How often a shop's events are tried to be sealed, and seconds in between."""


def heed(context: Context, shop: Shop) -> Heeded:
    """Read the facts and store what differs. What came before is sealed first: a replay dates it by the old zone."""
    facts = ShopFacts(*shop_facts(context.api(shop)))
    if facts.time_zone != shop.time_zone and not _is_sealed(context, shop):
        facts = replace(facts, time_zone=shop.time_zone)
    with context.database.transaction() as db:
        mine = shops.get(db, shop.id)
        by_data = context.settings.business_clock == "data"
        moment = mine.business_at if by_data and mine.business_at is not None else clock.now()
        heeded = shops.heed(db, mine, facts, moment)
    if heeded.changed:
        log.warning("the shop's facts changed", shop=shop.domain, **heeded.changed)
    if heeded.again_at is not None:
        log.info("another time zone waits", shop=shop.domain, time_zone=facts.time_zone, until=heeded.again_at)
    return heeded


def _is_sealed(context: Context, shop: Shop) -> bool:
    """Seal what came so far. When that fails, the zone waits for the next look: orders are not to wait with it."""
    try:
        for _ in range(TRIES):
            archive.seal_shop(context.database, context.objects, context.seal, shop.domain)
            with context.database.reading() as db:
                if not inbox.applied(db, shop.domain):
                    return True
            time.sleep(APART)  # somebody else is busy with the shop's events
    except Exception:
        log.exception("another time zone has to wait: events could not be sealed", shop=shop.domain)
    return False
