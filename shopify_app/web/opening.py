"""A shop opens the app: known and ready, or now installed, with its token, its facts and its backfill asked for."""

import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import server_time
from shopify_app.errors import ShopifyUnavailable
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.platform import pixels
from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.oauth import OAuth, TokenPair
from shopify_app.platform.shop_facts import shop_facts
from shopify_app.records import jobs, shops, tokens
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Backfill, Shop, ShopState
from shopify_app.web.state import State

PATIENCE = 15.0
LOOK_AGAIN = 0.1


def open_shop(state: State, domain: str, id_token: str) -> Shop:
    """The shop, installed. Exchanges the ID token when no good token is stored, and only then: it revokes older ones.

    Of several first requests at once, one exchanges and the others wait for it. Raises ShopifyError and its kin.
    """
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        with state.database.reading() as db:
            shop = _ready(db, domain)
        if shop is not None:
            return shop
        fence = _lock(state, domain)
        if fence is None or not _exchange(state, domain, id_token, fence):
            time.sleep(LOOK_AGAIN)
    raise ShopifyUnavailable(domain, "the app is being installed by another request")


def install(state: State, domain: str, pair: TokenPair) -> Shop:
    """The shop with a pair that its merchant has just consented to. Raises ShopifyError and its kin."""
    with state.database.transaction() as db:
        tokens.save(db, shops.expect(db, domain, clock.now()), pair, state.seal)
    return _settle(state, domain, pair)


def _settle(state: State, domain: str, pair: TokenPair) -> Shop:
    """Read the shop's facts, now that the token is stored; the history is read next, by a worker."""
    facts = ShopFacts(*shop_facts(AdminApi(domain, pair.access_token, state.session)))
    with state.database.transaction() as db:
        shop = shops.install(db, domain, facts, pair.scope, clock.now())
        if not _was_read(db, shop):
            jobs.ask(db, shop.id, "backfill", "the app was opened")
        if set(pair.scope.split(",")) >= pixels.SCOPES:
            jobs.ask(db, shop.id, "pixel", "the app was opened")
    nudge("train")
    log.info("shop installed", shop=domain, time_zone=facts.time_zone, scopes=pair.scope)
    return shop


def _ready(db: Session, domain: str) -> Shop | None:
    shop = shops.by_domain(db, domain)
    return shop if shop and shop.state == ShopState.INSTALLED and tokens.exists(db, shop.id) else None


def _lock(state: State, domain: str) -> int | None:
    """Whether it is ours to get the token. Whoever got it a moment ago has left the lease free and the shop ready."""
    with state.database.transaction() as db:
        shop_id = shops.expect(db, domain, clock.now())
        fence = tokens.lock_first(db, shop_id, server_time(db))
        if fence is not None and _ready(db, domain) is not None:
            tokens.unlock(db, shop_id, fence)
            return None
        return fence


def _exchange(state: State, domain: str, id_token: str, fence: int) -> bool:
    """Get and store the pair under the lease, and install. False when a slow call of ours was overtaken: look again."""
    oauth = OAuth(state.settings.api_key, state.settings.api_secret, state.session)
    try:
        pair = oauth.exchange_id_token(domain, id_token)
        with state.database.transaction() as db:
            kept = tokens.replace(db, shops.expect(db, domain, clock.now()), pair, state.seal, fence)
        if kept:
            _settle(state, domain, pair)
        return kept
    finally:
        with state.database.transaction() as db:
            tokens.unlock(db, shops.expect(db, domain, clock.now()), fence)


def _was_read(db: Session, shop: Shop) -> bool:
    """Whether the history was read since the installation: opening again after a lost token need not read it anew."""
    done = Backfill.shop_id == shop.id, Backfill.state == "done", Backfill.started_at >= shop.installed_at
    return db.scalar(select(Backfill.id).where(*done).limit(1)) is not None
