"""Access is kept alive for quiet shops, healed when Shopify refuses it, and when it is lost no job runs."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shopify_app import clock, status
from shopify_app.config import secret_name
from shopify_app.errors import Unauthorised
from shopify_app.platform.oauth import TokenPair
from shopify_app.records import jobs, shops, tokens
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Job, Shop, Token
from tests.factories import OLD_SECRET, SECRET
from tests.web.conftest import SmallShopify
from workers import housekeeping, run
from workers.context import Context


def give(
    context: Context, shop: Shop, *, days: float = 80, hours: float = 1, secret: str = SECRET, access_token: str = ""
) -> None:
    pair = TokenPair(
        access_token=access_token or f"shpat_of_{shop.id}",
        scope="read_orders",
        expires_at=clock.now() + timedelta(hours=hours),
        refresh_token=f"shprt_of_{shop.id}",
        refresh_expires_at=clock.now() + timedelta(days=days),
        minted_with=secret_name(secret),
    )
    with context.database.transaction() as db:
        tokens.save(db, shop.id, pair, context.seal)


def generations(context: Context) -> dict[int, int]:
    with context.database.reading() as db:
        return dict(db.execute(select(Token.shop_id, Token.generation)).all())  # type: ignore[arg-type]


def test_a_quiet_shop_is_renewed_a_month_before_its_refresh_token_lapses(
    context: Context, alice: Shop, bob: Shop, shopify: SmallShopify
) -> None:
    give(context, alice, days=29)
    give(context, bob, days=31)
    for _ in range(3):
        housekeeping.tick(context)
    assert generations(context) == {alice.id: 2, bob.id: 1}
    assert [grant["refresh_token"] for grant in shopify.grants] == [f"shprt_of_{alice.id}"]


def test_after_a_rotation_every_token_is_got_anew_with_the_current_secret(
    context: Context, alice: Shop, bob: Shop, shopify: SmallShopify
) -> None:
    give(context, alice, secret=OLD_SECRET)
    give(context, bob)
    housekeeping.tick(context)
    assert generations(context) == {alice.id: 2, bob.id: 1}
    assert shopify.grants[0]["client_secret"] == SECRET


def test_while_shopify_is_down_a_shop_is_tried_once_an_hour(
    context: Context, alice: Shop, shopify: SmallShopify
) -> None:
    give(context, alice, days=3)
    shopify.status = 503
    for _ in range(3):
        housekeeping.tick(context)
    assert len(shopify.grants) == 1
    shopify.status = 200
    with context.database.transaction() as db:
        db.execute(update(Token).values(tried_at=clock.now() - tokens.REST - timedelta(seconds=1)))
    housekeeping.tick(context)
    assert generations(context) == {alice.id: 2}


def test_a_token_refused_before_its_time_is_renewed_for_the_next_try(
    context: Context, alice: Shop, bob: Shop, shopify: SmallShopify
) -> None:
    give(context, alice)
    give(context, bob)
    shopify.refused_tokens.add(f"shpat_of_{alice.id}")
    with pytest.raises(Unauthorised):
        context.api(alice).run("shop_facts")
    assert context.api(alice).run("shop_facts")["shop"]["name"] == "Alice"
    assert [grant["shop"] for grant in shopify.grants] == [alice.domain]
    assert generations(context) == {alice.id: 2, bob.id: 1}


def test_a_refusal_of_a_token_that_was_replaced_meanwhile_changes_nothing(
    context: Context, alice: Shop, shopify: SmallShopify
) -> None:
    give(context, alice)
    before = context.api(alice)
    give(context, alice, access_token="shpat_newer")
    shopify.refused_tokens.add(before.token)
    with pytest.raises(Unauthorised):
        before.run("shop_facts")
    assert context.api(alice).token == "shpat_newer"
    assert shopify.grants == []


def test_when_access_is_lost_no_job_of_that_shop_runs_until_it_is_opened_and_the_status_says_so(
    context: Context, alice: Shop, bob: Shop, shopify: SmallShopify
) -> None:
    give(context, alice, hours=0)
    give(context, bob)
    shopify.refuse = "invalid_grant"
    with context.database.transaction() as db:
        jobs.ask(db, alice.id, "backfill", "a test")
    assert run.drain(context, ["backfill"]) == 1
    due_again(context)
    assert run.drain(context, ["backfill"]) == 0
    assert accesses(context) == {
        alice.domain: "lost: the merchant has to open the app once; no job runs until then",
        bob.domain: f"renewable until {clock.now() + timedelta(days=80):%Y-%m-%d}",
    }
    assert len(shopify.grants) == 1
    reopened(context, alice)
    assert run.drain(context, ["backfill"]) == 1


def due_again(context: Context) -> None:
    with context.database.transaction() as db:
        db.execute(update(Job).where(Job.state == "pending").values(due_at=clock.now() - timedelta(seconds=1)))


def accesses(context: Context) -> dict[str, str]:
    with context.database.reading() as db:
        return {domain: entry["access"] for domain, entry in status.of_all(db).items()}


def reopened(context: Context, shop: Shop) -> None:
    give(context, shop)
    with context.database.transaction() as db:
        shops.install(db, shop.domain, ShopFacts("Alice", "EUR", "UTC", "DE"), "read_orders", clock.now())
