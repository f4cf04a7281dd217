"""Any range of events, replayed into an empty database of either kind and in any order, freezes to the same bytes."""

import random
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from devstore.sales import payloads as shopify
from devstore.sales.synthetic import SyntheticSales
from shopify_app.db import Database
from shopify_app.errors import Conflict
from shopify_app.records import archive, inbox, ingest, payloads, replay, shops, snapshots
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.records.segments import Entry, Opened
from shopify_app.tables import Base, Customer, DataKey, Event, Job, Order, OrderLine, Shop
from tests import worlds
from tests.conftest import KEYS, Deliver
from tests.factories import order, product
from tests.records.people import Buyer, found

Drain = Callable[[], int]
Pairs = Sequence[tuple[Entry, Opened]]
CUTOFF = date(2026, 3, 31)
BUYER = Buyer()


@pytest.fixture
def empty(database: Database, sqlite_template: Path, postgresql: Database, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the other kind."""
    if database.is_sqlite:
        worlds.empty(postgresql)
        yield postgresql
        return
    made = another(sqlite_template, tmp_path)
    yield made
    made.engine.dispose()


def another(template: Path, folder: Path) -> Database:
    path = folder / f"{uuid.uuid4().hex}.db"
    shutil.copyfile(template, path)
    return Database(f"sqlite:///{path}", KEYS)


@pytest.fixture
def emptied(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """A SQLite database of its own, empty at each call."""
    made = another(sqlite_template, tmp_path)

    def empty_it() -> Database:
        made.engine.dispose()
        shutil.copyfile(sqlite_template, made.url.removeprefix("sqlite:///"))
        return made

    yield empty_it
    made.engine.dispose()


def happenings() -> list[tuple[str, Any]]:
    """Two months of a small shop: orders in several versions, a refund, a deletion, guests, products, stock."""
    late, later = "2026-03-20T00:00:00+00:00", "2026-03-21T09:00:00+00:00"
    first, third = "2026-02-01T10:00:00+00:00", "2026-03-03T10:00:00+00:00"
    return [
        ("products/create", product(1)),
        ("orders/create", BUYER.buys(1, created_at=first, lines=((1, 2, "9.50"), (2, 1, "3.00")))),
        ("orders/updated", BUYER.buys(1, created_at=first, updated_at=late, lines=((1, 2, "9.50"), (2, 0, "3.00")))),
        ("refunds/create", {"id": 7, "order_id": 1, "created_at": late, "refund_line_items": [refunded(101)]}),
        ("orders/create", BUYER.buys(2, is_guest=True, created_at=first)),
        ("orders/create", order(3, created_at=third, customer=77)),
        ("orders/updated", order(3, created_at=third, updated_at=later, customer=None, lines=((1, 5, "1.00"),))),
        ("orders/create", order(4, created_at=third)),
        ("orders/delete", {"id": 4}),
        ("orders/cancelled", order(5, created_at=third, updated_at=late, cancelled_at=late)),
        ("products/update", product(1, title="Renamed", updated_at=later)),
        ("products/create", product(2)),
        ("products/delete", {"id": 2}),
        ("inventory_levels/update", counted(15, 0, late)),
        ("inventory_levels/update", counted(95, 3, first)),
        ("inventory_levels/update", counted(95, 0, late)),
    ]


def counted(item: int, available: int, at: str) -> dict[str, Any]:
    return {"inventory_item_id": item, "location_id": 1, "available": available, "updated_at": at}


def refunded(line_id: int) -> dict[str, int]:
    return {"line_item_id": line_id, "quantity": 1}


def freeze(database: Database, objects: Objects, shop: Shop) -> str:
    with database.reading() as db:
        mine = shops.by_domain(db, shop.domain)
    assert mine is not None
    return snapshots.freeze(database, objects, mine, CUTOFF, "code").id


@pytest.fixture
def lively(database: Database, alice: Shop, deliver: Deliver, drain: Drain) -> Shop:
    """Alice, with everything that happened to her, and some history that the app read by itself."""
    for topic, payload in happenings():
        deliver(alice, topic, payload)
    drain()
    with database.transaction() as db:
        shop = shops.get(db, alice.id)
        history = [
            payloads.order(order(number, customer=number % 3 or None, created_at="2026-01-09T10:00:00Z"))
            for number in range(50, 60)
        ]
        ingest.apply_backfill(
            db,
            shop,
            [*history, payloads.order(order(3, customer=77, created_at="2026-03-03T10:00:00+00:00"))],
            business_clock="data",
        )
        catalogue = [payloads.product(product(number, updated_at="2026-03-28T00:00:00Z")) for number in (1, 2, 9)]
        ingest.apply_products(db, shop, [replace(one, collections=((5, "Summer"),)) for one in catalogue])
        ingest.restore_orders(db, shop, [payloads.order(order(70, customer=1), None)], business_clock="data")
        ingest.erase_orders(db, shop, [50])
        ingest.delete_products(db, shop, [1])
    return alice


def test_a_replay_into_the_other_kind_of_database_gives_the_same_snapshot(
    database: Database, empty: Database, objects: Objects, seal: Seal, lively: Shop
) -> None:
    told = replay.into(database, objects, seal, empty, lively, 0, 2**62)
    assert (told.events, told.orders, told.not_yet_rows) == (len(happenings()) + 5, 14, 0)
    assert freeze(empty, objects, lively) == freeze(database, objects, lively)
    with empty.reading() as db:
        assert db.scalars(select(Customer)).all() == []
        assert db.scalars(select(DataKey)).all() == []
        assert db.scalars(select(Job)).all() == []


def test_a_replay_after_a_redaction_still_gives_the_same_snapshot_and_ties_nobody(
    database: Database, empty: Database, objects: Objects, seal: Seal, lively: Shop, deliver: Deliver, drain: Drain
) -> None:
    before = freeze(database, objects, lively)
    deliver(lively, "customers/redact", BUYER.asks(lively.domain, "orders_to_redact", 1, 2))
    drain()
    replay.into(database, objects, seal, empty, lively, 0, 2**62)
    assert freeze(empty, objects, lively) == freeze(database, objects, lively) == before
    with empty.reading() as db:
        rows = {table.name: repr(db.execute(select(table)).all()).encode() for table in Base.metadata.sorted_tables}
    assert found(BUYER, rows) == set()


def test_a_part_of_the_events_gives_what_the_shop_was_then(
    database: Database, empty: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    for number in (1, 2):
        deliver(alice, "orders/create", order(number))
        drain()
        if number == 1:
            then = freeze(database, objects, alice)
            with database.reading() as db:
                last = db.scalar(select(func.max(Event.seq)))
    assert last is not None
    assert replay.into(database, objects, seal, empty, alice, 0, last).events == 1
    assert freeze(empty, objects, alice) == then != freeze(database, objects, alice)


def test_only_the_shop_s_own_events_are_replayed(
    database: Database,
    empty: Database,
    objects: Objects,
    seal: Seal,
    alice: Shop,
    bob: Shop,
    deliver: Deliver,
    drain: Drain,
) -> None:
    deliver(alice, "orders/create", order(1))
    deliver(bob, "orders/create", order(1, lines=((1, 7, "2.00"),)))
    drain()
    replay.into(database, objects, seal, empty, bob, 0, 2**62)
    assert freeze(empty, objects, bob) == freeze(database, objects, bob)
    with empty.reading() as db:
        assert db.scalars(select(Shop.domain)).all() == [bob.domain]


def test_a_shop_that_has_orders_there_is_not_replayed_over_them(
    database: Database, empty: Database, objects: Objects, seal: Seal, lively: Shop
) -> None:
    replay.into(database, objects, seal, empty, lively, 0, 2**62)
    with pytest.raises(Conflict, match="empty"):
        replay.into(database, objects, seal, empty, lively, 0, 2**62)


def test_a_database_that_an_app_works_on_is_not_replayed_into(
    database: Database, objects: Objects, seal: Seal, lively: Shop
) -> None:
    """By whatever address it is named, and though the shop has no orders."""
    with database.transaction() as db:
        db.execute(delete(OrderLine))
        db.execute(delete(Order))
    with pytest.raises(Conflict, match="an app takes deliveries"):
        replay.into(database, objects, seal, database, lively, 0, 2**62)


def test_events_that_are_no_rows_are_counted_and_left_out(
    database: Database, empty: Database, objects: Objects, seal: Seal, lively: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(lively, "orders/create", b"broken")
    for _ in range(3):
        drain()
    deliver(lively, "orders/create", order(500))
    told = replay.into(database, objects, seal, empty, lively, 0, 2**62)
    assert told.not_yet_rows == 2
    assert freeze(empty, objects, lively) == freeze(database, objects, lively)


def test_segments_that_overlap_come_out_in_order(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    """A parked event that was tried again later is sealed after those that followed it."""
    deliver(alice, "orders/create", order(1) | {"created_at": "soon"})
    for number in (2, 3):
        deliver(alice, "orders/create", order(number))
    for _ in range(3):
        drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    with database.transaction() as db:
        (parked,) = inbox.parked(db, alice.domain)
        parked.body = inbox.close(seal, alice.domain, b'{"id": 1}')
        parked.topic = "orders/delete"
        inbox.replay(db, alice.domain, parked.seq)
    deliver(alice, "orders/create", order(4))
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    with database.reading() as db:
        read = [entry.seq for entry, _ in archive.entries(db, objects, alice.id)]
    assert read == sorted(read)
    assert len(read) == 4


@pytest.fixture
def told(database: Database, objects: Objects, seal: Seal, lively: Shop) -> Callable[[], Pairs]:
    """What is in the archive; as a function, because a failed example would print it."""
    archive.seal_shop(database, objects, seal, lively.domain)
    with database.reading() as db:
        pairs = list(archive.entries(db, objects, lively.id))
    return lambda: pairs


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_arrival_gives_the_same_snapshot(
    database: Database,
    objects: Objects,
    told: Callable[[], Pairs],
    lively: Shop,
    emptied: Callable[[], Database],
    data: st.DataObject,
) -> None:
    sequence = data.draw(st.permutations(range(len(told()))))
    target = emptied()
    replay.apply(target, lively.domain, [told()[place] for place in sequence])
    assert freeze(target, objects, lively) == freeze(database, objects, lively)


def test_a_large_history_in_any_order_gives_the_same_snapshot(
    database: Database, empty: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    sales = SyntheticSales()
    sold = list(islice(sales.orders(sales.first_day, sales.history_until), 1500))
    for one in sold:
        deliver(alice, "orders/create", shopify.order_payload(one, sales.facts))
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    with database.reading() as db:
        pairs = list(archive.entries(db, objects, alice.id))
    random.Random(5).shuffle(pairs)
    replay.apply(empty, alice.domain, pairs)
    cutoff = max(one.created_at for one in sold).date()
    ids = []
    for each in (database, empty):
        with each.reading() as db:
            mine = shops.by_domain(db, alice.domain)
            assert db.scalar(select(func.count()).select_from(Order)) == 1500
        assert mine is not None
        ids.append(snapshots.freeze(each, objects, mine, cutoff, "code").id)
    assert ids[0] == ids[1]
