"""A valid Admin API token for a shop: read it, or renew it, once, whoever else wants it at the same moment.

Killed between Shopify's answer and our commit? Nothing is lost: the old refresh token works until its replacement is
used, the lease runs out after a minute, and the next caller renews once more.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

import requests

from shopify_app import clock, metrics
from shopify_app.config import Settings
from shopify_app.db import Database, server_time
from shopify_app.errors import NeedsReopening, ShopifyUnavailable
from shopify_app.log import log
from shopify_app.platform.oauth import InvalidGrant, OAuth
from shopify_app.records import shops, tokens
from shopify_app.records.seal import Seal
from shopify_app.records.tokens import StoredPair
from shopify_app.tables import Shop

MARGIN = timedelta(minutes=5)
"""A token that is handed out is good for at least this long."""
PATIENCE = 45.0
LOOK_AGAIN = 0.05


def token_for(database: Database, settings: Settings, shop: Shop, session: requests.Session) -> str:
    """An access token for the shop, valid for at least five minutes. Ask right before each call: it lives an hour.

    Raises NeedsReopening when only the merchant can help, ShopifyUnavailable or Throttled when later may be better.
    """
    return _at_least(database, settings, shop, session, lambda pair: pair.expires_at > clock.now() + MARGIN)


def renew(database: Database, settings: Settings, shop: Shop, session: requests.Session) -> None:
    """Get a new pair now, so that the refresh token of a quiet shop never expires. Raises like `token_for`."""
    before = _load(database, settings, shop).generation
    _at_least(database, settings, shop, session, lambda pair: pair.generation > before)


def distrust(database: Database, settings: Settings, shop: Shop, access_token: str) -> None:
    """Shopify refused this token before its time. The next caller renews it, unless that has happened already."""
    pair = _load(database, settings, shop)
    if pair.access_token == access_token:
        with database.transaction() as db:
            tokens.distrust(db, shop.id, pair.generation)
        log.warning("Shopify refused a token before its time", shop=shop.domain)


def _at_least(
    database: Database, settings: Settings, shop: Shop, session: requests.Session, good: Callable[[StoredPair], bool]
) -> str:
    """The token of the first pair that is good: one caller renews under the shop's lease, the others wait for it."""
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        pair = _load(database, settings, shop)
        if good(pair):
            return pair.access_token
        fence = _lock(database, shop, pair)
        if fence is None:
            time.sleep(LOOK_AGAIN)
        else:
            _refresh(database, settings, shop, session, pair, fence)
    raise ShopifyUnavailable(shop.domain, "another process has been renewing the token for too long")


def _load(database: Database, settings: Settings, shop: Shop) -> StoredPair:
    with database.reading() as db:
        pair = tokens.load(db, shop.id, Seal(settings.encryption_keys))
    if pair is None:
        with database.transaction() as db:
            if not tokens.exists(db, shop.id):
                shops.needs_reopening(db, shop.id)
        _tell(shop)
    return pair


def _lock(database: Database, shop: Shop, pair: StoredPair) -> int | None:
    with database.transaction() as db:
        return tokens.lock(db, shop.id, pair.generation, server_time(db))


def _refresh(
    database: Database, settings: Settings, shop: Shop, session: requests.Session, pair: StoredPair, fence: int
) -> None:
    """Renew and store, in this order and before first use: the first use of a new token retires the old pair."""
    try:
        if pair.refresh_expires_at <= clock.now():
            raise InvalidGrant(shop.domain, "the refresh token has expired")
        fresh = OAuth(settings.api_key, settings.api_secret, session).refresh(shop.domain, pair.refresh_token)
    except InvalidGrant:
        metrics.tokens_refreshed.labels("refused").inc()
        _give_up(database, shop, fence)
        return
    except Exception:
        metrics.tokens_refreshed.labels("failed").inc()
        with database.transaction() as db:
            tokens.unlock(db, shop.id, fence)
        raise
    with database.transaction() as db:
        kept = tokens.replace(db, shop.id, fresh, Seal(settings.encryption_keys), fence)
        tokens.unlock(db, shop.id, fence)
    metrics.tokens_refreshed.labels("renewed" if kept else "overtaken").inc()


def _give_up(database: Database, shop: Shop, fence: int) -> None:
    """Only a person can help now. Unless somebody else got a newer pair meanwhile, which retired ours."""
    with database.transaction() as db:
        lost = tokens.unlock(db, shop.id, fence)
        if lost:
            shops.needs_reopening(db, shop.id)
    if lost:
        _tell(shop)


def _tell(shop: Shop) -> NoReturn:
    log.warning("the token is lost: the merchant has to open the app", shop=shop.domain)
    raise NeedsReopening(f"{shop.domain} has to open the app again")
