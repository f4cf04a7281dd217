"""Events that are rows go into sealed segments, many at a time; nothing is lost when that fails half-way."""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import DamagedBundle, ObjectsUnavailable
from shopify_app.records import archive, choices, facts, inbox, ingest, keys, payloads, retention, segments, shops
from shopify_app.records.goods import ItemRecord, ProductRecord, collections_of
from shopify_app.records.objects import Objects
from shopify_app.records.payloads import LineRecord, OrderRecord
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Segment, Shop
from shopify_app.tables.base import LARGEST_ID
from tests.conftest import Deliver
from tests.factories import order, product
from tests.records.people import Buyer

Drain = Callable[[], int]
BUYER = Buyer()


def sealed(database: Database) -> list[Segment]:
    with database.reading() as db:
        return list(db.scalars(select(Segment).order_by(Segment.first_seq)))


def states(database: Database) -> list[str]:
    with database.reading() as db:
        return list(db.scalars(select(Event.state).order_by(Event.seq)))


def grow_old(database: Database) -> None:
    with database.transaction() as db:
        db.execute(update(Event).values(received_at=clock.now() - archive.LATEST - timedelta(minutes=1)))


def test_few_events_wait_for_others_and_old_ones_for_nobody(
    database: Database, objects: Objects, seal: Seal, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1))
    deliver(bob, "orders/create", order(1, customer=7))
    drain()
    assert archive.tend(database, objects, seal) == 0
    grow_old(database)
    assert archive.tend(database, objects, seal) == 2
    assert archive.tend(database, objects, seal) == 0
    assert sorted((one.shop_id, one.events) for one in sealed(database)) == [(alice.id, 1), (bob.id, 1)]
    assert set(objects.list()) == {one.sha256 for one in sealed(database)}
    assert states(database) == [EventState.DONE] * 2


def test_many_events_are_sealed_at_once_and_the_rest_waits(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    for number in range(1, inbox.SEGMENT_EVENTS + 3):
        deliver(alice, "orders/create", order(number, customer=number % 40 or None))
    drain()
    assert archive.tend(database, objects, seal) == inbox.SEGMENT_EVENTS + 2
    assert [one.events for one in sealed(database)] == [inbox.SEGMENT_EVENTS, 2]


def test_a_payload_comes_out_of_the_archive_as_it_came(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    bodies = [orjson.dumps(BUYER.buys(1)), orjson.dumps(product(2)), orjson.dumps(BUYER.buys(3, is_guest=True))]
    for topic, body in zip(("orders/create", "products/create", "orders/create"), bodies, strict=True):
        deliver(alice, topic, body)
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    with database.reading() as db:
        secret = keys.find(db, alice.id)
        assert secret is not None
        told = list(archive.entries(db, objects, alice.id))
        names = keys.named(db, secret, {entry.key for entry, _ in told if entry.key})
        assert [opened.payload(entry, secret, names) for entry, opened in told] == bodies
        assert len(names) == 2


def test_a_store_that_is_away_loses_nothing_and_lets_go_of_the_shop(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain, settings: Settings
) -> None:
    deliver(alice, "orders/create", order(1))
    drain()
    folder = settings.var / "objects"
    folder.rename(settings.var / "away")
    with pytest.raises(ObjectsUnavailable):
        archive.seal_shop(database, objects, seal, alice.domain)
    assert states(database) == [EventState.APPLIED]
    (settings.var / "away").rename(folder)
    assert archive.seal_shop(database, objects, seal, alice.domain) == 1


KILLED = """
import os, signal, sys
from shopify_app import config
from shopify_app.db import Database
from shopify_app.records import archive
from shopify_app.records.folder import FolderObjects
from shopify_app.records.seal import Seal

class Dying(FolderObjects):
    def put(self, content):
        super().put(content)
        os.kill(os.getpid(), signal.SIGKILL)

settings = config.load()
objects = Dying(__import__("pathlib").Path(sys.argv[1]))
archive.seal_shop(Database.of(settings), objects, Seal(settings.encryption_keys), sys.argv[2])
"""


def test_a_process_killed_between_object_and_row_leaves_a_file_that_is_collected(
    database: Database,
    settings: Settings,
    objects: Objects,
    seal: Seal,
    alice: Shop,
    deliver: Deliver,
    drain: Drain,
    environment: dict[str, str],
) -> None:
    deliver(alice, "orders/create", order(1))
    drain()
    command = [sys.executable, "-c", KILLED, str(settings.var / "objects"), alice.domain]
    died = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    (orphan,) = set(objects.list())
    assert (states(database), sealed(database)) == ([EventState.APPLIED], [])
    assert archive.seal_shop(database, objects, seal, alice.domain) == 0  # the dead one still holds the shop
    with database.transaction() as db:
        assert db.scalars(select(inbox.Turn.lease_until)).one() <= clock.now() + timedelta(seconds=30)
        db.execute(update(inbox.Turn).values(lease_until=clock.now() - timedelta(seconds=1)))
    assert archive.seal_shop(database, objects, seal, alice.domain) == 1
    later = clock.now() + timedelta(seconds=1)
    swept = retention.sweep(database, objects, settings.var / "bundles", later, grace=timedelta(0))
    assert swept.removed == (orphan,)
    assert set(objects.list()) == {one.sha256 for one in sealed(database)}


def test_segments_expire_when_their_shop_says_so(
    database: Database, settings: Settings, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1))
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    in_a_year = clock.now() + timedelta(days=365)
    assert archive.expire_all(database, in_a_year) == 0
    with database.transaction() as db:
        shops.get(db, alice.id).settings = {"keep_events_days": 300}
    assert archive.expire_all(database, in_a_year) == 1
    retention.sweep(database, objects, settings.var / "bundles", in_a_year)
    assert list(objects.list()) == []
    with database.reading() as db:
        assert list(archive.entries(db, objects, alice.id)) == []
        with pytest.raises(archive.Expired, match="have expired"):
            archive.check_kept(db, alice.id, 0, LARGEST_ID)


def test_a_damaged_segment_is_found_out(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1))
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    (name,) = objects.list()
    path = objects.path(name)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with database.reading() as db, pytest.raises(DamagedBundle):
        list(archive.entries(db, objects, alice.id))
    with database.transaction() as db:
        secret = keys.of(db, alice.id)
    with pytest.raises(DamagedBundle):
        segments.read(b"FTS2 and so on", secret)


def test_what_the_app_reads_by_itself_is_archived_under_pseudonyms(
    database: Database, objects: Objects, seal: Seal, alice: Shop
) -> None:
    with database.transaction() as db:
        shop = shops.get(db, alice.id)
        ingest.apply_backfill(
            db, shop, [payloads.order(order(1)), payloads.order(order(2, customer=None))], business_clock="data"
        )
        ingest.apply_products(db, shop, [payloads.product(product(1))])
    assert archive.seal_shop(database, objects, seal, alice.domain) == 2
    with database.reading() as db:
        told = {entry.topic: entry.facts for entry, _ in archive.entries(db, objects, alice.id)}
    first, second = told["foretally/orders"]["orders"]
    assert len(first["pseudonym"]) == 32
    assert "pseudonym" not in second
    assert "501" not in str(first | {"pseudonym": ""})
    assert set(told) == {"foretally/orders", "foretally/products"}


def test_facts_hold_what_rows_are_made_of_and_nothing_of_a_person() -> None:
    payload = BUYER.buys(1, cancelled_at="2026-03-03T10:00:00+00:00", test=True)
    payload["refunds"] = [{"id": 1, "note": BUYER.note, "refund_line_items": [{"line_item_id": 100, "quantity": 1}]}]
    for topic in facts.SHAPES:
        kept = orjson.dumps(facts.of(topic, payload | {"title": {"hidden": BUYER.email}, "tags": [{"a": BUYER.email}]}))
        assert [trace for trace in BUYER.traces() if trace in kept] == []
    read = payloads.order(facts.of("orders/create", payload))
    whole = payloads.order(payload)
    assert read == OrderRecord(**{name: getattr(whole, name) for name in whole.__slots__} | {"customer_id": None})
    assert payloads.product(facts.of("products/create", product(3))) == payloads.product(product(3))


IDS = st.integers(1, 2**53)
MOMENTS = st.datetimes(
    timezones=st.just(clock.UTC), min_value=clock.datetime(1990, 1, 1), max_value=clock.datetime(2100, 1, 1)
)
AMOUNTS = st.floats(0, 1e9).map(lambda value: round(value, 4))
MAYBE = st.none() | IDS
ARMS = st.none() | st.from_regex(choices.ARM, fullmatch=True)
LINES = st.builds(LineRecord, IDS, MAYBE, MAYBE, st.integers(0, 1000), AMOUNTS, MAYBE | st.just(0), ARMS)
ORDERS = st.builds(
    OrderRecord,
    order_id=IDS,
    customer_id=st.none(),
    created_at=MOMENTS,
    updated_at=MOMENTS,
    cancelled_at=st.none() | MOMENTS,
    is_test=st.booleans(),
    total_amount=AMOUNTS,
    lines=st.lists(LINES, max_size=4, unique_by=lambda line: line.line_id).map(tuple),
    told_at=st.none(),
)
TEXT = st.text(max_size=30).map(lambda text: payloads.text({"text": text}, "text", 30))
PRODUCTS = st.builds(
    ProductRecord,
    product_id=IDS,
    title=TEXT,
    handle=TEXT,
    product_type=TEXT,
    vendor=TEXT,
    tags=st.lists(TEXT, max_size=3).map(payloads.tags),
    price_amount=st.none() | AMOUNTS,
    is_published=st.booleans(),
    units_in_stock=st.none() | st.integers(-100, 10_000),
    created_at=st.none() | MOMENTS,
    updated_at=MOMENTS,
    items=st.lists(st.builds(ItemRecord, IDS, IDS), max_size=3).map(tuple),
    collections=st.none() | st.lists(st.tuples(IDS, TEXT), max_size=3).map(collections_of),
)


def again(told: dict[str, Any]) -> dict[str, Any]:
    back: dict[str, Any] = orjson.loads(orjson.dumps(told))
    return back


@given(record=ORDERS)
def test_an_order_that_was_read_as_a_record_reads_the_same_from_its_facts(record: OrderRecord) -> None:
    assert payloads.order(again(facts.order(record, None))) == record


@given(record=PRODUCTS)
def test_a_product_that_was_read_as_a_record_reads_the_same_from_its_facts(record: ProductRecord) -> None:
    assert payloads.product(again(facts.product(record))) == record
