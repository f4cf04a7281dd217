"""Who asks to be forgotten is forgotten everywhere and stays so; a shop that leaves takes everything with it."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database, insert_many
from shopify_app.records import inbox, jobs, outbox, receipts, shops, snapshots
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import (
    Base,
    Customer,
    Event,
    EventState,
    Order,
    Product,
    Shop,
    Tombstone,
    Turn,
    Version,
)
from tests.conftest import Deliver
from tests.factories import order, product

Drain = Callable[[], int]
CUSTOMER = 7_777_777_777


def redact(shop: Shop, *order_ids: int, customer: int = CUSTOMER) -> dict[str, Any]:
    person = {"id": customer, "email": "jo@example.com", "phone": "555-1199"}
    return {"shop_id": 1, "shop_domain": shop.domain, "customer": person, "orders_to_redact": list(order_ids)}


def test_the_same_customer_of_another_shop_is_not_forgotten(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1, customer=CUSTOMER))
    deliver(bob, "orders/create", order(1, customer=CUSTOMER, lines=((1, 9, "1.00"),)))
    deliver(alice, "customers/redact", redact(alice, 1))
    deliver(bob, "orders/create", order(2, customer=CUSTOMER, lines=((1, 9, "1.00"),)))
    drain()
    with database.reading() as db:
        assert [one.shop_id for one in db.scalars(select(Customer))] == [bob.id]


def test_an_order_that_comes_after_the_redaction_is_kept_without_the_customer(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "customers/redact", redact(alice))
    deliver(alice, "orders/create", order(2, customer=CUSTOMER))
    drain()
    with database.reading() as db:
        assert db.scalars(select(Order)).one().pseudonym is None
        assert db.scalars(select(Customer)).all() == []
        assert db.scalars(select(Tombstone.kind)).all() == ["customer"]


def test_deliveries_that_wait_lose_the_customer_and_keep_the_order(
    database: Database, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1, customer=CUSTOMER) | {"email": "jo@example.com", "created_at": "soon"})
    deliver(alice, "orders/create", f"broken {CUSTOMER}".encode())
    deliver(alice, "orders/create", order(2, customer=5) | {"created_at": "soon"})
    drain()
    deliver(alice, "customers/redact", redact(alice))
    drain()
    with database.reading() as db:
        parked = db.scalars(select(Event).where(Event.state == EventState.PARKED).order_by(Event.seq)).all()
        stripped = json.loads(inbox.payload_bytes(parked[0], seal))
        assert "customer" not in stripped
        assert "email" not in stripped
        assert stripped["id"] == 1
        assert parked[1].body is None
        assert json.loads(inbox.payload_bytes(parked[2], seal))["customer"] == {"id": 5}


def test_a_redaction_that_comes_twice_is_no_error(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    for _ in range(2):
        deliver(alice, "customers/redact", redact(alice))
    drain()
    with database.reading() as db:
        assert set(db.scalars(select(Event.state))) == {EventState.DONE}
        assert [one.topic for one in receipts.of(db, alice.domain)] == ["customers/redact"] * 2


def test_a_request_that_names_another_shop_does_nothing(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", order(1, customer=CUSTOMER))
    deliver(alice, "customers/redact", redact(bob))
    drain()
    with database.reading() as db:
        assert len(db.scalars(select(Customer)).all()) == 1
        assert inbox.parked(db, alice.domain)[0].error == "the request names another shop than its delivery"


def a_full_shop(database: Database, objects: Objects, shop: Shop, deliver: Deliver, drain: Drain) -> str:
    """Orders, products, a snapshot, a version with its bundle, a job, an effect. Returns the bundle's name."""
    deliver(shop, "orders/create", order(1, lines=((1, shop.id, "1.00"),)))
    deliver(shop, "products/create", product(1, vendor=shop.domain))
    drain()
    snapshot = snapshots.freeze(database, objects, shop, date(2026, 3, 31), "code")
    bundle = f"{shop.id:064x}"
    values = {"task": "forecast", "number": 1, "algorithm": "naive", "config": {}, "seed": 1, "cause": "x"}
    about = {"snapshot_id": snapshot.id, "code_version": "c", "bundle": bundle, "metrics": {}, "gates": []}
    when = {"cutoff_on": date(2026, 3, 31), "created_at": clock.now(), "created_on": date(2026, 4, 1)}
    with database.transaction() as db:
        insert_many(db, Version, [{"shop_id": shop.id, "state": "trained", **values, **about, **when}])
        jobs.ask(db, shop.id, "retrain", "x")
        outbox.put(db, shop.id, "flow_trigger", "x", {})
    return bundle


def test_a_shop_that_left_is_gone_with_its_files_and_the_others_stay(
    database: Database, settings: Settings, objects: Objects, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    mine, others = (a_full_shop(database, objects, shop, deliver, drain) for shop in (alice, bob))
    for bundle in (mine, others):
        (settings.var / "bundles" / bundle).mkdir(parents=True)
    deliver(alice, "app/uninstalled", {"id": 1})
    deliver(alice, "shop/redact", {"shop_id": 1, "shop_domain": alice.domain})
    drain()
    with database.reading() as db:
        assert db.scalars(select(Shop.domain)).all() == [bob.domain]
        for table in Base.metadata.sorted_tables:
            if "shop_id" in table.c:
                assert set(db.scalars(select(table.c.shop_id))) <= {bob.id}
        topics = select(Event.topic).where(Event.shop == alice.domain)
        assert db.scalars(topics).all() == ["shop/redact"]
        assert alice.domain not in set(db.scalars(select(Turn.whose).where(Turn.queue != "inbox")))
        bobs = snapshots.freeze(database, objects, bob, date(2026, 3, 31), "code")
        assert db.scalars(select(Product)).one().vendor == bob.domain
    assert snapshots.damaged(objects, bobs) == []
    assert set(objects.list()) == {file["sha256"] for file in bobs.manifest["files"]}
    assert [path.name for path in (settings.var / "bundles").iterdir()] == [others]


def test_a_shop_that_has_the_app_is_not_forgotten(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "shop/redact", {"shop_id": 1, "shop_domain": alice.domain})
    drain()
    with database.reading() as db:
        assert shops.by_domain(db, alice.domain) is not None
        assert "installed" in (inbox.parked(db, alice.domain)[0].error or "")


def test_forgetting_a_shop_we_never_knew_is_fine(database: Database, deliver: Deliver, drain: Drain) -> None:
    deliver("stranger.myshopify.com", "orders/create", order())
    deliver("stranger.myshopify.com", "shop/redact", {"shop_domain": "stranger.myshopify.com"})
    drain()
    with database.reading() as db:
        assert [event.topic for event in db.scalars(select(Event))] == ["shop/redact"]


def test_a_shop_that_comes_back_starts_clean(
    database: Database, objects: Objects, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    a_full_shop(database, objects, alice, deliver, drain)
    deliver(alice, "app/uninstalled", {"id": 1})
    deliver(alice, "shop/redact", {"shop_domain": alice.domain})
    drain()
    with database.transaction() as db:
        again = shops.install(db, alice.domain, shops.ShopFacts("Alice", "EUR", "UTC", "DE"), "", clock.now())
    deliver(alice, "orders/create", order(1))
    drain()
    with database.reading() as db:
        assert db.scalars(select(Order)).one().shop_id == again.id


@pytest.mark.parametrize("topic", ["customers/redact", "customers/data_request", "shop/redact"])
@pytest.mark.parametrize("body", [b"{}", b"[]", b'"x"', b"null", b'{"customer": 5}'])
def test_a_request_that_makes_no_sense_is_parked(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain, topic: str, body: bytes
) -> None:
    deliver(alice, topic, body)
    drain()
    with database.reading() as db:
        assert len(inbox.parked(db, alice.domain)) == 1
