"""Opening the app installs the shop once: one token exchange, its facts, and the backfill asked for."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import shops, tokens
from shopify_app.records.seal import Seal
from shopify_app.tables import Backfill, Job, Shop, ShopState, Token
from tests import factories
from tests.conftest import Deliver
from tests.web.conftest import Send, SmallShopify

Drain = Callable[[], int]
DORA = "dora.myshopify.com"


def the_shop(database: Database, domain: str = DORA) -> Shop:
    with database.reading() as db:
        shop = shops.by_domain(db, domain)
        assert shop is not None
        return shop


def asked(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(Job.kind)))


def test_the_first_opening_installs_the_shop(
    database: Database, seal: Seal, visit: Send, shopify: SmallShopify
) -> None:
    assert visit(DORA).status_code == 200
    dora = the_shop(database)
    assert (dora.state, dora.name, dora.currency, dora.time_zone, dora.country) == (
        *("installed", "Dora", "EUR", "Europe/Berlin", "DE"),
    )
    assert dora.scopes == "read_orders,read_products"
    assert asked(database) == ["backfill"]
    (grant,) = shopify.grants
    assert grant["expiring"] == 1
    assert grant["requested_token_type"].endswith("offline-access-token")
    with database.reading() as db:
        stored = tokens.load(db, dora.id, seal)
    assert stored is not None
    assert stored.access_token == "shpat_1"


def test_a_token_is_stored_before_it_is_used(
    app: Flask, database: Database, seal: Seal, visit: Send, shopify: SmallShopify
) -> None:
    stored_at_use: list[tuple[str, str | None]] = []

    def note(used: str) -> None:
        with database.reading() as db:
            found = tokens.load(db, the_shop(database).id, seal)
        stored_at_use.append((used, found.access_token if found else None))

    shopify.on_use = note
    visit(DORA)
    client = app.test_client()
    state = client.get(f"/auth/install?shop={DORA}").headers["Location"].split("state=")[1]
    assert client.get(f"/auth/callback?{factories.oauth_query(DORA, state=state)}").status_code == 302
    assert stored_at_use == [("shpat_1", "shpat_1"), ("shpat_2", "shpat_2")]


def test_later_openings_exchange_nothing(visit: Send, shopify: SmallShopify) -> None:
    for _ in range(3):
        assert visit(DORA).status_code == 200
    assert len(shopify.grants) == 1


def test_many_first_requests_at_once_exchange_once(app: Flask, database: Database, shopify: SmallShopify) -> None:
    statuses = []

    def open_it() -> None:
        query = {"id_token": factories.id_token(DORA)}
        statuses.append(app.test_client().get("/settings", query_string=query).status_code)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert len(shopify.grants) == 1
    assert asked(database) == ["backfill"]


def test_a_refused_exchange_sends_the_page_for_a_fresh_token_and_leaves_the_way_free(
    database: Database, visit: Send, shopify: SmallShopify
) -> None:
    shopify.refuse = "invalid_subject_token"
    assert visit(DORA).status_code == 302
    shopify.refuse = None
    assert visit(DORA).status_code == 200
    assert the_shop(database).state == ShopState.INSTALLED


def test_a_shopify_that_is_down_is_said_so_and_the_next_try_works(visit: Send, shopify: SmallShopify) -> None:
    shopify.status = 502
    answer = visit(DORA)
    assert answer.status_code == 502
    assert "try again" in answer.text
    shopify.status = 200
    assert visit(DORA).status_code == 200


def test_what_went_wrong_at_the_first_opening_is_told_inside_the_admin(visit: Send, shopify: SmallShopify) -> None:
    for shopify.status in (429, 502):
        answer = visit(DORA, "/")
        assert f"frame-ancestors https://{DORA} " in answer.headers["Content-Security-Policy"]
        assert "<s-page" in answer.text
    for stranger in ({"aud": "another app"}, {"iss": "https://eve.myshopify.com/admin"}, {"exp": 1}):
        assert visit(DORA, "/", **stranger).headers["Content-Security-Policy"] == "frame-ancestors 'none'"


def test_opening_again_after_the_token_was_lost_brings_the_shop_back(
    database: Database, visit: Send, shopify: SmallShopify
) -> None:
    visit(DORA)
    dora = the_shop(database)
    with database.transaction() as db:
        db.execute(update(Job).values(state="done"))
        db.add(Backfill(shop_id=dora.id, state="done", started_at=clock.now()))
        shops.needs_reopening(db, dora.id)
    assert visit(DORA).status_code == 200
    assert the_shop(database).state == ShopState.INSTALLED
    assert len(shopify.grants) == 2
    with database.reading() as db:
        assert set(db.scalars(select(Job.state))) == {"done"}


@pytest.mark.parametrize(("refuse", "status"), [("invalid_client", 200), (None, 503)])
def test_while_access_is_lost_the_pages_show_what_is_stored_and_say_so(
    database: Database, visit: Send, shopify: SmallShopify, refuse: str | None, status: int
) -> None:
    visit(DORA)
    with database.transaction() as db:
        shops.needs_reopening(db, the_shop(database).id)
    shopify.refuse, shopify.status = refuse, status
    for path in ("/", "/forecasts", "/models"):
        answer = visit(DORA, path)
        assert answer.status_code == 200
        assert "Shopify no longer accepts our access" in answer.text
    shopify.refuse, shopify.status = None, 200
    assert "Shopify no longer accepts our access" not in visit(DORA, "/").text
    assert the_shop(database).state == ShopState.INSTALLED


def test_a_shop_that_was_never_installed_sees_no_page_without_a_token(visit: Send, shopify: SmallShopify) -> None:
    shopify.refuse = "invalid_client"
    assert [visit(DORA, "/").status_code for _ in range(2)] == [502, 502]


def test_a_reinstalled_shop_gets_a_new_token_and_reads_its_history_again(
    database: Database, visit: Send, shopify: SmallShopify, deliver: Deliver, drain: Drain
) -> None:
    visit(DORA)
    with database.transaction() as db:
        db.execute(update(Job).values(state="done"))
        db.add(Backfill(shop_id=the_shop(database).id, state="done", started_at=clock.now()))
    deliver(DORA, "app/uninstalled", {"id": 1}, triggered_at=clock.now() + timedelta(seconds=1))
    drain()
    assert the_shop(database).state == ShopState.UNINSTALLED
    with database.reading() as db:
        assert db.scalars(select(Token)).all() == []
    assert visit(DORA).status_code == 200
    assert the_shop(database).state == ShopState.INSTALLED
    with database.reading() as db:
        assert sorted(db.scalars(select(Job.state))) == ["done", "pending"]
    assert len(shopify.grants) == 2


def test_a_late_word_of_an_uninstall_does_not_end_the_installation_after_it(
    database: Database, visit: Send, deliver: Deliver, drain: Drain, alice: Shop
) -> None:
    def state_after(domain: str, told_at: datetime) -> str:
        deliver(domain, "app/uninstalled", {"id": 1, "myshopify_domain": domain}, triggered_at=told_at)
        drain()
        return the_shop(database, domain).state

    visit(DORA)
    uninstalled_at = clock.now()
    with database.transaction() as db:
        shops.needs_reopening(db, the_shop(database).id)  # its token was refused before the webhook came
    visit(DORA)
    assert state_after(DORA, uninstalled_at) == ShopState.INSTALLED
    assert state_after(alice.domain, uninstalled_at) == ShopState.UNINSTALLED
    with database.reading() as db:
        assert db.scalars(select(Token.shop_id)).all() == [the_shop(database).id]
    assert state_after(DORA, clock.now()) == ShopState.UNINSTALLED
    with database.reading() as db:
        assert db.scalars(select(Token.shop_id)).all() == []
