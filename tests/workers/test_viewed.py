"""What visitors look at next serves product pages once the orders that came later say so, and in that shop alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.explain import explain
from shopify_app.records import ingest, keys, payloads, views
from shopify_app.records.views import Seen
from shopify_app.tables import Shop, Version, ViewKind
from tests import factories
from tests.workers.test_refresh import LAST, an_order, train
from workers.context import Context

MATES = [(number, number + 10) for number in range(1, 11)]
"""Product 1 is looked at before 11, and bought with it in the newest weeks."""
VISITS = LAST - timedelta(days=35)
NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)


def visit(context: Context, shop: Shop, browsers: int) -> None:
    """So many browsers look at each two mates, an hour apart, five weeks before the shop's open day."""
    with context.database.transaction() as db:
        secret = keys.of(db, shop.id)
        for browser in range(browsers):
            seen = [
                Seen(
                    f"{browser}-{product}",
                    ViewKind.VIEWED,
                    f"b{browser}",
                    product_id=product,
                    heard_at=NOON + timedelta(hours=hour, minutes=minute),
                )
                for hour, mates in enumerate(MATES)
                for minute, product in enumerate(mates)
            ]
            views.keep(db, secret, seen, NOON, VISITS)
        closing = Seen("last", ViewKind.VIEWED, "b0", product_id=1)
        views.keep(db, secret, [closing], NOON, LAST)


@pytest.fixture
def shops(context: Context, alice: Shop, bob: Shop) -> tuple[Shop, Shop]:
    """Two shops with the same products and the same orders: any two before the newest four weeks, mates since."""
    random = np.random.default_rng(2)
    for shop in (alice, bob):
        any_two = [random.choice(20, 2, replace=False) + 1 for _ in range(240)]
        sold = [an_order(shop, n, LAST - timedelta(days=30 + n % 60), two.tolist()) for n, two in enumerate(any_two, 1)]
        sold += [an_order(shop, 1000 + n, LAST - timedelta(days=1 + n % 27), list(MATES[n % 10])) for n in range(80)]
        with context.database.transaction() as db:
            mine = db.get_one(Shop, shop.id)
            ingest.apply_backfill(db, mine, [payloads.order(one) for one in sold], business_clock="data")
            for product in range(1, 21):
                told = factories.product(product, tags="", vendor="", product_type="")
                ingest.apply(db, mine, "products/create", told, business_clock="data")
            ingest.apply(db, mine, "orders/create", an_order(shop, 5000, LAST, [1, 2]), business_clock="data")
    return alice, bob


def test_views_serve_pages_where_they_did_best_and_nowhere_else(context: Context, shops: tuple[Shop, Shop]) -> None:
    alice, bob = shops
    visit(context, alice, browsers=110)
    visit(context, bob, browsers=90)
    for shop in shops:
        train(context, shop, "asked by the test")
    with context.database.reading() as db:
        versions = db.scalars(select(Version).where(Version.task == "recommend")).all()
        pages = {version.shop_id: version.metrics["places"]["product_page"] for version in versions}
        told = explain(db, Bundles(context.settings), db.get_one(Shop, alice.id), 1)
    assert pages[alice.id]["list"] == "viewed"
    assert pages[alice.id]["ndcg_10"]["viewed"] > 0.9
    assert "viewed" not in pages[bob.id]["ndcg_10"]
    assert (told.shown[0].product_id, told.shown[0].why[0]) == (11, "Often looked at next")
