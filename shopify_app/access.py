"""A valid Admin API token for a shop: read it, or renew it, once, whoever else wants it at the same moment."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn

import requests

from shopify_app import clock, metrics
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import NeedsReopening, ShopifyUnavailable
from shopify_app.log import log
from shopify_app.platform.oauth import InvalidGrant, OAuth
from shopify_app.records import shops, tokens
from shopify_app.records.seal import Seal
from shopify_app.records.tokens import Stored
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


def _at_least(
    database: Database, settings: Settings, shop: Shop, session: requests.Session, good: Callable[[Stored], bool]
) -> str:
    """The token of the first pair that is good: one caller renews under the shop's lease, the others wait for it."""
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        pair = _load(database, settings, shop)
        if good(pair):
            return pair.access_token
        if _lock(database, shop, pair, clock.now()):
            _refresh(database, settings, shop, session, pair)
        else:
            time.sleep(LOOK_AGAIN)
    raise ShopifyUnavailable(shop.domain, "another process has been renewing the token for too long")


def _load(database: Database, settings: Settings, shop: Shop) -> Stored:
    with database.reading() as db:
        pair = tokens.load(db, shop.id, Seal(settings.encryption_keys))
    if pair is None or pair.refresh_expires_at <= clock.now():
        _give_up(database, shop)
    return pair


def _lock(database: Database, shop: Shop, pair: Stored, now: datetime) -> bool:
    with database.transaction() as db:
        return tokens.lock(db, shop.id, pair.generation, now)


def _refresh(database: Database, settings: Settings, shop: Shop, session: requests.Session, pair: Stored) -> None:
    """Renew and store, in this order and before first use: the first use of a new token retires the old pair."""
    try:
        fresh = OAuth(settings.api_key, settings.api_secret, session).refresh(shop.domain, pair.refresh_token)
    except InvalidGrant:
        metrics.tokens_refreshed.labels("refused").inc()
        _give_up(database, shop)
    except Exception:
        metrics.tokens_refreshed.labels("failed").inc()
        with database.transaction() as db:
            tokens.unlock(db, shop.id)
        raise
    with database.transaction() as db:
        tokens.save(db, shop.id, fresh, Seal(settings.encryption_keys))
    metrics.tokens_refreshed.labels("renewed").inc()


def _give_up(database: Database, shop: Shop) -> NoReturn:
    with database.transaction() as db:
        tokens.unlock(db, shop.id)
        shops.needs_reopening(db, shop.id)
    log.warning("the token is lost: the merchant has to open the app", shop=shop.domain)
    raise NeedsReopening(f"{shop.domain} has to open the app again")
