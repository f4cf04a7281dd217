"""Steps between product pages: counted by day from what browsers told, in order, and never about few of them."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ml.dataset import read_dataset
from shopify_app import clock
from shopify_app.db import Database
from shopify_app.records import keys, retention, shops, snapshots, steps, views
from shopify_app.records.objects import Objects
from shopify_app.records.views import Seen
from shopify_app.tables import Shop, Snapshot, ViewKind
from tests.conftest import Deliver
from tests.records.people import Buyer

MONDAY = date(2026, 3, 2)
BUYER = Buyer()
Look = Callable[..., None]
Row = tuple[int, int, str, int]


@pytest.fixture
def look(database: Database) -> Look:
    """Pages of one browser, one a minute: `look(alice, "b1", 1, 2)`; `pauses`: minutes before the pages at places."""
    number = iter(range(10**6))

    def at(shop: Shop, browser: str, *pages: int, on: date = MONDAY, pauses: dict[int, int] | None = None) -> None:
        heard = clock.now()
        with database.transaction() as db:
            for place, page in enumerate(pages):
                heard += timedelta(minutes=(pauses or {}).get(place, 1))
                seen = Seen(f"e{next(number)}", ViewKind.VIEWED, browser, product_id=page, heard_at=heard)
                views.keep(db, keys.of(db, shop.id), [seen], clock.now(), on)

    return at


def counted(database: Database, shop: Shop) -> list[Row]:
    """With the newest day closed by one more view of the next."""
    with database.transaction() as db:
        seen = Seen("closing", ViewKind.VIEWED, "nobody", product_id=1)
        views.keep(db, keys.of(db, shop.id), [seen], clock.now(), MONDAY + timedelta(days=60))
    with database.reading() as db:
        rows = steps.counted(db, shop.id).to_pylist()
    return [(row["product_id"], row["next_id"], str(row["viewed_on"]), row["browsers"]) for row in rows]


def test_steps_are_counted_in_their_order_and_for_each_shop_alone(
    database: Database, alice: Shop, bob: Shop, look: Look
) -> None:
    for browser in range(6):
        look(alice, f"b{browser}", 1, 2)
        look(bob, f"b{browser}", 2, 1, on=MONDAY + timedelta(days=browser))
    assert counted(database, alice) == [(1, 2, "2026-03-02", 6)]
    assert counted(database, bob) == [(2, 1, f"2026-03-0{2 + day}", 1) for day in range(6)]


def test_two_products_of_few_browsers_are_nobody_s_to_see(database: Database, alice: Shop, look: Look) -> None:
    for browser in range(4):
        for _ in range(3):
            look(alice, f"b{browser}", 1, 2)
    assert counted(database, alice) == []
    look(alice, "one more", 2, 1)
    assert counted(database, alice) == [(1, 2, "2026-03-02", 4), (2, 1, "2026-03-02", 1)]


def test_a_browser_counts_once_for_two_products_the_first_time(database: Database, alice: Shop, look: Look) -> None:
    for browser in range(5):
        look(alice, f"b{browser}", 1, 2, 1, 2)
        look(alice, f"b{browser}", 2, 1, on=MONDAY + timedelta(days=1), pauses={0: 90})
    assert counted(database, alice) == [(1, 2, "2026-03-02", 5)]


def test_pages_are_near_within_three_steps_of_one_visit(database: Database, alice: Shop, look: Look) -> None:
    for browser in range(5):
        look(alice, f"b{browser}", 1, 2, 3, 3, 4, 5, 9, pauses={6: 31})
    found = {(first, then) for first, then, _, _ in counted(database, alice)}
    assert found == {(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (2, 5), (3, 4), (3, 5), (4, 5)}


def test_whoever_opens_a_hundred_pages_in_a_visit_is_a_machine(database: Database, alice: Shop, look: Look) -> None:
    for browser in range(5):
        look(alice, f"b{browser}", *range(1, 102))
    assert counted(database, alice) == []


def test_whoever_opens_a_page_again_and_again_is_none(database: Database, alice: Shop, look: Look) -> None:
    for browser in range(5):
        look(alice, f"b{browser}", *[1] * 101, 2, 2)
    assert counted(database, alice) == [(1, 2, "2026-03-02", 5)]


def test_a_snapshot_holds_the_steps_of_closed_days_and_stays_the_same_while_a_day_is_open(
    database: Database,
    objects: Objects,
    alice: Shop,
    look: Look,
    deliver: Deliver,
    drain: Callable[[], int],
    tmp_path: Path,
) -> None:
    deliver(alice, "orders/create", BUYER.buys(1))
    drain()

    def freeze() -> tuple[str, list[tuple[int, int]]]:
        snapshot = snapshots.freeze(database, objects, alice, MONDAY, "code-1")
        return snapshot.id, _steps(objects, snapshot)

    assert freeze()[1] == []

    for browser in range(5):
        look(alice, f"b{browser}", 1, 2)
    assert freeze()[1] == []
    tuesday = MONDAY + timedelta(days=1)
    look(alice, "b1", 3, on=tuesday)
    closed = freeze()
    assert closed[1] == [(1, 2)]
    look(alice, "b2", 3, on=tuesday)
    assert freeze() == closed
    folder = snapshots.materialise(
        objects, snapshots.freeze(database, objects, alice, MONDAY, "code-1"), tmp_path / "d"
    )
    found = read_dataset(folder).steps()
    assert found is not None
    assert (found.products.tolist(), found.age.tolist(), found.browsers.tolist()) == ([1, 2], [0.0], [5])


def test_steps_of_the_forgotten_and_of_old_views_are_in_no_further_snapshot(
    database: Database,
    objects: Objects,
    alice: Shop,
    bob: Shop,
    look: Look,
    deliver: Deliver,
    drain: Callable[[], int],
) -> None:
    for shop in (alice, bob):
        deliver(shop, "orders/create", BUYER.buys(1))
        drain()
        for browser in range(5):
            look(shop, f"b{browser}", 1, 2)
        with database.transaction() as db:
            ordered = Seen("o", ViewKind.ORDERED, "b1", order_id=1)
            views.keep(db, keys.of(db, shop.id), [ordered], clock.now(), MONDAY + timedelta(days=1))

    def frozen(shop: Shop) -> list[tuple[int, int]]:
        return _steps(objects, snapshots.freeze(database, objects, shop, MONDAY, "code-1"))

    assert frozen(alice) == frozen(bob) == [(1, 2)]
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    drain()
    assert (frozen(alice), frozen(bob)) == ([], [(1, 2)])
    with database.transaction() as db:
        shops.get(db, bob.id).settings = {"keep_views_days": 30}
    retention.retire_all(database, clock.now() + timedelta(days=31))
    assert frozen(bob) == []


def _steps(objects: Objects, snapshot: Snapshot) -> list[tuple[int, int]]:
    files = {file["name"]: file["sha256"] for file in snapshot.manifest["files"]}
    if "views.parquet" not in files:
        return []
    table = pq.read_table(objects.path(files["views.parquet"]))
    assert table.column_names == ["product_id", "next_id", "viewed_on", "browsers"]
    return [(row["product_id"], row["next_id"]) for row in table.to_pylist()]
