"""A shop is erased by a desk that is killed again and again, while another shop's webhooks go on being stored."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from shopify_app import clock, nudge
from shopify_app.config import Settings
from shopify_app.db import Database, insert_many
from shopify_app.records import receipts
from shopify_app.tables import Shop, Turn, View
from tests.conftest import Deliver
from tests.factories import order
from tests.long.app_processes import running, wait

pytestmark = pytest.mark.long

VIEWS, KILLS = 60_000, 3
PATIENCE = 3.5
"""Seconds after which a webhook is answered 503."""


def views(database: Database, shop: Shop) -> int:
    with database.reading() as db:
        return db.scalars(select(func.count()).select_from(View).where(View.shop_id == shop.id)).one()


def is_erased(database: Database, shop: Shop) -> bool:
    with database.reading() as db:
        return bool(receipts.of(db, shop.domain))


def test_killed_again_and_again_a_shop_is_erased_once_and_others_are_heard_meanwhile(
    database: Database,
    settings: Settings,
    alice: Shop,
    bob: Shop,
    deliver: Deliver,
    drain: Callable[[], int],
) -> None:
    nudge.configure(settings)
    same = {"kind": "viewed", "visitor": 1, "seen_at": clock.now(), "product_id": 1}
    for shop, number in ((alice, VIEWS), (bob, 10)):
        deliver(shop, "orders/create", order(1, lines=((1, shop.id, "1.00"),)))
        drain()
        with database.transaction() as db:
            insert_many(db, View, [same | {"shop_id": shop.id, "event_id": str(n)} for n in range(number)])
    deliver(alice, "app/uninstalled", {"id": 1})
    drain()
    deliver(alice, "shop/redact", {"shop_domain": alice.domain})
    waits = list[float]()

    def goes_on(left: int) -> bool:
        began = time.monotonic()
        deliver(bob, "orders/create", order(100 + len(waits), lines=((1, 1, "1.00"),)))
        waits.append(time.monotonic() - began)
        return views(database, alice) < left or is_erased(database, alice)

    for _ in range(KILLS):
        with running(settings, "desk"):
            before = views(database, alice)
            wait("some of it", lambda before=before: goes_on(before))  # type: ignore[misc]
        with database.transaction() as db:
            db.execute(update(Turn).values(lease_until=clock.now() - timedelta(seconds=1)))
    assert 0 < views(database, alice) < VIEWS
    with running(settings, "desk"):
        wait("its end", lambda: goes_on(0) and is_erased(database, alice), seconds=120.0)
    with database.reading() as db:
        (receipt,) = receipts.of(db, alice.domain)
        assert db.scalars(select(Shop.domain)).all() == [bob.domain]
    assert receipt.told["rows"] >= VIEWS
    assert (views(database, alice), views(database, bob)) == (0, 10)
    assert max(waits) < PATIENCE
