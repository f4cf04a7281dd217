"""What a diff tells is what was done between two snapshots."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shopify_app.db import Database
from shopify_app.errors import DamagedBundle
from shopify_app.records import differences, ingest, payloads, shops, snapshots
from shopify_app.records.folder import FolderObjects
from shopify_app.records.objects import Objects
from shopify_app.tables import Shop, Snapshot
from tests.conftest import Deliver
from tests.factories import order, product

Drain = Callable[[], int]
LATE = "2026-03-25T00:00:00+00:00"


@pytest.fixture
def two(
    database: Database, objects: Objects, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> tuple[Snapshot, Snapshot]:
    """Alice's shop before and after a refund, a cancellation, an added line, a new order and changes of products."""
    for number, day in enumerate(("2026-01-05", "2026-02-05", "2026-03-05", "2026-03-06"), 1):
        told = order(number, created_at=f"{day}T10:00:00+00:00", lines=((1, 2, "9.50"), (2, 1, "5.00")))
        deliver(alice, "orders/create", told)
        deliver(bob, "orders/create", told)
    for number in (1, 2):
        deliver(alice, "products/create", product(number))
    drain()
    before = snapshots.freeze(database, objects, alice, date(2026, 3, 30), "code-1")
    change: list[tuple[str, dict[str, Any]]] = [
        ("orders/updated", one(1, "2026-01-05", lines=((1, 1, "9.50"), (2, 1, "5.00")))),
        ("orders/updated", one(3, "2026-03-05", lines=((1, 2, "9.50"), (2, 1, "5.00"), (3, 4, "1.00")))),
        ("orders/cancelled", one(4, "2026-03-06", cancelled_at=LATE)),
        ("orders/create", order(5, created_at="2026-03-31T10:00:00+00:00", lines=((7, 3, "2.00"),))),
        ("products/update", product(1, title="Renamed", updated_at=LATE)),
        ("products/create", product(3)),
    ]
    for topic, payload in change:
        deliver(alice, topic, payload)
    drain()
    return before, snapshots.freeze(database, objects, alice, date(2026, 3, 31), "code-2")


def one(number: int, day: str, **changes: Any) -> dict[str, Any]:
    return order(number, created_at=f"{day}T10:00:00+00:00", updated_at=LATE, **changes)


def test_orders_lines_and_products_are_told_by_what_became_of_them(
    objects: Objects, two: tuple[Snapshot, Snapshot]
) -> None:
    told = differences.between(objects, *two)
    assert told["orders"] == {"added": [5], "changed": [1, 3], "removed": [4]}
    assert told["products"] == {"added": [3], "changed": [{"product_id": 1, "columns": ["title"]}], "removed": []}
    assert told["manifest"] == {"cutoff_on": ["2026-03-30", "2026-03-31"], "code_version": ["code-1", "code-2"]}
    lines = {what: [(row["order_id"], row["product_id"]) for row in rows] for what, rows in told["lines"].items()}
    assert lines == {"added": [(3, 3), (5, 7)], "changed": [(1, 1)], "removed": [(4, 1), (4, 2)]}
    (changed,) = told["lines"]["changed"]
    assert (changed["units_before"], changed["units_after"]) == (2, 1)
    assert (changed["amount_before"], changed["amount_after"]) == (19.0, 9.5)


def test_backwards_the_same_is_told_the_other_way_round(objects: Objects, two: tuple[Snapshot, Snapshot]) -> None:
    there, back = differences.between(objects, *two), differences.between(objects, *reversed(two))
    for name in ("orders", "products"):
        assert back[name]["added"] == there[name]["removed"]
        assert back[name]["removed"] == there[name]["added"]
        assert len(back[name]["changed"]) == len(there[name]["changed"])


def test_nothing_differs_from_itself(objects: Objects, two: tuple[Snapshot, Snapshot]) -> None:
    told = differences.between(objects, two[0], two[0])
    assert [rows for name in ("orders", "lines", "products") for rows in told[name].values() if rows] == []


def test_a_month_that_was_days_before_is_no_difference(
    database: Database, objects: Objects, alice: Shop, two: tuple[Snapshot, Snapshot]
) -> None:
    april = snapshots.freeze(database, objects, alice, date(2026, 4, 1), "code-2")
    assert differences.between(objects, two[1], april)["orders"] == {"added": [], "changed": [], "removed": []}


SUMMER, GIFTS, TEA = (7, "Summer"), (8, "Gifts"), (9, "Tea")


def test_collections_are_told_by_what_became_of_them_and_of_their_products(
    database: Database, objects: Objects, alice: Shop, bob: Shop, two: tuple[Snapshot, Snapshot]
) -> None:
    in_collections(database, bob, {1: (SUMMER, TEA), 2: (TEA,)})
    in_collections(database, alice, {1: (SUMMER, GIFTS), 2: (SUMMER,)})
    begun = snapshots.freeze(database, objects, alice, date(2026, 3, 31), "code-2")
    in_collections(database, alice, {1: (SUMMER,), 2: (TEA,), 3: ((7, "Sommer"),)})
    told = differences.between(objects, begun, snapshots.freeze(database, objects, alice, date(2026, 3, 31), "code-2"))
    summer = {"collection_id": 7, "title": ["Summer", "Sommer"], "products_added": [3], "products_removed": [2]}
    assert told["collections"] == {"added": [9], "changed": [summer], "removed": [8]}
    assert differences.between(objects, two[1], begun)["collections"] == {"added": [7, 8], "changed": [], "removed": []}
    assert differences.between(objects, begun, begun)["collections"] == {"added": [], "changed": [], "removed": []}


def in_collections(database: Database, shop: Shop, told: dict[int, tuple[tuple[int, str], ...]]) -> None:
    """What the catalogue says, read a little later each time."""
    with database.transaction() as db:
        read = [replace(payloads.product(product(number)), collections=mine) for number, mine in told.items()]
        ingest.apply_products(db, shops.get(db, shop.id), read)


def test_another_time_zone_and_another_history_of_stock_are_told(
    database: Database, objects: Objects, alice: Shop, two: tuple[Snapshot, Snapshot], deliver: Deliver, drain: Drain
) -> None:
    with database.transaction() as db:
        shops.get(db, alice.id).time_zone = "Asia/Tokyo"
    cheaper = [{"id": 20, "price": "4.00", "inventory_item_id": 25}]
    deliver(alice, "products/update", product(2, variants=cheaper, updated_at="2026-03-31T12:00:00+00:00"))
    drain()
    alice = shops.at(database, alice.domain)
    told = differences.between(objects, two[1], snapshots.freeze(database, objects, alice, date(2026, 3, 31), "code-2"))
    assert told["manifest"] == {"time_zone": ["Europe/Berlin", "Asia/Tokyo"]}
    assert told["files"] == {"added": [], "changed": ["stock.parquet"], "removed": []}


def test_a_damaged_file_is_named_instead_of_compared(objects: Objects, two: tuple[Snapshot, Snapshot]) -> None:
    assert isinstance(objects, FolderObjects)
    names = [f["sha256"] for f in two[1].manifest["files"] if f["name"] == "lines/2026-03-31.parquet"]
    path = objects.path(names[0])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedBundle, match=names[0]):
        differences.between(objects, *two)
