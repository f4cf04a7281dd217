"""A token that is handed out is good for five minutes, and is renewed by one caller for all."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from shopify_app import access, clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import NeedsReopening, ShopifyUnavailable
from shopify_app.platform import http
from shopify_app.records import shops, tokens
from shopify_app.records.seal import Seal
from shopify_app.tables import Shop, ShopState
from tests.web.conftest import SmallShopify


@dataclass(frozen=True)
class Pair:
    expires_at: datetime
    refresh_expires_at: datetime
    access_token: str = "shpat_0"
    refresh_token: str = "shprt_0"
    scope: str = "read_orders"
    minted_with: str = "5ec4e700"


def give(database: Database, seal: Seal, shop: Shop, minutes: float, refresh_days: float = 80, **more: str) -> None:
    pair = Pair(clock.now() + timedelta(minutes=minutes), clock.now() + timedelta(days=refresh_days), **more)
    with database.transaction() as db:
        tokens.save(db, shop.id, pair, seal)


def token(database: Database, settings: Settings, shop: Shop) -> str:
    return access.token_for(database, settings, shop, http.session(settings.dev_shopify_url))


def test_a_token_with_time_left_is_used_as_it_is(
    database: Database, settings: Settings, seal: Seal, alice: Shop, shopify: SmallShopify
) -> None:
    give(database, seal, alice, minutes=6)
    assert token(database, settings, alice) == "shpat_0"
    assert shopify.grants == []


@pytest.mark.parametrize("minutes", [4.9, 0, -600])
def test_a_token_about_to_expire_is_renewed_and_stored_before_use(
    database: Database, settings: Settings, seal: Seal, alice: Shop, shopify: SmallShopify, minutes: float
) -> None:
    give(database, seal, alice, minutes)
    assert token(database, settings, alice) == "shpat_1"
    assert shopify.grants[0]["refresh_token"] == "shprt_0"
    with database.reading() as db:
        stored = tokens.load(db, alice.id, seal)
    assert stored is not None
    assert (stored.access_token, stored.refresh_token, stored.generation) == ("shpat_1", "shprt_1", 2)


def test_many_who_need_it_at_once_renew_once(
    database: Database, settings: Settings, seal: Seal, alice: Shop, bob: Shop, shopify: SmallShopify
) -> None:
    give(database, seal, alice, minutes=1)
    give(database, seal, bob, minutes=1)
    found: list[tuple[int, str]] = []

    def ask(shop: Shop) -> None:
        found.append((shop.id, token(database, settings, shop)))

    threads = [threading.Thread(target=ask, args=(shop,)) for shop in (alice, alice, alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(grant["shop"] for grant in shopify.grants) == [alice.domain, bob.domain]
    assert len(set(found)) == 2


def test_a_shop_whose_refresh_token_is_refused_has_to_open_the_app(
    database: Database, settings: Settings, seal: Seal, alice: Shop, shopify: SmallShopify
) -> None:
    give(database, seal, alice, minutes=1)
    shopify.refuse = "invalid_grant"
    with pytest.raises(NeedsReopening):
        token(database, settings, alice)
    with database.reading() as db:
        assert shops.get(db, alice.id).state == ShopState.NEEDS_REOPENING


@pytest.mark.parametrize("refuse", ["invalid_grant", None])
def test_a_renewal_that_was_overtaken_by_consent_neither_counts_nor_closes_the_shop(
    database: Database, settings: Settings, seal: Seal, alice: Shop, shopify: SmallShopify, refuse: str | None
) -> None:
    give(database, seal, alice, minutes=1)
    shopify.refuse = refuse
    shopify.meanwhile = lambda: give(database, seal, alice, minutes=60, access_token="shpat_by_consent")
    assert token(database, settings, alice) == "shpat_by_consent"
    assert len(shopify.grants) == 1
    with database.reading() as db:
        assert shops.get(db, alice.id).state == ShopState.INSTALLED


def test_an_expired_refresh_token_is_not_even_sent(
    database: Database, settings: Settings, seal: Seal, alice: Shop, shopify: SmallShopify
) -> None:
    give(database, seal, alice, minutes=-60, refresh_days=-1)
    with pytest.raises(NeedsReopening):
        token(database, settings, alice)
    assert shopify.grants == []


def test_a_shop_without_a_token_has_to_open_the_app(database: Database, settings: Settings, charlie: Shop) -> None:
    with pytest.raises(NeedsReopening):
        token(database, settings, charlie)


def test_when_shopify_is_down_the_next_caller_may_try_at_once(
    database: Database, settings: Settings, seal: Seal, alice: Shop, shopify: SmallShopify
) -> None:
    give(database, seal, alice, minutes=1)
    shopify.status = 503
    with pytest.raises(ShopifyUnavailable):
        token(database, settings, alice)
    shopify.status = 200
    assert token(database, settings, alice) == "shpat_2"
    with database.reading() as db:
        assert shops.get(db, alice.id).state == ShopState.INSTALLED


def test_a_quiet_shop_s_pair_is_renewed_though_it_is_still_good(
    database: Database, settings: Settings, seal: Seal, alice: Shop, shopify: SmallShopify
) -> None:
    give(database, seal, alice, minutes=50, refresh_days=10)
    access.renew(database, settings, alice, http.session(settings.dev_shopify_url))
    assert token(database, settings, alice) == "shpat_1"
