"""Refresh a shop's name, currency, time zone and country: merchants change them, and no webhook says so."""

import time
from dataclasses import replace

from shopify_app import clock
from shopify_app.log import log
from shopify_app.platform.shop_facts import shop_facts
from shopify_app.records import archive, inbox, shops
from shopify_app.records.shops import FactsUpdate, ShopFacts
from shopify_app.tables import Shop
from workers.context import Context

TRIES, APART = 5, 0.2
"""Attempts to seal a shop's events, and seconds between them."""


def refresh(context: Context, shop: Shop) -> FactsUpdate:
    """Read the facts and store what differs. Earlier events are sealed first: a replay dates them by the old zone."""
    facts = ShopFacts(*shop_facts(context.api(shop)))
    if facts.time_zone != shop.time_zone and not _is_sealed(context, shop):
        facts = replace(facts, time_zone=shop.time_zone)
    with context.database.transaction() as db:
        mine = shops.get(db, shop.id)
        by_data = context.settings.business_clock == "data"
        moment = mine.business_at if by_data and mine.business_at is not None else clock.now()
        updated = shops.update_facts(db, mine, facts, moment)
    if updated.changed:
        log.warning("the shop's facts changed", shop=shop.domain, **updated.changed)
    if updated.retry_at is not None:
        log.info("another time zone waits", shop=shop.domain, time_zone=facts.time_zone, until=updated.retry_at)
    return updated


def _is_sealed(context: Context, shop: Shop) -> bool:
    """Seal the events so far. If that fails, the zone waits for the next refresh; orders do not."""
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
