"""Privacy requests that tell an e-mail or a phone and no customer's number."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import archive, exports, receipts
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Customer, Export, Order, Shop
from tests.conftest import Deliver, Say
from tests.factories import order
from tests.records.people import Buyer, everything, found

Drain = Callable[[], int]
BUYER = Buyer()
OTHER = Buyer(8_111_222_333_444, "someone.else@example.net", "Ottilie", "Zwickelbauer", "+49 89 7770199", "Am Weiher 3")


def asks(shop: Shop, orders: str, buyer: Buyer = BUYER, **person: Any) -> dict[str, Any]:
    """A request that knows the address alone; people write theirs with other capitals."""
    request = buyer.asks(shop.domain, orders)
    return request | {"customer": person or {"email": f" {buyer.email.upper()} "}}


def pseudonyms(database: Database, shop: Shop) -> dict[int, bool]:
    """Which orders are tied to somebody."""
    with database.reading() as db:
        mine = db.execute(select(Order.order_id, Order.pseudonym).where(Order.shop_id == shop.id)).all()
        tied = set(db.scalars(select(Customer.pseudonym).where(Customer.shop_id == shop.id)))
    return {number: pseudonym in tied for number, pseudonym in mine}


@pytest.fixture
def sold(
    database: Database, objects: Objects, seal: Seal, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    """Sealed: an order with everything, a guest's, another person's whose note names the buyer. Not sealed: one more.

    A fifth holds the buyer's number and nothing else, as Shopify sends it when it is asked for no more.
    """
    for shop in (alice, bob):
        own = {"location_id": shop.id}
        deliver(shop, "orders/create", BUYER.buys(1) | own)
        deliver(shop, "orders/create", BUYER.buys(2, is_guest=True) | own)
        deliver(shop, "orders/create", OTHER.buys(3) | own | {"note": f"a gift for {BUYER.email}"})
        deliver(shop, "orders/create", order(5, customer=BUYER.customer_id) | own)
        drain()
        archive.seal_shop(database, objects, seal, shop.domain)
        deliver(shop, "orders/create", BUYER.buys(4, is_guest=True) | own)
        drain()


@pytest.mark.parametrize("person", [{}, {"phone": BUYER.phone}], ids=["e-mail", "phone"])
def test_a_customer_is_forgotten_by_the_address_alone(
    database: Database, sold: None, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain, person: dict[str, str]
) -> None:
    deliver(alice, "customers/redact", asks(alice, "orders_to_redact", **person))
    drain()
    assert pseudonyms(database, alice) == {1: False, 2: False, 3: True, 4: False, 5: False}
    assert pseudonyms(database, bob) == {1: True, 2: False, 3: True, 4: False, 5: True}
    with database.reading() as db:
        (receipt,) = receipts.of(db, alice.domain)
    told = {name: receipt.told[name] for name in ("customers", "keys", "orders_kept_without_customer")}
    assert told == {"customers": 1, "keys": 3, "orders_kept_without_customer": 4}
    searched = {name: n for name, n in receipt.told.items() if "address" in name or "search" in name}
    assert searched == {"messages_searched": 5, "messages_without_address": 1, "orders_found_by_address": 3}
    deliver(alice, "orders/updated", BUYER.buys(1, updated_at="2026-08-01T10:00:00+00:00"))
    drain()
    assert pseudonyms(database, alice)[1] is False


def test_no_byte_of_somebody_who_told_an_address_is_left(
    database: Database, settings: Settings, alice: Shop, deliver: Deliver, drain: Drain, objects: Objects, seal: Seal
) -> None:
    deliver(alice, "orders/create", BUYER.buys(1))
    drain()
    archive.seal_shop(database, objects, seal, alice.domain)
    deliver(alice, "orders/create", BUYER.buys(2, is_guest=True))
    deliver(alice, "customers/redact", asks(alice, "orders_to_redact"))
    drain()
    database.engine.dispose()
    assert found(BUYER, everything(database, settings.var)) == set()
    assert pseudonyms(database, alice) == {1: False, 2: False}
    with database.reading() as db:
        assert [event for event, _ in archive.entries(db, objects, alice.id)] != []


def test_a_receipt_says_what_could_not_be_searched(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    """As it is by default: Shopify sends no address."""
    for number in (1, 2):
        deliver(alice, "orders/create", order(number, customer=BUYER.customer_id))
    deliver(alice, "customers/redact", asks(alice, "orders_to_redact"))
    drain()
    assert pseudonyms(database, alice) == {1: True, 2: True}
    with database.reading() as db:
        (receipt,) = receipts.of(db, alice.domain)
    assert (receipt.told["messages_searched"], receipt.told["messages_without_address"]) == (2, 2)
    assert (receipt.told["orders_found_by_address"], receipt.told["customers"]) == (0, 0)


def test_what_is_held_is_exported_by_the_address_alone_and_goes_with_the_customer(
    database: Database, objects: Objects, seal: Seal, sold: None, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "customers/data_request", asks(alice, "orders_requested"))
    deliver(alice, "customers/data_request", asks(alice, "orders_requested", OTHER))
    deliver(alice, "customers/data_request", asks(alice, "orders_requested", email="nobody@example.org"))
    drain()
    assert exports.make_all(database, objects, seal) == 3
    with database.reading() as db:
        mine, others, nobodys = db.scalars(select(Export.id).order_by(Export.id))
    told = orjson.loads(exports.fetch(database, objects, alice.id, mine, by="a test"))
    assert [one["order_id"] for one in told["orders"]] == [1, 2, 4, 5]
    assert sorted(event["payload"]["id"] for event in told["events"]) == [1, 2, 4, 5]
    told = orjson.loads(exports.fetch(database, objects, alice.id, others, by="a test"))
    assert [one["order_id"] for one in told["orders"]] == [3]
    deliver(alice, "customers/redact", BUYER.asks(alice.domain, "orders_to_redact", 1))
    drain()
    with database.reading() as db:
        assert list(db.scalars(select(Export.id).order_by(Export.id))) == [others, nobodys]


def test_a_damaged_segment_is_counted_and_stops_nothing(
    database: Database, objects: Objects, sold: None, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    with database.reading() as db:
        path = objects.path(archive.kept_segments(db, alice.id)[0])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    deliver(alice, "customers/redact", asks(alice, "orders_to_redact"))
    drain()
    with database.reading() as db:
        told = receipts.of(db, alice.domain)[-1].told
    assert (told["segments_damaged"], told["orders_found_by_address"]) == (1, 1)


def test_a_person_at_the_terminal_may_know_an_address_alone(
    database: Database, sold: None, alice: Shop, say: Say
) -> None:
    code, told = say("redact", "--shop", alice.domain, "--email", BUYER.email, "--yes")
    assert (code, told["orders_found_by_address"], told["customers"]) == (0, 3, 1)
    assert pseudonyms(database, alice) == {1: False, 2: False, 3: True, 4: False, 5: False}
