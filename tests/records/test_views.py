"""What visitors looked at: once each, under a pseudonym, for a while, and gone with the customer it leads to."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import event, select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import exports, keys, pieces, retention, shops, views
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.records.views import Seen
from shopify_app.tables import Shop, View, ViewKind
from tests.conftest import Deliver
from tests.records.people import Buyer

BROWSER = "6fe1a2c4-browser"
BUYER = Buyer()


def keep(database: Database, shop: Shop, *seen: Seen) -> int:
    with database.transaction() as db:
        return views.keep(db, keys.of(db, shop.id), seen, clock.now())


def stored(database: Database, shop: Shop) -> list[View]:
    with database.reading() as db:
        return list(db.scalars(select(View).where(View.shop_id == shop.id).order_by(View.id)))


def viewed(event_id: str, product_id: int = 1, browser: str = BROWSER) -> Seen:
    return Seen(event_id, ViewKind.VIEWED, browser, product_id=product_id)


def ordered(event_id: str, order_id: int, browser: str = BROWSER) -> Seen:
    return Seen(event_id, ViewKind.ORDERED, browser, order_id=order_id)


def test_the_same_event_counts_once_in_each_shop(database: Database, alice: Shop, bob: Shop) -> None:
    assert keep(database, alice, viewed("a"), viewed("b", 2)) == 2
    assert keep(database, alice, viewed("a"), viewed("c", 3)) == 1
    assert keep(database, bob, viewed("a")) == 1
    assert [one.product_id for one in stored(database, alice)] == [1, 2, 3]


def test_a_browser_has_one_pseudonym_in_a_shop_and_another_in_the_next(
    database: Database, alice: Shop, bob: Shop
) -> None:
    for shop in (alice, bob):
        keep(database, shop, viewed("a"), viewed("b"), viewed("c", browser="somebody else"))
    first, second, other = (one.visitor for one in stored(database, alice))
    assert first == second != other
    assert first != stored(database, bob)[0].visitor


def test_old_views_go_after_as_long_as_the_shop_says(database: Database, alice: Shop, bob: Shop) -> None:
    for shop in (alice, bob):
        keep(database, shop, viewed("old"), viewed("new"))
    with database.transaction() as db:
        db.execute(update(View).where(View.event_id == "old").values(seen_at=clock.now() - timedelta(days=40)))
        shops.get(db, alice.id).settings = {"keep_views_days": 30}
    retention.retire_rows(database, clock.now())
    assert [one.event_id for one in stored(database, alice)] == ["new"]
    assert [one.event_id for one in stored(database, bob)] == ["old", "new"]


def test_many_old_views_go_a_few_at_a_time_and_the_steps_of_the_shop_are_counted_anew_once(
    database: Database, alice: Shop, bob: Shop
) -> None:
    old = clock.now() - timedelta(days=100)
    keep(database, alice, *(replace(viewed(f"old {n}"), heard_at=old) for n in range(2 * pieces.FEW)), viewed("new"))
    keep(database, bob, replace(viewed("old"), heard_at=old))
    told: list[tuple[str, int]] = []
    ours = Database(database.url)
    event.listen(ours.engine, "after_execute", lambda *done: told.append((str(done[1])[:26], done[-1].rowcount)))
    assert views.retire(ours, alice, clock.now()) == 2 * pieces.FEW
    ours.engine.dispose()
    gone = [rows for statement, rows in told if statement.startswith("DELETE FROM views")]
    assert gone == [pieces.FEW, pieces.FEW, 0]
    assert len([statement for statement, _ in told if statement.startswith("INSERT INTO snapshot_parts")]) == 1
    assert [one.event_id for one in stored(database, alice)] == ["new"]
    assert [one.event_id for one in stored(database, bob)] == ["old"]


def test_a_forgotten_customer_takes_along_what_was_seen_in_their_browsers(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Callable[[], int]
) -> None:
    for shop in (alice, bob):
        deliver(shop, "orders/create", BUYER.buys(1))
        drain()
        keep(database, shop, viewed("a"), ordered("b", 1), viewed("c", browser="somebody else"))
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    drain()
    assert [one.event_id for one in stored(database, alice)] == ["c"]
    assert [one.event_id for one in stored(database, bob)] == ["a", "b", "c"]
    assert keep(database, alice, ordered("late", 1)) == 0


def test_who_asks_for_their_data_gets_what_was_seen_in_their_browsers(
    database: Database,
    objects: Objects,
    seal: Seal,
    alice: Shop,
    bob: Shop,
    deliver: Deliver,
    drain: Callable[[], int],
) -> None:
    for shop in (alice, bob):
        deliver(shop, "orders/create", BUYER.buys(1))
        keep(database, shop, viewed("a", 7), ordered("b", 1), viewed("c", browser="somebody else"))
    deliver(alice, "customers/data_request", BUYER.asks(alice.domain, "orders_requested", 1))
    drain()
    exports.make_all(database, objects, seal)
    with database.reading() as db:
        (export,) = exports.of(db, alice.id)
    held = json.loads(exports.fetch(database, objects, alice.id, export.id, by="test"))
    assert [(one["event_id"], one["product_id"], one["order_id"]) for one in held["views"]] == [
        ("a", 7, None),
        ("b", None, 1),
    ]
