"""After a redaction nothing of the person is in any byte that is stored; what was sold, and every snapshot, stays."""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import NotFound, ObjectsUnavailable
from shopify_app.records import archive, exports, keys, receipts, scrubbing, sealed_files, shops, snapshots
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Customer, DataKey, Event, Export, Order, Segment, Shop, ShopSecret, Tombstone
from tests.conftest import Deliver
from tests.factories import order, product
from tests.records.people import Buyer, everything, found, pages

Drain = Callable[[], int]
BUYER = Buyer()
OTHER = Buyer(
    7_340_033_219_999, "other@example.org", "Olga", "Otherson", "+49 30 5550999", "Elsewhere 1", "X-1", "none"
)


@pytest.fixture
def sell(deliver: Deliver, drain: Drain, database: Database, objects: Objects, seal: Seal) -> Callable[[Shop], None]:
    """Five orders of the buyer in every state of the way, one as a guest, and one of somebody else."""

    def sold(shop: Shop) -> None:
        deliver(shop, "products/create", product(1))
        deliver(shop, "orders/create", BUYER.buys(1))
        deliver(shop, "orders/create", BUYER.buys(2, is_guest=True))
        deliver(shop, "orders/create", OTHER.buys(3))
        drain()
        archive.seal_shop(database, objects, seal, shop.domain)
        deliver(shop, "orders/updated", BUYER.buys(1, updated_at="2026-03-03T10:00:00+00:00"))
        deliver(
            shop, "refunds/create", {"id": 9, "order_id": 1, "created_at": "2026-03-04T10:00:00Z", "note": BUYER.note}
        )
        drain()
        deliver(shop, "orders/create", BUYER.buys(4) | {"created_at": "soon"})
        deliver(shop, "orders/create", b"broken " + BUYER.email.encode())
        for _ in range(3):
            drain()

    return sold


def test_nothing_of_a_forgotten_customer_is_left_in_any_byte(
    database: Database,
    settings: Settings,
    objects: Objects,
    seal: Seal,
    alice: Shop,
    deliver: Deliver,
    drain: Drain,
    sell: Callable[[Shop], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    sell(alice)
    before = snapshots.freeze(database, objects, alice, date(2026, 3, 31), "code")
    deliver(alice, "customers/data_request", BUYER.asks(alice.domain, "orders_requested", 1, 2))
    drain()
    exports.make_all(database, objects, seal)
    deliver(alice, "orders/updated", BUYER.buys(1, updated_at="2026-03-05T10:00:00+00:00"))
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1, 2))
    deliver(alice, "orders/updated", BUYER.buys(1, updated_at="2026-03-06T10:00:00+00:00"))
    deliver(alice, "orders/create", BUYER.buys(5, created_at="2026-04-06T10:00:00+00:00"))
    deliver(alice, "orders/updated", BUYER.buys(2, is_guest=True, updated_at="2026-03-06T10:00:00+00:00"))
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    logs = {"logs": "".join(capfd.readouterr()).encode()}
    assert found(BUYER, everything(database, settings.var) | logs) == set()  # while SQLite's log is there
    database.engine.dispose()
    assert found(BUYER, everything(database, settings.var)) == set()
    assert snapshots.damaged(objects, before) == []
    assert snapshots.freeze(database, objects, alice, date(2026, 3, 31), "code").id == before.id
    with database.reading() as db:
        assert db.scalars(select(Order.order_id).order_by(Order.order_id)).all() == [1, 2, 3, 5]
        assert len(db.scalars(select(Customer)).all()) == 1


def test_the_search_finds_what_is_there(database: Database, settings: Settings, alice: Shop, tmp_path: Path) -> None:
    with database.transaction() as db:
        shops.get(db, alice.id).name = BUYER.last_name
        db.add(Tombstone(shop_id=alice.id, kind="customer", mark=BUYER.customer_id, erased_at=clock.now()))
    (tmp_path / "page").write_bytes(b"xx" + BUYER.email.encode("utf-16-le"))
    database.engine.dispose()
    traces = found(BUYER, everything(database, settings.var))
    assert BUYER.last_name.encode() in {trace for _, trace in traces}
    assert BUYER.email.encode("utf-16-le") in {trace for _, trace in traces}
    assert {BUYER.customer_id.to_bytes(6, "big"), str(BUYER.customer_id).encode()} & {trace for _, trace in traces}


def test_who_was_not_redacted_is_nowhere_in_the_clear_either(
    database: Database, settings: Settings, alice: Shop, sell: Callable[[Shop], None]
) -> None:
    sell(alice)
    database.engine.dispose()
    assert found(BUYER, everything(database, settings.var)) == set()


def test_payloads_of_others_and_facts_of_all_can_still_be_read(
    database: Database,
    objects: Objects,
    seal: Seal,
    alice: Shop,
    deliver: Deliver,
    drain: Drain,
    sell: Callable[[Shop], None],
) -> None:
    sell(alice)
    archive.seal_shop(database, objects, seal, alice.domain)
    assert set(readable(database, objects, alice)) == {"products/create 1", "1", "2", "3", "refunds/create 9"}
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1, 2))
    drain()
    assert set(readable(database, objects, alice)) == {"products/create 1", "3"}
    with database.reading() as db:
        kept = [entry.facts.get("id") for entry, _ in archive.entries(db, objects, alice.id)]
    assert kept == [1, 1, 2, 3, 1, 9]


def readable(database: Database, objects: Objects, shop: Shop) -> list[str]:
    """What can be opened with the keys that are left: orders by number, others by topic and number."""
    with database.reading() as db:
        secret = keys.find(db, shop.id)
        assert secret is not None
        names = keys.named(db, secret, db.scalars(select(DataKey.name)).all())
        told = [
            (entry, opened.payload(entry, secret, names)) for entry, opened in archive.entries(db, objects, shop.id)
        ]
    opened = [(entry.topic, orjson.loads(payload)) for entry, payload in told if payload]
    return [str(p["id"]) if topic.startswith("orders/") else f"{topic} {p['id']}" for topic, p in opened]


def test_the_same_person_in_another_shop_is_not_touched(
    database: Database,
    objects: Objects,
    seal: Seal,
    alice: Shop,
    bob: Shop,
    deliver: Deliver,
    drain: Drain,
) -> None:
    for number, shop in enumerate((alice, bob)):
        deliver(shop, "orders/create", BUYER.buys(1, lines=((1, 2 + number, "9.50"),)))
    drain()
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    drain()
    for shop in (alice, bob):
        archive.seal_shop(database, objects, seal, shop.domain)
    assert (readable(database, objects, alice), readable(database, objects, bob)) == ([], ["1"])


def test_one_shop_s_secret_opens_nothing_of_another_s(
    database: Database, objects: Objects, seal: Seal, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop, person in ((alice, BUYER), (bob, OTHER)):
        deliver(shop, "orders/create", person.buys(1))
        drain()
        archive.seal_shop(database, objects, seal, shop.domain)
    with database.transaction() as db:
        (mine, others) = db.scalars(select(ShopSecret).order_by(ShopSecret.shop_id)).all()
        mine.sealed, others.sealed = others.sealed, mine.sealed
    with database.reading() as db, pytest.raises(keys.CannotOpen):
        keys.find(db, alice.id)


def test_a_request_without_a_number_is_done_by_its_orders(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", BUYER.buys(1))
    deliver(alice, "orders/create", BUYER.buys(2))
    drain()
    request = BUYER.asks(alice.domain, "orders_to_redact", 2)
    del request["customer"]["id"]
    deliver(alice, "customers/redact", request)
    drain()
    assert readable(database, objects, alice) == []
    with database.reading() as db:
        assert db.scalars(select(Customer)).all() == []


def test_the_receipt_counts_and_names_nobody(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain, sell: Callable[[Shop], None]
) -> None:
    sell(alice)
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1, 2))
    drain()
    with database.reading() as db:
        (receipt,) = receipts.of(db, alice.domain)
    assert receipt.told == {
        "customers": 1,
        "keys": 3,
        "orders_kept_without_customer": 2,
        "deliveries_stripped": 2,
        "events_sealed_before": 2,
        "exports": 0,
        "mailings": 0,
        "views": 0,
    }


def test_a_data_request_makes_a_sealed_file_that_expires(
    database: Database,
    settings: Settings,
    objects: Objects,
    seal: Seal,
    alice: Shop,
    bob: Shop,
    deliver: Deliver,
    drain: Drain,
    sell: Callable[[Shop], None],
) -> None:
    sell(alice)
    deliver(
        alice,
        "customers/data_request",
        BUYER.asks(alice.domain, "orders_requested", 1, 2) | {"data_request": {"id": 77}},
    )
    drain()
    assert exports.make_all(database, objects, seal) == 1
    assert exports.make_all(database, objects, seal) == 0
    with database.reading() as db:
        (export,) = db.scalars(select(Export)).all()
        (receipt,) = receipts.of(db, alice.domain)
    assert receipt.told == {"export": export.id, "request_id": "77", "orders": 2, "events": 4}
    database.engine.dispose()
    assert found(BUYER, everything(database, settings.var)) == set()
    told = orjson.loads(exports.fetch(database, objects, alice.id, export.id, by="a test"))
    assert told["customer_id"] == BUYER.customer_id
    assert [one["order_id"] for one in told["orders"]] == [1, 2]
    assert told["orders"][0]["lines"][0]["product_id"] == 1
    payloads = {one["event"]: one["payload"] for one in told["events"]}
    assert sum(payload.get("email") == BUYER.email for payload in payloads.values()) == 3
    assert {one["payload"].get("id") if isinstance(one["payload"], dict) else "broken" for one in told["waiting"]} == {
        4,
        "broken",
    }
    with pytest.raises(NotFound):
        exports.fetch(database, objects, bob.id, export.id, by="a test")
    assert sealed_files.expire(database, clock.now() + timedelta(days=31)) == 1
    with pytest.raises(NotFound):
        exports.fetch(database, objects, alice.id, export.id, by="a test")


def test_forgetting_a_customer_takes_their_export_along(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", BUYER.buys(1))
    deliver(alice, "customers/data_request", BUYER.asks(alice.domain, "orders_requested", 1))
    drain()
    exports.make_all(database, objects, seal)
    with database.reading() as db:
        (name,) = db.scalars(select(Export.sha256)).all()
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    drain()
    assert name not in set(objects.list())
    with database.reading() as db:
        assert db.scalars(select(Export)).all() == []


def test_an_erased_shop_takes_its_secret_and_segments_and_comes_back_as_a_stranger(
    database: Database, settings: Settings, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", BUYER.buys(1))
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    deliver(alice, "orders/create", OTHER.buys(2))
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    with database.reading() as db:
        old = keys.find(db, alice.id)
    deliver(alice, "app/uninstalled", {"id": 1})
    deliver(alice, "shop/redact", {"shop_id": 1, "shop_domain": alice.domain})
    deliver(alice, "orders/updated", OTHER.buys(2, updated_at="2026-04-06T10:00:00+00:00"))
    drain()
    database.engine.dispose()
    assert found(OTHER, everything(database, settings.var)) == set()
    assert list(objects.list()) == []
    with database.transaction() as db:
        for table in (ShopSecret, DataKey, Segment, Tombstone, Customer):
            assert db.scalars(select(table)).all() == []
        assert set(db.scalars(select(Event.body))) == {None}
        assert [one.topic for one in receipts.of(db, alice.domain)] == ["customers/redact", "shop/redact"]
        again = shops.install(db, alice.domain, shops.ShopFacts("Alice", "EUR", "UTC", "DE"), "", clock.now())
    deliver(alice, "orders/create", BUYER.buys(1))
    drain()
    with database.reading() as db:
        fresh = keys.find(db, again.id)
        assert fresh is not None
        assert fresh != old
        assert db.scalars(select(Order)).one().pseudonym is not None


def test_postgresql_s_pages_lose_the_tie_when_they_are_vacuumed(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    """Dead rows lie in the pages until then: marks and wrapped keys, which nobody can use who lacks ENCRYPTION_KEYS."""
    if database.is_sqlite:
        pytest.skip("SQLite overwrites what it deletes")
    deliver(alice, "orders/create", BUYER.buys(1))
    drain()
    with database.reading() as db:
        pseudonym = db.scalars(select(Customer.pseudonym)).one().encode()
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    drain()
    assert scrubbing.scrub(database, clock.now())
    assert pseudonym not in pages(database, "customers")


def test_logs_of_a_redaction_say_what_was_done_and_to_whom_not(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    deliver(alice, "orders/create", order(1) | {"id": BUYER.email, "customer": {"id": BUYER.phone}})
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    for _ in range(4):
        drain()
    said = "".join(capfd.readouterr())
    assert "a customer was forgotten" in said
    assert found(BUYER, {"logs": said.encode()}) == set()


def test_a_redaction_waits_for_a_store_that_is_away(
    database: Database, settings: Settings, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", BUYER.buys(1))
    drain()
    folder = settings.var / "objects"
    folder.rename(settings.var / "away")
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    for _ in range(5):
        with pytest.raises(ObjectsUnavailable):
            drain()
    (settings.var / "away").rename(folder)
    drain()
    with database.reading() as db:
        assert db.scalars(select(Customer)).all() == []
