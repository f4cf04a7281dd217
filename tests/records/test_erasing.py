"""A shop is erased in steps: others write in between, whoever is killed loses nothing, and nothing is left."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, event, func, select, update

from shopify_app import clock, privacy_cli
from shopify_app.config import Settings
from shopify_app.db import Database, insert_many
from shopify_app.records import erasing, receipts, retention, shops, snapshots
from shopify_app.records.draining import Drain
from shopify_app.records.objects import Objects
from shopify_app.tables import Base, Event, Order, Shop, Turn, View
from tests.conftest import Deliver, Say
from tests.factories import order, product

VIEWS = 25


@pytest.fixture
def left(
    database: Database,
    objects: Objects,
    alice: Shop,
    bob: Shop,
    deliver: Deliver,
    drain: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    """Alice has removed the app and is to be forgotten, four rows at a time. Bob has the same numbers and stays."""
    monkeypatch.setattr(erasing, "FEW", 4)
    for shop in (alice, bob):
        for number in range(1, 8):
            deliver(shop, "orders/create", order(number, lines=((1, shop.id, "1.00"),)))
        deliver(shop, "products/create", product(1, vendor=shop.domain))
        drain()
        snapshots.freeze(database, objects, shop, date(2026, 3, 31), "code")
        same = {"shop_id": shop.id, "kind": "viewed", "visitor": 1, "seen_at": clock.now(), "product_id": 1}
        with database.transaction() as db:
            insert_many(db, View, [same | {"event_id": str(n)} for n in range(VIEWS)])
    deliver(alice, "app/uninstalled", {"id": 1})
    drain()
    deliver(alice, "shop/redact", {"shop_id": 1, "shop_domain": alice.domain})
    return alice


def rows(database: Database, shop: Shop) -> int:
    with database.reading() as db:
        mine = [table for table in Base.metadata.sorted_tables if "shop_id" in table.c]
        counts = [select(func.count()).select_from(one).where(one.c.shop_id == shop.id) for one in mine]
        return sum(db.scalars(one).one() for one in counts)


@contextmanager
def committing(database: Database, happens: Callable[[int], None]) -> Iterator[None]:
    """Something happens before each commit, with its number."""
    numbers = itertools.count()

    def note(_: Connection) -> None:
        happens(next(numbers))

    event.listen(database.engine, "commit", note)
    try:
        yield
    finally:
        event.remove(database.engine, "commit", note)


def kill(database: Database, settings: Settings, after: int) -> None:
    """Whoever empties the inbox dies with so many commits done, and its lease runs out."""

    def die(number: int) -> None:
        if number >= after:
            raise SystemExit("killed")

    with pytest.raises(SystemExit), committing(database, die):
        Drain(database, settings).all()
    database.engine.dispose()  # a dead process's connections end
    with database.transaction() as db:
        db.execute(update(Turn).values(lease_until=clock.now() - timedelta(seconds=1)))


def erased(database: Database, shop: Shop) -> dict[str, int]:
    """What the receipt says, once nothing of the shop is left but that and the request."""
    assert rows(database, shop) == 0
    with database.reading() as db:
        (receipt,) = receipts.of(db, shop.domain)
        assert not [one for one in db.scalars(select(Shop.domain)) if one.endswith(shop.domain)]
        assert db.scalars(select(Event.topic).where(Event.shop == shop.domain)).all() == ["shop/redact"]
        assert not [one for one in db.scalars(select(Turn.whose).where(Turn.queue != "inbox")) if shop.domain in one]
    return dict(receipt.told)


def test_others_write_between_the_steps_and_nothing_is_left(
    database: Database, settings: Settings, objects: Objects, left: Shop, bob: Shop
) -> None:
    had, others, steps = rows(database, left), rows(database, bob), list[int]()
    with committing(database, steps.append):
        Drain(database, settings).all()
    told = erased(database, left)
    assert len(steps) > had / erasing.FEW
    assert (told["rows"], told["events"]) == (had, 9)
    assert rows(database, bob) == others
    with database.reading() as db:
        assert set(objects.list()) == retention.named(db)


@pytest.mark.parametrize("commits", [1, 2, 3, 5, 12, 20])
def test_who_is_killed_in_between_leaves_it_to_the_next_one_and_the_receipt_counts_both(
    database: Database, settings: Settings, objects: Objects, left: Shop, bob: Shop, commits: int
) -> None:
    had, others = rows(database, left), rows(database, bob)
    kill(database, settings, commits)
    Drain(database, settings).all()
    told = erased(database, left)
    assert (told["rows"], told["events"], rows(database, bob)) == (had, 9, others)
    with database.reading() as db:
        assert set(objects.list()) == retention.named(db)


def test_who_opens_the_app_again_before_all_is_erased_is_a_stranger(
    database: Database, settings: Settings, left: Shop, deliver: Deliver, drain: Callable[[], int]
) -> None:
    kill(database, settings, 12)
    with database.transaction() as db:
        again = shops.install(db, left.domain, shops.ShopFacts("Alice", "EUR", "UTC", "DE"), "", clock.now())
    deliver(left, "orders/create", order(99))
    drain()
    assert again.id != left.id
    assert rows(database, left) == 0
    with database.reading() as db:
        assert db.scalars(select(Order.order_id).where(Order.shop_id == again.id)).all() == [99]
        assert len(receipts.of(db, left.domain)) == 1
        kept = db.scalars(select(Event.topic).where(Event.shop == left.domain).order_by(Event.seq)).all()
        assert kept == ["shop/redact", "orders/create"]


def test_a_large_shop_is_erased_in_turns_and_others_have_theirs_in_between(
    database: Database, settings: Settings, left: Shop, bob: Shop, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "TURN", 0.0)
    monkeypatch.setattr(erasing, "LOOK", 1)
    monkeypatch.setattr(erasing, "APART", 0.0)
    deliver(bob, "orders/create", order(100))
    had, turns = rows(database, left), [Drain(database, settings).all()]
    deliver(bob, "orders/create", order(101))
    while not turns[-1] or len(turns) < 3:
        turns.append(Drain(database, settings).all())
    assert turns[0] == turns[1] == 1
    with database.reading() as db:
        assert db.scalars(select(func.count()).select_from(Order).where(Order.shop_id == bob.id)).one() == 9
    while any(turns[-2:]) or not is_erased(database, left):
        turns.append(Drain(database, settings).all())
    assert erased(database, left)["rows"] == had


def is_erased(database: Database, shop: Shop) -> bool:
    with database.reading() as db:
        return len(receipts.of(db, shop.domain)) == 1


def test_the_number_of_an_erased_shop_is_nobody_s_ever_again(
    database: Database, settings: Settings, left: Shop, bob: Shop, deliver: Deliver
) -> None:
    deliver(bob, "app/uninstalled", {"id": 2})
    deliver(bob, "shop/redact", {"shop_id": 2, "shop_domain": bob.domain})
    Drain(database, settings).all()
    with database.transaction() as db:
        assert db.scalars(select(Shop)).all() == []
        facts = shops.ShopFacts("Dora", "EUR", "UTC", "DE")
        assert shops.install(db, "dora.myshopify.com", facts, "", clock.now()).id > bob.id


def test_a_large_shop_is_erased_by_hand_whole_and_an_interrupted_one_by_saying_it_again(
    database: Database, settings: Settings, left: Shop, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TURN", 0.0), ("LOOK", 1), ("APART", 0.0)):
        monkeypatch.setattr(erasing, name, value)
    monkeypatch.setattr(privacy_cli, "PATIENCE", 0.3)
    had = rows(database, left)
    Drain(database, settings).all()
    assert 0 < rows(database, left) < had
    assert say("redact", "--shop", left.domain, "--everything")[0] == 1
    code, told = say("redact", "--shop", left.domain, "--everything", "--yes")
    assert (code, told["done"], rows(database, left)) == (0, "shop/redact", 0)
    with database.reading() as db:
        assert [one.told["rows"] for one in receipts.of(db, left.domain)] == [had, 0]
    assert say("redact", "--shop", left.domain, "--everything", "--yes")[0] == 1
