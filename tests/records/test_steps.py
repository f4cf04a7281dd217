"""Steps between product pages: counted by week from what browsers told, in order, and never about few of them."""

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
        heard, seen = clock.now(), []
        for place, page in enumerate(pages):
            heard += timedelta(minutes=(pauses or {}).get(place, 1))
            seen.append(Seen(f"e{next(number)}", ViewKind.VIEWED, browser, product_id=page, heard_at=heard))
        with database.transaction() as db:
            views.keep(db, keys.of(db, shop.id), seen, clock.now(), on)

    return at


def counted(database: Database, shop: Shop) -> list[Row]:
    """With the newest week closed by one more view of a later one."""
    with database.transaction() as db:
        seen = Seen("closing", ViewKind.VIEWED, "nobody", product_id=1)
        views.keep(db, keys.of(db, shop.id), [seen], clock.now(), MONDAY + timedelta(days=60))
    with database.reading() as db:
        rows = steps.counted(db, shop.id).to_pylist()
    return [(row["product_id"], row["next_id"], str(row["week_on"]), row["browsers"]) for row in rows]


def test_steps_are_counted_in_their_order_and_for_each_shop_alone(
    database: Database, alice: Shop, bob: Shop, look: Look
) -> None:
    for browser in range(5):
        look(alice, f"b{browser}", 1, 2, on=MONDAY + timedelta(days=browser))
        look(bob, f"b{browser}", 2, 1, on=MONDAY + timedelta(days=browser + 7))
    assert counted(database, alice) == [(1, 2, "2026-03-02", 5)]
    assert counted(database, bob) == [(2, 1, "2026-03-09", 5)]


def test_what_few_browsers_did_in_a_week_is_nobody_s_to_see(
    database: Database, alice: Shop, bob: Shop, look: Look
) -> None:
    for browser in range(4):
        for day in range(4):
            look(alice, f"b{browser}", 1, 2, on=MONDAY + timedelta(days=day))
        for week in range(3):
            look(bob, f"b{week}{browser}", 1, 2, on=MONDAY + timedelta(days=7 * week))
    look(alice, "the other way", 2, 1)
    look(alice, "a day late", 1, 2, on=MONDAY + timedelta(days=7))
    assert counted(database, alice) == counted(database, bob) == []
    look(alice, "one more", 1, 2, on=MONDAY + timedelta(days=6))
    assert counted(database, alice) == [(1, 2, "2026-03-02", 5)]
    assert counted(database, bob) == []


def test_browsers_are_counted_in_fives(database: Database, alice: Shop, look: Look) -> None:
    for browser in range(14):
        look(alice, f"b{browser}", 1, 2)
    assert counted(database, alice) == [(1, 2, "2026-03-02", 10)]


def test_a_browser_counts_once_a_week_for_two_products_the_first_time(
    database: Database, alice: Shop, look: Look
) -> None:
    for browser in range(5):
        look(alice, f"b{browser}", 1, 2, 1, 2)
        look(alice, f"b{browser}", 2, 1, on=MONDAY + timedelta(days=1), pauses={0: 90})
        look(alice, f"b{browser}", 2, 1, on=MONDAY + timedelta(days=8), pauses={0: 180})
    assert counted(database, alice) == [(1, 2, "2026-03-02", 5), (2, 1, "2026-03-09", 5)]


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


def test_a_snapshot_holds_the_steps_of_closed_weeks_and_stays_the_same_while_a_week_is_open(
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
    sunday = MONDAY + timedelta(days=6)
    look(alice, "b1", 3, on=sunday)
    assert freeze()[1] == []
    for day in range(1, 4):
        look(alice, "b1", 3, on=sunday + timedelta(days=day))
        closed = freeze()
        assert closed[1] == [(1, 2)]
    for browser in range(5):
        look(alice, f"b{browser}", 3, 4, on=sunday + timedelta(days=4))
    assert freeze() == closed

    def known(cutoff_on: date) -> tuple[list[float], list[int]]:
        snapshot = snapshots.freeze(database, objects, alice, cutoff_on, "code-1")
        found = read_dataset(snapshots.materialise(objects, snapshot, tmp_path / cutoff_on.isoformat())).steps()
        assert found is not None
        return found.age.tolist(), found.browsers.tolist()

    assert known(sunday - timedelta(days=1)) == ([], [])
    assert known(sunday) == ([0.0], [5])
    assert known(sunday + timedelta(days=9)) == ([9.0], [5])


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
        for browser in range(7):
            look(shop, f"b{browser}", *([1, 2, 3] if browser < 5 else [1, 2]), on=MONDAY + timedelta(days=browser))
        with database.transaction() as db:
            ordered = Seen("o", ViewKind.ORDERED, "b1", order_id=1)
            views.keep(db, keys.of(db, shop.id), [ordered], clock.now(), MONDAY + timedelta(days=7))
        look(shop, "somebody else", 9, on=MONDAY + timedelta(days=7))

    def frozen(shop: Shop) -> list[tuple[int, int]]:
        return _steps(objects, snapshots.freeze(database, objects, shop, MONDAY, "code-1"))

    assert frozen(alice) == frozen(bob) == [(1, 2), (1, 3), (2, 3)]
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    drain()
    assert (frozen(alice), frozen(bob)) == ([(1, 2)], [(1, 2), (1, 3), (2, 3)])  # six of seven are five as well
    with database.transaction() as db:
        shops.get(db, bob.id).settings = {"keep_views_days": 30}
    retention.retire_rows(database, clock.now() + timedelta(days=31))
    assert frozen(bob) == []


def _steps(objects: Objects, snapshot: Snapshot) -> list[tuple[int, int]]:
    files = {file["name"]: file["sha256"] for file in snapshot.manifest["files"]}
    if "views.parquet" not in files:
        return []
    table = pq.read_table(objects.path(files["views.parquet"]))
    assert table.column_names == ["product_id", "next_id", "week_on", "browsers"]
    return [(row["product_id"], row["next_id"]) for row in table.to_pylist()]
