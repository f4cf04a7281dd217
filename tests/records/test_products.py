"""Products keep their newest version, stay deleted once deleted, and their stock is remembered by day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from shopify_app.db import Database
from shopify_app.records import ingest, payloads, shops, variants
from shopify_app.tables import Product, ProductDay, Shop, StockDay
from tests.conftest import Deliver
from tests.factories import product

Drain = Callable[[], int]


def found(database: Database, shop: Shop) -> Product:
    with database.reading() as db:
        return db.scalars(select(Product).where(Product.shop_id == shop.id)).one()


def level(available: int | None, at: str, location: int = 1, item: int = 15) -> dict[str, Any]:
    return {"inventory_item_id": item, "location_id": location, "available": available, "updated_at": at}


def test_the_newest_version_of_a_product_stays(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "products/update", product(title="New", updated_at="2026-03-02T00:00:00Z"))
    deliver(alice, "products/create", product(title="Old", updated_at="2026-03-01T00:00:00Z"))
    deliver(bob, "products/create", product(title="Bob's"))
    drain()
    assert (found(database, alice).title, found(database, bob).title) == ("New", "Bob's")
    assert found(database, alice).created_on == date(2026, 1, 1)


def test_a_deleted_product_stays_deleted(database: Database, alice: Shop, deliver: Deliver, drain: Drain) -> None:
    deliver(alice, "products/create", product())
    deliver(alice, "products/delete", {"id": 1})
    deliver(alice, "products/update", product(updated_at="2036-01-01T00:00:00Z"))
    drain()
    gone = found(database, alice)
    assert gone.deleted_at is not None
    assert not gone.is_published


def test_a_product_deleted_before_it_was_heard_of_never_appears_for_sale(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "products/delete", {"id": 1})
    deliver(alice, "products/create", product(updated_at="2036-01-01T00:00:00Z"))
    drain()
    assert found(database, alice).deleted_at is not None


def test_stock_follows_the_newest_count_of_each_place(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "products/create", product())
    deliver(alice, "inventory_levels/update", level(4, "2026-03-02T10:00:00Z"))
    deliver(alice, "inventory_levels/update", level(9, "2026-03-02T09:00:00Z"))
    deliver(alice, "inventory_levels/update", level(2, "2026-03-03T09:00:00Z", location=2))
    deliver(alice, "inventory_levels/update", level(None, "2026-03-04T09:00:00Z"))
    drain()
    assert found(database, alice).units_in_stock == 6
    with database.reading() as db:
        days = db.execute(select(StockDay.counted_on, StockDay.location_id, StockDay.available)).all()
    assert sorted(tuple(day) for day in days) == [(date(2026, 3, 2), 1, 4), (date(2026, 3, 3), 2, 2)]


def test_the_count_of_one_variant_is_not_taken_for_the_whole_product(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    variants = [{"id": n, "price": "1.00", "inventory_item_id": 10 + n, "inventory_quantity": 5} for n in (1, 2)]
    deliver(alice, "products/create", product(variants=variants))
    deliver(alice, "inventory_levels/update", level(1, "2026-03-02T10:00:00Z", item=11))
    drain()
    assert found(database, alice).units_in_stock == 10
    deliver(alice, "inventory_levels/update", level(2, "2026-03-02T10:00:00Z", item=12))
    drain()
    assert found(database, alice).units_in_stock == 3


def test_the_count_of_an_unknown_item_is_kept(database: Database, alice: Shop, deliver: Deliver, drain: Drain) -> None:
    deliver(alice, "inventory_levels/update", level(4, "2026-03-02T10:00:00Z"))
    drain()
    with database.reading() as db:
        assert db.scalars(select(StockDay)).one().available == 4


def priced(amount: str, at: str, **changes: Any) -> dict[str, Any]:
    variants = [{"id": 10, "price": amount, "inventory_item_id": 15, "inventory_quantity": 7}]
    return product(updated_at=at, variants=variants, **changes)


@pytest.mark.parametrize("arrival", list(permutations(range(4))))
def test_every_price_keeps_its_day_however_the_versions_arrive(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain, arrival: tuple[int, ...]
) -> None:
    versions = [
        priced("9.50", "2026-03-01T08:00:00Z"),
        priced("8.00", "2026-03-05T09:00:00Z"),
        priced("7.50", "2026-03-05T21:00:00Z"),
        priced("7.50", "2026-03-05T23:30:00Z", status="draft"),
    ]
    for position in arrival:
        deliver(alice, "products/update", versions[position])
    deliver(bob, "products/update", priced("1.00", "2026-03-05T10:00:00Z"))
    drain()
    with database.reading() as db:
        days = select(ProductDay.valid_on, ProductDay.price_amount, ProductDay.is_published)
        alices = db.execute(days.where(ProductDay.shop_id == alice.id).order_by(ProductDay.valid_on)).all()
        bobs = db.execute(days.where(ProductDay.shop_id == bob.id)).all()
    assert [tuple(day) for day in alices] == [
        (date(2026, 3, 1), 9.5, True),
        (date(2026, 3, 5), 7.5, True),
        (date(2026, 3, 6), 7.5, False),
    ]
    assert [tuple(day) for day in bobs] == [(date(2026, 3, 5), 1.0, True)]


BOTH, ONE = "2026-03-01T08:00:00Z", "2026-03-05T08:00:00Z"


def of(*numbers: int, at: str, **changes: Any) -> dict[str, Any]:
    made = [
        {"id": n, "title": f"Size {n}", "price": "1.00", "inventory_item_id": 10 + n, "inventory_quantity": 5} | changes
        for n in numbers
    ]
    return product(updated_at=at, variants=made)


def there(database: Database, shop: Shop) -> dict[int, tuple[str, int | None]]:
    with database.reading() as db:
        return {
            item.variant_id: (item.title, item.units_in_stock) for item in variants.of_products(db, shop.id).get(1, [])
        }


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_a_deleted_variant_is_gone_however_the_versions_arrive_and_its_stock_with_it(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain, arrival: tuple[int, ...]
) -> None:
    versions = [of(1, 2, at=BOTH), of(1, at="2026-03-03T08:00:00Z"), of(1, at=ONE)]
    for position in arrival:
        deliver(alice, "products/update", versions[position])
    deliver(bob, "products/update", of(1, 2, at=BOTH) | {"note": "to Bob"})
    for shop in (alice, bob):
        for item, units in ((11, 3), (12, 40)):
            deliver(shop, "inventory_levels/update", level(units, "2026-03-02T10:00:00Z", item=item) | {"to": shop.id})
    drain()
    assert there(database, alice) == {1: ("Size 1", 3)}
    assert there(database, bob) == {1: ("Size 1", 3), 2: ("Size 2", 40)}
    assert (found(database, alice).units_in_stock, found(database, bob).units_in_stock) == (3, 43)


def test_a_webhook_that_leaves_out_variants_deletes_none(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "products/update", of(*range(1, 51), at=BOTH))
    deliver(alice, "products/update", of(*range(51, 151), at=ONE))
    drain()
    assert len(there(database, alice)) == 150


def test_the_newest_version_says_whether_a_variant_is_sold_when_none_is_left(
    database: Database, alice: Shop, deliver: Deliver, drain: Drain
) -> None:
    deliver(alice, "products/update", of(1, 2, at=ONE, inventory_policy="continue"))
    deliver(alice, "products/update", of(1, 2, at=BOTH, inventory_policy="deny"))
    drain()
    assert found(database, alice).sells_on is True
    with database.reading() as db:
        assert all(item.sells_on for item in variants.of_products(db, alice.id)[1])


def collections(database: Database) -> dict[str, list[Any] | None]:
    """Which collections the only product of each shop is in."""
    with database.reading() as db:
        told = select(Shop.domain, Product.collections).join(Product, Product.shop_id == Shop.id)
        return {domain.partition(".")[0]: found for domain, found in db.execute(told)}


def read_catalogue(database: Database, shop: Shop, *told: tuple[int, str], **version: Any) -> None:
    """The product as a catalogue tells it: in these collections."""
    read = replace(payloads.product(product(**version)), collections=told)
    with database.transaction() as db:
        ingest.apply_products(db, shops.get(db, shop.id), [read])


def test_collections_stay_as_the_catalogue_told_them_while_webhooks_bring_newer_versions(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    read_catalogue(database, alice, (5, "Summer"), (6, "Gifts"))
    read_catalogue(database, bob, (5, "Winter"))
    for shop in (alice, bob):
        deliver(shop, "products/update", product(title=f"New {shop.id}", updated_at="2026-03-02T00:00:00Z"))
    drain()
    assert [found(database, shop).title for shop in (alice, bob)] == [f"New {alice.id}", f"New {bob.id}"]
    assert collections(database) == {"alice": [[5, "Summer"], [6, "Gifts"]], "bob": [[5, "Winter"]]}


def test_a_product_that_changes_all_the_while_gets_its_collections_from_a_catalogue_read_meanwhile(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop in (alice, bob):
        deliver(shop, "products/update", product(title=f"New {shop.id}", updated_at="2026-03-09T00:00:00Z"))
    drain()
    assert collections(database) == {"alice": None, "bob": None}
    read_catalogue(database, alice, (5, "Summer"), title="As it was", updated_at="2026-03-02T00:00:00Z")
    assert found(database, alice).title == f"New {alice.id}"
    assert collections(database) == {"alice": [[5, "Summer"]], "bob": None}
    read_catalogue(database, alice, (6, "Gifts"), updated_at="2026-03-03T00:00:00Z")
    read_catalogue(database, alice, (5, "Summer"), updated_at="2026-03-01T00:00:00Z")
    assert collections(database)["alice"] == [[6, "Gifts"]]


def test_a_deleted_product_is_in_no_collection_whatever_is_told_of_it_later(
    database: Database, alice: Shop, bob: Shop, deliver: Deliver, drain: Drain
) -> None:
    for shop in (alice, bob):
        read_catalogue(database, shop, (5, "Summer"))
    deliver(alice, "products/delete", {"id": 1})
    drain()
    read_catalogue(database, alice, (5, "Summer"), updated_at="2036-01-01T00:00:00Z")
    assert collections(database) == {"alice": [], "bob": [[5, "Summer"]]}
