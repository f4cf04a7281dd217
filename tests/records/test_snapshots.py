"""The same rows give the same snapshot, whatever way they came, and a snapshot never changes."""

import json
import operator
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from shopify_app.db import Database, insert_many
from shopify_app.records import ingest, keys, parts, payloads, privacy, shops, snapshots
from shopify_app.records.folder import FolderObjects
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Customer, Shop, Snapshot, SnapshotPart
from tests.conftest import Deliver
from tests.factories import order, product

Drain = Callable[[], int]
CUTOFF = date(2026, 3, 31)


def orders() -> list[tuple[str, dict[str, Any]]]:
    """Three months with an update, a refund, a cancellation, a test and a deletion."""
    told = [
        (
            "orders/create",
            order(
                number,
                created_at=f"2026-0{1 + number % 3}-{1 + number % 28:02}T{number % 24:02}:15:00+00:00",
                lines=((number % 7 + 1, number % 4 + 1, "9.99"), (8, 1, "0.10"), (None, 1, "5.00")),
                customer=number % 5 or None,
            ),
        )
        for number in range(1, 31)
    ]
    third, sixth = "2026-01-04T03:15:00+00:00", "2026-01-07T06:15:00+00:00"
    late = "2026-03-20T00:00:00+00:00"
    return [
        *told,
        (
            "orders/updated",
            order(3, lines=((1, 1, "9.99"), (8, 0, "0.10")), customer=3, created_at=third, updated_at=late),
        ),
        ("orders/cancelled", order(6, cancelled_at=late, customer=1, created_at=sixth, updated_at=late)),
        ("orders/create", order(99, test=True, created_at="2026-02-02T00:00:00+00:00")),
        ("orders/delete", {"id": 9}),
        ("products/create", product(1)),
        ("products/update", product(1, title="Renamed", updated_at="2026-03-21T00:00:00+00:00")),
    ]


def name_customers(database: Database, shop: Shop) -> None:
    """The mapping of a restored backup: pseudonyms are random, so only the same mapping gives the same bytes."""
    with database.transaction() as db:
        mark = keys.of(db, shop.id).mark
        names = [{"shop_id": shop.id, "mark": mark("customer", n), "pseudonym": f"{n:032x}"} for n in (1, 2, 3, 4, 501)]
        insert_many(db, Customer, names)


def freeze(database: Database, objects: Objects, shop: Shop, cutoff_on: date = CUTOFF) -> Snapshot:
    return snapshots.freeze(database, objects, shop, cutoff_on, "code-1")


def rows(objects: Objects, snapshot: Snapshot) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in snapshot.manifest["files"]:
        if file["name"].startswith("lines/"):
            found += pq.read_table(objects.path(file["sha256"])).to_pylist()
    return found


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_any_order_of_arrival_gives_the_same_snapshot_on_either_database(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain, seed: int | None
) -> None:
    name_customers(database, alice)
    told = orders()
    if seed is not None:
        random.Random(seed).shuffle(told)
    for topic, payload in told:
        deliver(alice, topic, payload)
        if seed == 2 and payload["id"] % 10 == 0:
            drain()
            freeze(database, objects, alice, date(2026, 2, 15))
    drain()
    snapshot = freeze(database, objects, alice)
    SEEN.add(snapshot.id)
    assert len(SEEN) == 1
    assert snapshots.damaged(objects, snapshot) == []


SEEN: set[str] = set()


def test_a_snapshot_holds_what_was_sold_up_to_its_day(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1, created_at="2026-03-30T23:30:00+00:00", lines=((1, 2, "9.50"),)))
    deliver(alice, "orders/create", order(2, created_at="2026-03-31T22:30:00+00:00"))
    deliver(alice, "orders/create", order(3, created_at="2026-03-01T12:00:00+00:00", test=True))
    deliver(
        alice, "orders/create", order(4, created_at="2026-03-01T12:00:00+00:00", cancelled_at="2026-03-02T12:00:00Z")
    )
    deliver(alice, "orders/create", order(5, created_at="2026-03-01T12:00:00+00:00", lines=((1, 0, "9.50"),)))
    drain()
    snapshot = freeze(database, objects, alice)
    (line,) = rows(objects, snapshot)
    assert (line["order_id"], line["product_id"], line["units"], line["price"]) == (1, 1, 2, 9.5)
    assert line["created_at"].isoformat() == "2026-03-30T23:30:00+00:00"
    assert line["created_on"] == date(2026, 3, 31)
    assert len(line["customer"]) == 32
    assert (snapshot.orders, snapshot.lines) == (1, 1)


def test_a_snapshot_holds_every_digit_of_a_price(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    told = ["0.0001", "0.30", "99999999999.9999", "100000000000.0001", "1234567890123.0625", "7999999999999.50"]
    chance = random.Random(1)
    digits = [chance.randint(-(10**length), 10**length) for length in range(1, 18) for _ in range(15)]
    told += [str(Decimal(number).scaleb(-4)) for number in digits]
    lines = tuple((number, 1, text) for number, text in enumerate(told, 1))
    deliver(alice, "orders/create", order(1, lines=lines, total_price="1.00"))
    drain()
    assert [line["price"] for line in rows(objects, freeze(database, objects, alice))] == [float(text) for text in told]


def test_a_snapshot_never_holds_another_shop_s_sales(
    database: Database, objects: Objects, alice: Shop, bob: Shop, charlie: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1, lines=((1, 2, "9.50"),)))
    deliver(bob, "orders/create", order(1, lines=((1, 7, "1.00"),)))
    drain()
    assert [line["units"] for line in rows(objects, freeze(database, objects, alice))] == [2]
    assert [line["units"] for line in rows(objects, freeze(database, objects, bob))] == [7]
    empty = freeze(database, objects, charlie)
    assert (empty.lines, [file["name"] for file in empty.manifest["files"]]) == (0, ["products.parquet"])


def test_only_months_that_changed_are_written_again(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    for topic, payload in orders():
        deliver(alice, topic, payload)
    drain()
    first = freeze(database, objects, alice)
    assert freeze(database, objects, alice).id == first.id
    deliver(alice, "orders/create", order(500, created_at="2026-02-10T10:00:00+00:00"))
    drain()
    second = freeze(database, objects, alice)
    changed = set(files(second).items()) ^ set(files(first).items())
    assert {name for name, _ in changed} == {"lines/2026-02.parquet"}
    assert snapshots.damaged(objects, first) == []


def test_one_more_order_in_the_open_month_writes_one_day_again(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    for topic, payload in orders():
        deliver(alice, topic, payload)
    drain()
    first = freeze(database, objects, alice)
    deliver(alice, "orders/create", order(500, created_at="2026-03-10T10:00:00+00:00"))
    drain()
    second = freeze(database, objects, alice)
    changed = set(files(second).items()) ^ set(files(first).items())
    assert {name for name, _ in changed} == {"lines/2026-03-10.parquet"}
    deliver(alice, "products/update", product(1, title="Again", updated_at="2026-03-22T00:00:00+00:00"))
    drain()
    changed = set(files(freeze(database, objects, alice)).items()) ^ set(files(second).items())
    assert {name for name, _ in changed} == {"products.parquet"}


def test_a_month_becomes_one_file_when_it_is_over_and_holds_the_same_lines(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    for topic, payload in orders():
        deliver(alice, topic, payload)
    drain()
    march, april = freeze(database, objects, alice), freeze(database, objects, alice, date(2026, 4, 1))
    assert [name for name in files(april) if "2026-03" in name] == ["lines/2026-03.parquet"]
    assert len([name for name in files(march) if "2026-03" in name]) > 1
    key = operator.itemgetter("order_id", "product_id")
    assert sorted(rows(objects, march), key=key) == sorted(rows(objects, april), key=key)
    with database.transaction() as db:
        parts.forget_days(db, alice.id, date(2026, 4, 1))
        names = db.scalars(select(SnapshotPart.name).where(SnapshotPart.shop_id == alice.id))
        assert sorted(names) == [
            "collections",
            "lines/2026-01",
            "lines/2026-02",
            "lines/2026-03",
            "products",
            "stock",
            "views",
        ]
    assert freeze(database, objects, alice).id == march.id


def test_a_snapshot_whose_files_are_replaced_while_it_is_made_is_made_again(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain, tmp_path: Path
) -> None:
    """The replaced file is nobody's any more: a collector could take it before the manifest names it."""
    for number, day in enumerate(("2026-02-10", "2026-03-10"), 1):
        deliver(alice, "orders/create", order(number, created_at=f"{day}T10:00:00+00:00"))
    drain()
    freeze(database, objects, alice)
    deliver(alice, "orders/create", order(3, created_at="2026-03-11T10:00:00+00:00"))
    drain()
    overtaken = []

    class Overtaken(FolderObjects):
        def put(self, content: bytes | Path) -> str:
            if not overtaken:
                overtaken.append(True)
                deliver(alice, "orders/create", order(4, created_at="2026-02-11T10:00:00+00:00"))
                drain()
                freeze(database, objects, alice)
            return super().put(content)

    assert freeze(database, Overtaken(tmp_path / "objects"), alice).orders == 4


def files(snapshot: Snapshot) -> dict[str, str]:
    return {file["name"]: file["sha256"] for file in snapshot.manifest["files"]}


def test_an_order_that_comes_while_a_snapshot_is_written_is_in_the_next_one(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain, tmp_path: Path
) -> None:
    deliver(alice, "orders/create", order(1))
    drain()

    class Slow(FolderObjects):
        def put(self, content: bytes | Path) -> str:
            if not list(self.list()):
                deliver(alice, "orders/create", order(2))
                drain()
            return super().put(content)

    assert freeze(database, Slow(tmp_path / "objects"), alice).orders == 1
    assert freeze(database, objects, alice).orders == 2


def test_forgetting_a_customer_changes_no_snapshot(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    for number in range(1, 6):
        deliver(alice, "orders/create", order(number, customer=501))
    drain()
    before = freeze(database, objects, alice)
    request = {"shop_domain": alice.domain, "customer": {"id": 501}, "orders_to_redact": [1, 2]}
    with database.transaction() as db:
        privacy.comply(db, objects, seal, alice.domain, "customers/redact", request)
        assert db.scalars(select(Customer)).all() == []
        for part in db.scalars(select(SnapshotPart)):
            part.state += 1
    assert freeze(database, objects, alice).id == before.id
    assert snapshots.damaged(objects, before) == []


def test_a_snapshot_is_laid_out_as_the_folder_that_training_reads(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain, tmp_path: Path
) -> None:
    deliver(alice, "products/create", product(1))
    deliver(alice, "products/create", product(2, status="draft", variants=[]))
    deliver(alice, "orders/create", order())
    drain()
    snapshot = freeze(database, objects, alice)
    folder = snapshots.materialise(objects, snapshot, tmp_path / "dataset")
    snapshots.materialise(objects, snapshot, tmp_path / "dataset")
    assert json.loads((folder / "dataset.json").read_text()) == {
        "cutoff_on": "2026-03-31",
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "currency": "EUR",
        "snapshot_id": snapshot.id,
    }
    lines = pq.read_table(folder / "lines" / "2026-03-02.parquet")
    types = {field.name: str(field.type) for field in lines.schema}
    assert types == {
        "order_id": "int64",
        "customer": "string",
        "product_id": "int64",
        "units": "int32",
        "price": "double",
        "created_at": "timestamp[us, tz=UTC]",
        "created_on": "date32[day]",
    }
    first, second = pq.read_table(folder / "products.parquet").to_pylist()
    assert first == {
        "product_id": 1,
        "title": "Product 1",
        "product_type": "Tea",
        "vendor": "Leaf & Co",
        "tags": "green, loose",
        "status": "active",
        "is_available": True,
        "price": 9.5,
        "created_on": date(2026, 1, 1),
    }
    assert (second["status"], second["is_available"], second["price"]) == ("hidden", False, None)


def test_a_damaged_file_is_found(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order())
    drain()
    snapshot = freeze(database, objects, alice)
    broken = objects.path(files(snapshot)["lines/2026-03-02.parquet"])
    broken.chmod(0o644)
    broken.write_bytes(broken.read_bytes()[:-1])
    assert snapshots.damaged(objects, snapshot) == ["lines/2026-03-02.parquet"]
    snapshot.manifest = {**snapshot.manifest, "cutoff_on": "2026-04-01"}
    assert snapshots.damaged(objects, snapshot) == ["manifest", "lines/2026-03-02.parquet"]


def test_history_and_single_orders_freeze_to_the_same_bytes(
    database: Database, objects: Objects, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    told = [payload for topic, payload in orders() if topic == "orders/create"]
    for shop in (alice, bob):
        name_customers(database, shop)
    with database.transaction() as db:
        shops.get(db, bob.id).time_zone = alice.time_zone
        records = [payloads.order(payload) for payload in told]
        ingest.apply_backfill(db, shops.get(db, bob.id), records, business_clock="data")
    for payload in told:
        deliver(alice, "orders/create", payload)
    drain()
    bob.time_zone = alice.time_zone
    assert freeze(database, objects, alice).id == freeze(database, objects, bob).id


def test_the_code_version_is_that_of_the_sources() -> None:
    assert len(snapshots.code_version()) == 64


def test_collections_are_a_file_of_a_snapshot_once_somebody_told_of_them(
    database: Database, objects: Objects, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop in (alice, bob):
        deliver(shop, "orders/create", order())
        for number in (1, 2, 3):
            deliver(shop, "products/create", product(number))
    drain()
    before = freeze(database, objects, alice)
    assert "collections.parquet" not in files(before)
    for shop, told in (
        (alice, {1: ((7, "Summer"), (8, "Gifts")), 2: ((7, "Summer"),), 3: ()}),
        (bob, {3: ((7, "Tea"),)}),
    ):
        with database.transaction() as db:
            read = [replace(payloads.product(product(number)), collections=mine) for number, mine in told.items()]
            ingest.apply_products(db, shops.get(db, shop.id), read)
    after = freeze(database, objects, alice)
    assert members(objects, after) == [(1, 7, "Summer"), (1, 8, "Gifts"), (2, 7, "Summer")]
    assert members(objects, freeze(database, objects, bob)) == [(3, 7, "Tea")]
    assert files(after)["products.parquet"] == files(before)["products.parquet"]
    deliver(alice, "products/delete", {"id": 1})
    drain()
    assert members(objects, freeze(database, objects, alice)) == [(2, 7, "Summer")]


def members(objects: Objects, snapshot: Snapshot) -> list[tuple[int, int, str]]:
    """Product, collection and title, as the snapshot's file has them."""
    told = pq.read_table(objects.path(files(snapshot)["collections.parquet"])).to_pylist()
    return [(row["product_id"], row["collection_id"], row["title"]) for row in told]
