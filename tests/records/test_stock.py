"""Stock and prices by day, as training reads them; how it was at the end of each day is worked out a slower way too."""

import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from ml.dataset import read_dataset
from shopify_app.db import Database, insert_many
from shopify_app.records import snapshots, stock
from shopify_app.records.objects import Objects
from shopify_app.tables import InventoryItem, ProductDay, Shop, Snapshot, StockDay
from tests.conftest import Deliver
from tests.factories import order, product

Drain = Callable[[], int]
FIRST, CUTOFF = date(2026, 3, 1), date(2026, 3, 31)


def level(item: int, available: int, on: date, hour: int, place: int = 1) -> dict[str, Any]:
    at = f"{on}T{hour:02}:00:00+01:00" if on < date(2026, 3, 29) else f"{on}T{hour:02}:00:00+02:00"
    return {"inventory_item_id": item, "location_id": place, "available": available, "updated_at": at}


def two_variants(at: str = "2026-03-01T08:00:00+01:00", price: str = "9.50") -> dict[str, Any]:
    variants = [{"id": n, "price": price, "inventory_item_id": 10 + n, "inventory_quantity": 5} for n in (1, 2)]
    return product(1, updated_at=at, variants=variants)


def rows(database: Database, shop: Shop) -> list[tuple[Any, ...]]:
    with database.reading() as db:
        return [tuple(row.values()) for row in stock.history(db, shop.id).to_pylist()]


def test_only_changes_are_told_and_less_than_nothing_is_still_sold(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "products/create", product(1))
    deliver(alice, "products/update", product(1, updated_at="2026-03-03T12:00:00Z"))
    for day, available in ((2, 4), (3, 3), (4, 0), (5, 0), (6, 7), (7, -2)):
        deliver(alice, "inventory_levels/update", level(15, available, date(2026, 3, day), 12))
    deliver(bob, "products/create", product(1, title="Bob's"))
    deliver(bob, "inventory_levels/update", level(15, 0, date(2026, 3, 5), 13))
    drain()
    assert rows(database, alice) == [
        (1, date(2026, 3, 1), None, 9.5),
        (1, date(2026, 3, 2), True, 9.5),
        (1, date(2026, 3, 4), False, 9.5),
        (1, date(2026, 3, 6), True, 9.5),
    ]
    assert rows(database, bob) == [(1, date(2026, 3, 1), None, 9.5), (1, date(2026, 3, 5), False, 9.5)]


@pytest.mark.parametrize("seed", range(3))
def test_a_product_is_out_when_none_of_its_items_is_left_anywhere_at_the_end_of_the_day(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain, seed: int
) -> None:
    dice, told = random.Random(seed), []
    for number in range(120):
        on, hour = FIRST + timedelta(days=number % 31), 1 + number % 23
        told.append(level(dice.choice((11, 12)), dice.choice((0, 0, 0, 2)), on, hour, dice.choice((1, 2))))
    deliver(alice, "products/create", two_variants())
    for payload in dice.sample(told, len(told)):
        deliver(alice, "inventory_levels/update", payload)
    drain()
    found = {on: is_in for _, on, is_in, _ in rows(database, alice) if is_in is not None}
    state = None
    for on in (FIRST + timedelta(days=n) for n in range(31)):
        state = found.get(on, state)
        assert state == slowly(told, on), on


def slowly(told: list[dict[str, Any]], on: date) -> bool | None:
    """The last level of each item and place up to the end of that day; unknown before both items were counted."""
    until = sorted((t["updated_at"], n) for n, t in enumerate(told) if t["updated_at"][:10] <= on.isoformat())
    last = {(told[n]["inventory_item_id"], told[n]["location_id"]): told[n]["available"] for _, n in until}
    return any(last.values()) if {item for item, _ in last} == {11, 12} else None


def test_training_knows_the_days_out_of_stock_and_older_snapshots_stay_readable(
    database: Database, objects: Objects, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain, tmp_path: Path
) -> None:
    for shop in (alice, bob):
        for day in (1, 2, 8):
            deliver(shop, "orders/create", order(day + shop.id * 100, created_at=f"2026-03-0{day}T10:00:00+00:00"))
    deliver(alice, "products/create", product(1))
    for day, available in ((1, 4), (3, 0), (6, 9)):
        deliver(alice, "inventory_levels/update", level(15, available, date(2026, 3, day), 12))
    drain()
    alices = materialised(database, objects, alice, tmp_path / "alice")
    sales = read_dataset(alices).sales()
    assert sales.is_out is not None
    assert sales.is_out.tolist() == [[False, False, True, True, True] + [False] * 26]
    bobs = materialised(database, objects, bob, tmp_path / "bob")
    assert not (bobs / "stock.parquet").exists()
    assert read_dataset(bobs).sales().is_out is None


def materialised(database: Database, objects: Objects, shop: Shop, folder: Path) -> Path:
    return snapshots.materialise(objects, snapshots.freeze(database, objects, shop, CUTOFF, "code-1"), folder)


def test_the_history_of_stock_is_written_again_only_when_it_changed(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    def frozen() -> Snapshot:
        return snapshots.freeze(database, objects, alice, CUTOFF, "code-1")

    deliver(alice, "orders/create", order(1))
    deliver(alice, "products/create", product(1))
    drain()
    first = frozen()
    deliver(alice, "orders/create", order(2))
    drain()
    second = frozen()
    deliver(alice, "inventory_levels/update", level(15, 0, date(2026, 3, 5), 12))
    drain()
    third = frozen()
    assert stock_file(first) == stock_file(second) != stock_file(third)
    table = pq.read_table(objects.path(stock_file(third)))
    assert {field.name: str(field.type) for field in table.schema} == {
        "product_id": "int64",
        "changed_on": "date32[day]",
        "is_in_stock": "bool",
        "price": "double",
    }


def stock_file(snapshot: Snapshot) -> str:
    return {file["name"]: str(file["sha256"]) for file in snapshot.manifest["files"]}["stock.parquet"]


def test_a_product_that_is_sold_when_none_is_left_is_never_out(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop, policy in ((alice, "continue"), (bob, "deny")):
        one = {"id": 10, "price": "9.50", "inventory_item_id": 15, "inventory_policy": "deny"}
        deliver(shop, "products/create", product(1, variants=[one], note=shop.domain))
        later = [one | {"inventory_policy": policy}]
        deliver(shop, "products/update", product(1, updated_at="2026-03-06T12:00:00Z", variants=later, n=shop.domain))
        for day, available in ((2, 4), (4, 0), (8, 0)):
            deliver(shop, "inventory_levels/update", level(15, available, date(2026, 3, day), 12) | {"to": shop.domain})
    drain()
    told = [(row[1].day, row[2]) for row in rows(database, alice)]
    assert told == [(1, None), (2, True), (4, False), (6, True)]
    assert [(row[1].day, row[2]) for row in rows(database, bob)] == told[:-1]


def test_a_variant_that_was_deleted_counts_until_the_version_that_lacks_it(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "products/create", two_variants())
    for item, units in ((11, 0), (12, 7)):
        deliver(alice, "inventory_levels/update", level(item, units, date(2026, 3, 2), 12))
    without = two_variants("2026-03-09T08:00:00+01:00")
    deliver(alice, "products/update", without | {"variants": without["variants"][:1]})
    drain()
    assert [(row[1].day, row[2]) for row in rows(database, alice)] == [(1, None), (2, True), (9, False)]


def test_a_variant_that_went_before_versions_were_remembered_counts_until_its_last_count(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop, price, hour in ((alice, "9.50", 12), (bob, "7.00", 13)):
        deliver(shop, "products/create", two_variants(price=price))
        for item, units in ((11, 0), (12, 7)):
            deliver(shop, "inventory_levels/update", level(item, units, date(2026, 3, 2), hour))
        deliver(shop, "products/update", two_variants("2026-03-05T08:00:00+01:00", price))
        deliver(shop, "inventory_levels/update", level(12, 6, date(2026, 3, 6), hour))
        without = two_variants("2026-03-09T08:00:00+01:00", price)
        deliver(shop, "products/update", without | {"variants": without["variants"][:1]})
        drain()
    with database.transaction() as db:  # as an older release left it
        db.execute(update(InventoryItem).where(InventoryItem.shop_id == alice.id).values(seen_at=None))
    for shop in (alice, bob):
        assert [(row[1].day, row[2]) for row in rows(database, shop)] == [(1, None), (2, True), (9, False)]


def test_the_history_of_many_products_and_of_one_with_many_items_is_that_of_each_alone(
    database: Database, alice: Shop, bob: Shop
) -> None:
    """More products and items than are read at once."""
    dice, at = random.Random(5), datetime(2026, 3, 1, tzinfo=UTC)
    days = [FIRST + timedelta(days=n) for n in range(8)]
    items = {product_id: 2 * stock.ITEMS + 1 if product_id == 7 else 1 for product_id in range(2 * stock.PRODUCTS + 1)}
    prices = {(product_id, on): dice.choice((1.5, 2.5)) for product_id in items for on in days[::3]}
    counts = {
        (product_id, 1000 * product_id + n, on): dice.choice((0, 0, 4)) if n == 0 else 0
        for product_id, number in items.items()
        for n in range(number)
        for on in days[1:]
    }
    for shop in (alice, bob):
        whose = {"shop_id": shop.id}
        told = whose | {"is_published": True, "updated_at": at}
        with database.transaction() as db:
            item = [
                whose | {"product_id": p, "inventory_item_id": i, "variant_id": i}
                for p, i, on in counts
                if on == days[1]
            ]
            insert_many(db, InventoryItem, item)
            versions = [told | {"product_id": p, "valid_on": on, "price_amount": n} for (p, on), n in prices.items()]
            insert_many(db, ProductDay, versions)
            counted = whose | {"location_id": 1, "updated_at": at}
            levels = [
                counted | {"inventory_item_id": i, "counted_on": on, "available": n} for (_, i, on), n in counts.items()
            ]
            insert_many(db, StockDay, levels)
    expected = []
    for product_id in items:
        before: tuple[Any, Any] = (None, None)
        for on in days:
            is_in = counts[product_id, 1000 * product_id, on] > 0 if on > FIRST else None
            now = is_in, prices.get((product_id, on), before[1])
            if now != before:
                expected.append((product_id, on, *now))
            before = now
    assert rows(database, alice) == rows(database, bob) == expected


def test_a_long_history_is_not_held_in_memory_as_a_whole(database: Database, alice: Shop) -> None:
    whose = {"shop_id": alice.id}
    counted = whose | {"location_id": 1, "available": 1, "updated_at": datetime(2026, 3, 1, tzinfo=UTC)}
    with database.transaction() as db:
        insert_many(
            db,
            InventoryItem,
            [whose | {"product_id": n, "inventory_item_id": n, "variant_id": n} for n in range(4 * stock.ITEMS)],
        )
        days = [FIRST + timedelta(days=n) for n in range(50)]
        levels = [counted | {"inventory_item_id": n, "counted_on": on} for n in range(4 * stock.ITEMS) for on in days]
        insert_many(db, StockDay, levels)
    rows(database, alice)  # what is made once
    tracemalloc.start()
    assert len(rows(database, alice)) == 4 * stock.ITEMS
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 * len(levels)
