"""One shop's trouble with its archive is its own: others' files are made, and it is not tried again all the time."""

from collections.abc import Callable

import orjson
import pytest
from sqlalchemy import select, update

from shopify_app.db import Database
from shopify_app.errors import ObjectsUnavailable
from shopify_app.records import archive, exports, inbox, receipts
from shopify_app.records.backoff import SHORTEST, Backoff
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Export, Segment, Shop, ShopSecret
from tests.conftest import Deliver
from tests.records.people import Buyer
from tests.records.test_archive import grow_old

Drain = Callable[[], int]
BUYER = Buyer()


@pytest.fixture
def asked(
    database: Database, objects: Objects, seal: Seal, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    """Both shops have sold and sealed twice, and were asked for what they hold of the buyer."""
    for number in (1, 2):
        for shop in (alice, bob):
            deliver(shop, "orders/create", BUYER.buys(number, lines=((1, shop.id, "9.50"),)))
        drain()
        for shop in (alice, bob):
            archive.seal_shop(database, objects, seal, shop.domain)
    for shop in (alice, bob):
        deliver(shop, "customers/data_request", BUYER.asks(shop.domain, "orders_requested", 1, 2))
    drain()


def lock_out(database: Database, shop: Shop) -> None:
    """No key opens the shop's secret any more."""
    with database.transaction() as db:
        db.execute(update(ShopSecret).where(ShopSecret.shop_id == shop.id).values(sealed=b"?" * 64))


@pytest.mark.parametrize("is_lost", [True, False])
def test_an_export_goes_without_a_damaged_segment_and_says_so(
    database: Database, objects: Objects, seal: Seal, asked: None, alice: Shop, bob: Shop, is_lost: bool
) -> None:
    with database.reading() as db:
        name = db.scalars(select(Segment.sha256).where(Segment.shop_id == alice.id).order_by(Segment.id)).first()
    assert name is not None
    path = objects.path(name)
    path.chmod(0o644)
    path.unlink() if is_lost else path.write_bytes(b"?")
    assert exports.make_all(database, objects, seal) == 2
    files, told = {}, {}
    for shop in (alice, bob):
        with database.reading() as db:
            (export,) = exports.of(db, shop.id)
            (receipt,) = receipts.of(db, shop.domain)
        told[shop.id] = receipt.told.get("segments_damaged", 0)
        files[shop.id] = orjson.loads(exports.fetch(database, objects, shop.id, export.id, by="a test"))
    assert [event["payload"]["id"] for event in files[alice.id]["events"]] == [2]
    assert [event["payload"]["id"] for event in files[bob.id]["events"]] == [1, 2]
    assert (files[alice.id]["segments_damaged"], "segments_damaged" in files[bob.id]) == (1, False)
    assert told == {alice.id: 1, bob.id: 0}


def test_a_shop_whose_files_cannot_be_made_does_not_keep_others_from_theirs(
    database: Database, objects: Objects, seal: Seal, asked: None, alice: Shop, bob: Shop
) -> None:
    lock_out(database, alice)
    assert exports.make_all(database, objects, seal) == 1
    with database.reading() as db:
        assert db.scalars(select(Export.shop_id).where(Export.made_at.is_(None))).all() == [alice.id]


def test_a_shop_whose_events_cannot_be_sealed_does_not_keep_others_from_it(
    database: Database, objects: Objects, seal: Seal, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop in (alice, bob):
        deliver(shop, "orders/create", BUYER.buys(1, lines=((1, shop.id, "9.50"),)))
    drain()
    grow_old(database)
    lock_out(database, alice)
    assert archive.tend(database, objects, seal) == 1
    with database.reading() as db:
        assert db.scalars(select(Event.shop).where(Event.state == EventState.APPLIED)).all() == [alice.domain]


def test_what_fails_is_tried_again_later_and_later_and_at_once_when_it_is_new() -> None:
    times = [0.0]
    tried: list[tuple[float, str]] = []

    def do(name: str) -> int:
        tried.append((times[-1], name))
        if name == "broken":
            raise ValueError(name)
        return 1

    backoff = Backoff[str](lambda: times[-1])
    for after in (0, 0.9, 1, 2, 3):
        times.append(after * SHORTEST)
        assert backoff.each(["broken", "sound"], do, "a test") == 1
    assert [at for at, name in tried if name == "broken"] == [0, SHORTEST, 3 * SHORTEST]
    assert len([at for at, name in tried if name == "sound"]) == 5
    backoff.each([], do, "a test")
    backoff.each(["broken"], do, "a test")
    assert tried[-1] == (3 * SHORTEST, "broken")


def test_a_store_that_is_away_is_asked_once_and_whom_it_hit_lets_others_go_first() -> None:
    tried = []

    def do(name: str) -> int:
        tried.append(name)
        if name == "hanging":
            raise ObjectsUnavailable("the bucket did not work")
        return 1

    backoff = Backoff[str](lambda: 0.0)
    with pytest.raises(ObjectsUnavailable):
        backoff.each(["hanging", "sound"], do, "a test")
    assert backoff.each(["hanging", "sound"], do, "a test") == 1
    assert tried == ["hanging", "sound"]


def test_an_export_holds_what_is_not_sealed_yet_while_somebody_is_busy_with_the_shop(
    database: Database, objects: Objects, seal: Seal, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "orders/create", BUYER.buys(1))
    drain()
    deliver(alice, "customers/data_request", BUYER.asks(alice.domain, "orders_requested", 1))
    drain()
    deliver(alice, "orders/create", BUYER.buys(2))
    with database.transaction() as db:
        assert inbox.claim(db) is not None  # another desk makes rows of the newest order just now
    assert exports.make_all(database, objects, seal) == 1
    with database.reading() as db:
        (export,) = exports.of(db, alice.id)
    told = orjson.loads(exports.fetch(database, objects, alice.id, export.id, by="a test"))
    assert sorted(one["payload"]["id"] for one in [*told["events"], *told["waiting"]]) == [1, 2]
