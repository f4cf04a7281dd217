"""A catalogue that is read again leaves what is here alone, and whatever is news is found, whatever its time says."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from shopify_app.db import Database
from shopify_app.lifecycle import shelf
from shopify_app.records import archive, facts, ingest, payloads, replay, shops, stock
from shopify_app.records.goods import ItemRecord, ProductRecord
from shopify_app.records.objects import Objects
from shopify_app.records.payloads import StockRecord
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, InventoryItem, Product, ProductDay, Shop, SnapshotPart, StockDay
from tests.conftest import Deliver
from tests.factories import product
from tests.records.test_catalogue_read import AT, goods
from tests.records.test_replay import empty, freeze

__all__ = ["empty"]  # a fixture: an empty database of the other kind
Drain = Callable[[], int]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROWS = (Product, ProductDay, InventoryItem, StockDay)


def read(database: Database, shop: Shop, products: list[ProductRecord], levels: list[StockRecord]) -> None:
    with database.transaction() as db:
        ingest.apply_products(db, shops.get(db, shop.id), products)
    with database.transaction() as db:
        ingest.apply_stock(db, shops.get(db, shop.id), levels)


def level(item: int, available: int, at: datetime = AT, place: int = 1) -> StockRecord:
    return StockRecord(item, place, available, at)


def kept(database: Database) -> list[str]:
    """The topics of what the archive is given."""
    with database.reading() as db:
        return list(db.scalars(select(Event.topic).order_by(Event.seq)))


def states(database: Database) -> dict[tuple[int, str], int]:
    with database.reading() as db:
        return {(part.shop_id, part.name): part.state for part in db.scalars(select(SnapshotPart))}


def rows(database: Database, domain: str) -> dict[str, list[Any]]:
    """What is stored of a shop's goods, without the shop's number."""
    with database.reading() as db:
        shop = shops.named(db, domain)
        found: dict[str, list[Any]] = {}
        for table in (row.__table__ for row in ROWS):
            mine = select(table).where(table.c.shop_id == shop.id).order_by(*table.primary_key.columns)
            found[table.name] = [tuple(row)[1:] for row in db.execute(mine)]
        return found


def test_an_unchanged_catalogue_is_neither_kept_again_nor_are_files_or_shelves_made_anew(
    database: Database, alice: Shop, bob: Shop
) -> None:
    catalogue = [goods(1, variants=3), replace(goods(2), is_gift_card=True), replace(goods(3), is_published=False)]
    levels = [level(10_000, 4), level(10_001, 0), level(10_002, 9, place=2), level(77, 1)]
    read(database, alice, catalogue, levels)
    before, stored = states(database), rows(database, alice.domain)
    with database.reading() as db:
        old = shelf.look(db, alice.id)
    for _ in range(2):
        read(database, alice, catalogue, levels)
    assert kept(database) == [facts.OWN_PRODUCTS, facts.OWN_STOCK]
    assert (states(database), rows(database, alice.domain)) == (before, stored)
    with database.reading() as db:
        assert shelf.look(db, alice.id, old) is old
    read(database, bob, catalogue, levels)
    assert len(kept(database)) == 4


def test_a_figure_that_two_who_counted_at_once_left_wrong_is_right_after_the_next_reading(
    database: Database, alice: Shop, bob: Shop
) -> None:
    levels = [level(10_000, 0), level(10_001, 0)]
    for shop in (alice, bob):
        read(database, shop, [goods(1, variants=2)], levels)
    for first in (True, False):
        with database.transaction() as db:
            db.execute(update(Product).values(units_in_stock=1))
        read(database, alice, [goods(1, variants=2)] if first else [], [] if first else levels)
        with database.reading() as db:
            told = dict(db.execute(select(Product.shop_id, Product.units_in_stock)).all())
        assert told == {alice.id: 0, bob.id: 1}


def with_item(**changes: Any) -> ProductRecord:
    return replace(goods(1), items=(replace(goods(1).items[0], **changes),))


@pytest.mark.parametrize(
    "version",
    [
        replace(goods(1), is_gift_card=True),
        replace(goods(1), price_amount=8.25),
        replace(goods(1), units_in_stock=6),
        replace(goods(1), tags=("loose",)),
        replace(goods(1), collections=()),
        replace(goods(1), collections=((5, "Summer"),)),
        replace(goods(1), collections=((4, "Gifts"), (5, "Sommer"))),
        replace(goods(1), is_published=False),
        replace(goods(1), items=(*goods(1).items, ItemRecord(5, 6, "Large", "L", False))),
        with_item(sku="other"),
        with_item(title="Other"),
        with_item(sells_on=True),
        replace(goods(1), updated_at=AT + HOUR),
    ],
)
def test_what_changes_without_moving_the_time_of_a_version_is_news_and_the_others_are_not(
    database: Database, alice: Shop, version: ProductRecord
) -> None:
    read(database, alice, [goods(1), goods(2)], [])
    old, before = rows(database, alice.domain), states(database)
    with database.transaction() as db:
        mine = shops.get(db, alice.id)
        ingest.apply_products(db, mine, [version, goods(2)])
        last = db.scalars(select(Event.body).order_by(Event.seq.desc()).limit(1)).one()
        assert last is not None
    assert kept(database) == [facts.OWN_PRODUCTS] * 2
    assert rows(database, alice.domain) != old
    assert states(database).keys() == before.keys()
    assert not before.items() & states(database).items()
    read(database, alice, [version, goods(2)], [])
    assert kept(database) == [facts.OWN_PRODUCTS] * 2


def test_only_what_is_news_is_kept(database: Database, objects: Objects, seal: Seal, alice: Shop) -> None:
    read(database, alice, [goods(1), goods(2)], [level(10_000, 4), level(20_000, 4)])
    read(
        database,
        alice,
        [goods(1), replace(goods(2), is_gift_card=True)],
        [level(10_000, 4), level(20_000, 3, AT + HOUR)],
    )
    archive.seal_shop(database, objects, seal, alice.domain)
    with database.reading() as db:
        told = [entry.facts for entry, _ in archive.entries(db, objects, alice.id)]
    assert [[one["id"] for one in each["products"]] for each in told if "products" in each] == [[1, 2], [2]]
    assert [[one["available"] for one in each["levels"]] for each in told if "levels" in each] == [[4, 4], [3]]


def test_what_a_product_says_of_its_own_stock_is_no_news_once_its_items_are_counted(
    database: Database, alice: Shop
) -> None:
    read(database, alice, [goods(1)], [level(10_000, 4)])
    read(database, alice, [replace(goods(1), units_in_stock=5)], [level(10_000, 4)])
    assert len(kept(database)) == 2
    read(database, alice, [replace(goods(1), units_in_stock=5)], [level(10_000, 3)])
    assert kept(database)[2:] == [facts.OWN_STOCK]
    with database.reading() as db:
        assert db.scalars(select(Product.units_in_stock)).all() == [3]


def test_an_older_version_than_a_webhook_told_that_day_is_no_news(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    later = (AT + HOUR).isoformat()
    deliver(alice, "products/update", product(1, updated_at=later))
    deliver(
        alice,
        "inventory_levels/update",
        {"inventory_item_id": 15, "location_id": 1, "available": 4, "updated_at": later},
    )
    drain()
    before = kept(database), states(database), rows(database, alice.domain)
    read(database, alice, [payloads.product(product(1, updated_at=AT.isoformat()))], [level(15, 5)])
    assert (kept(database), states(database), rows(database, alice.domain)) == before


def test_a_webhook_that_says_nothing_new_makes_no_file_anew(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    told = {"inventory_item_id": 15, "location_id": 1, "available": 4, "updated_at": AT.isoformat()}
    for _ in range(2):
        deliver(alice, "products/update", product(1))
        deliver(alice, "inventory_levels/update", told)
        deliver(alice, "products/delete", {"id": 2})
        drain()
        before = states(database)
    deliver(alice, "products/update", product(1))
    deliver(alice, "inventory_levels/update", told)
    deliver(alice, "products/delete", {"id": 2})
    drain()
    assert states(database) == before


def test_a_level_holds_over_the_days_on_which_it_did_not_change(database: Database, alice: Shop) -> None:
    for day, available, since in ((0, 3, 0), (1, 3, 0), (2, 0, 2), (3, 0, 2), (4, 0, 2), (5, 6, 5), (6, 6, 5)):
        read(
            database,
            alice,
            [replace(goods(1), updated_at=AT + day * DAY)],
            [level(10_000, available, AT + since * DAY)],
        )
    with database.reading() as db:
        history = [(row["changed_on"], row["is_in_stock"]) for row in stock.history(db, alice.id).to_pylist()]
    first = date(2026, 3, 1)
    assert history == [(first, True), (first + 2 * DAY, False), (first + 5 * DAY, True)]


def test_another_time_zone_makes_no_news_of_what_is_here(database: Database, alice: Shop) -> None:
    late = AT.replace(hour=23, minute=30)
    catalogue, levels = [replace(goods(1), updated_at=late)], [level(10_000, 4, late)]
    read(database, alice, catalogue, levels)
    stored = rows(database, alice.domain)
    with database.transaction() as db:
        shops.get(db, alice.id).time_zone = "America/New_York"
    read(database, alice, catalogue, levels)
    assert (len(kept(database)), rows(database, alice.domain)) == (2, stored)


@pytest.mark.parametrize("seed", range(4))
def test_a_replay_makes_the_same_rows_and_snapshot_of_many_readings_that_brought_little(
    database: Database,
    empty: Database,
    objects: Objects,
    seal: Seal,
    alice: Shop,
    deliver: Deliver,
    drain: Drain,
    seed: int,
) -> None:
    dice = random.Random(seed)
    catalogue = {number: goods(number, variants=dice.choice((1, 3))) for number in range(1, 9)}
    levels = {
        item.inventory_item_id: level(item.inventory_item_id, 5) for one in catalogue.values() for item in one.items
    }
    now = AT
    for reading in range(12):
        now += dice.choice((HOUR, DAY))
        for number in dice.sample(sorted(catalogue), 2):
            catalogue[number] = changed(dice, catalogue[number], now)
        for item in dice.sample(sorted(levels), 3):
            levels[item] = level(item, dice.choice((0, 2, 5)), dice.choice((now, levels[item].updated_at)))
        if dice.random() < 0.4:
            deliver(alice, "products/update", product(dice.choice((1, 2, 30)), updated_at=now.isoformat()))
            drain()
        if reading == 8:
            gone = catalogue.pop(dice.choice(sorted(catalogue)))
            with database.transaction() as db:
                ingest.delete_products(db, shops.get(db, alice.id), [gone.product_id])
        read(database, alice, list(catalogue.values()), list(levels.values()))
    replay.into(database, objects, seal, empty, alice, 0, 2**62)
    assert rows(empty, alice.domain) == rows(database, alice.domain)
    assert freeze(empty, objects, alice) == freeze(database, objects, alice)
    for one in catalogue.values():
        assert rows_agree(database, one), one.product_id


def changed(dice: random.Random, one: ProductRecord, now: datetime) -> ProductRecord:
    """Another version, whose time has moved or not."""
    one = replace(one, updated_at=dice.choice((now, one.updated_at)), is_gift_card=dice.random() < 0.5)
    items = tuple(replace(item, sells_on=dice.random() < 0.5) for item in one.items)
    return replace(one, items=items, price_amount=dice.choice((1.0, 2.5, None)), units_in_stock=dice.choice((1, 7)))


def rows_agree(database: Database, one: ProductRecord) -> bool:
    """Whether the newest version is what is stored, unless a webhook came after it."""
    with database.reading() as db:
        stored = db.scalars(select(Product).where(Product.product_id == one.product_id)).one()
        is_same = (stored.price_amount, stored.is_gift_card) == (one.price_amount, one.is_gift_card)
    return is_same or stored.updated_at > one.updated_at
