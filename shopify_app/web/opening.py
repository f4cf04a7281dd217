"""A shop opens the app: known and ready, or now installed, with its token, its facts and its backfill asked for."""

import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.errors import ShopifyUnavailable
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.oauth import OAuth, TokenPair
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
        if _lock(state, domain):
            return _exchange(state, domain, id_token)
        time.sleep(LOOK_AGAIN)
    raise ShopifyUnavailable(domain, "the app is being installed by another request")


def install(state: State, domain: str, pair: TokenPair) -> Shop:
    """Read the shop's facts with its new token, then store all at once. The history is read next, by a worker."""
    facts = read_facts(AdminApi(domain, pair.access_token, state.session))
    with state.database.transaction() as db:
        shop = shops.install(db, domain, facts, pair.scope, clock.now())
        tokens.save(db, shop.id, pair, state.seal)
        if not _was_read(db, shop):
            jobs.ask(db, shop.id, "backfill", "the app was opened")
    nudge("work")
    log.info("shop installed", shop=domain, time_zone=facts.time_zone, scopes=pair.scope)
    return shop


def read_facts(api: AdminApi) -> ShopFacts:
    """What has to be known about a shop, from Shopify."""
    found = api.run("shop_facts")["shop"]
    country = (found.get("shopAddress") or {}).get("countryCodeV2") or ""
    return ShopFacts(found["name"], found["currencyCode"], found["ianaTimezone"], country)


def _ready(db: Session, domain: str) -> Shop | None:
    shop = shops.by_domain(db, domain)
    return shop if shop and shop.state == ShopState.INSTALLED and tokens.exists(db, shop.id) else None


def _lock(state: State, domain: str) -> bool:
    """Whether it is ours to get the token. Whoever got it a moment ago has left the lease free and the shop ready."""
    with state.database.transaction() as db:
        shop_id = shops.expect(db, domain, clock.now())
        if not tokens.lock_first(db, shop_id, clock.now()):
            return False
        if _ready(db, domain) is None:
            return True
        tokens.unlock(db, shop_id)
        return False


def _exchange(state: State, domain: str, id_token: str) -> Shop:
    settings = state.settings
    try:
        pair = OAuth(settings.api_key, settings.api_secret, state.session).exchange_id_token(domain, id_token)
        return install(state, domain, pair)
    except Exception:
        with state.database.transaction() as db:
            tokens.unlock(db, shops.expect(db, domain, clock.now()))
        raise


def _was_read(db: Session, shop: Shop) -> bool:
    """Whether the history was read since the installation: opening again after a lost token need not read it anew."""
    done = Backfill.shop_id == shop.id, Backfill.state == "done", Backfill.started_at >= shop.installed_at
    return db.scalar(select(Backfill.id).where(*done).limit(1)) is not None
