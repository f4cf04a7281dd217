"""A catalogue as it is read whole: however many variants its products have."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, select

from shopify_app.db import Database
from shopify_app.records import ingest, orders, variants
from shopify_app.records.goods import ItemRecord, ProductRecord
from shopify_app.records.payloads import StockRecord
from shopify_app.tables import InventoryItem, Product, Shop
from workers.catalogue import pieces

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
MOST_NAMED = 1_100
"""SQLite takes 32,766 values in a statement, PostgreSQL 65,535: far below either."""


def goods(product_id: int, variants: int = 1) -> ProductRecord:
    """A product; its variants have numbers of their own."""
    numbers = range(product_id * 10_000, product_id * 10_000 + variants)
    return ProductRecord(
        product_id=product_id,
        title=f"Product {product_id}",
        handle=f"product-{product_id}",
        product_type="Tea",
        vendor="Leaf & Co",
        tags=("green", "loose"),
        price_amount=9.5,
        is_published=True,
        units_in_stock=7,
        created_at=AT,
        updated_at=AT,
        items=tuple(ItemRecord(number, number, f"Size {number}", f"SKU-{number}", False) for number in numbers),
        is_gift_card=False,
        collections=((4, "Gifts"), (5, "Summer")),
    )


@contextmanager
def most_values(database: Database) -> Iterator[list[int]]:
    """How many values each statement named."""
    found: list[int] = []

    def note(_connection: Any, _cursor: Any, _text: str, values: Any, _context: Any, is_many: bool) -> None:
        found.append(max(map(len, values)) if is_many else len(values))

    event.listen(database.engine, "before_cursor_execute", note)
    yield found
    event.remove(database.engine, "before_cursor_execute", note)


def test_no_statement_names_more_values_than_a_database_takes_however_many_variants_there_are(
    database: Database, alice: Shop
) -> None:
    """Shopify allows 2,048 variants of a product."""
    read = [goods(1, variants=2_048), goods(2, variants=900)]
    counted = [StockRecord(item.inventory_item_id, 1, 2, AT) for item in read[1].items]
    with most_values(database) as values:
        with database.transaction() as db:
            ingest.apply_products(db, alice, read)
        with database.transaction() as db:
            ingest.apply_stock(db, alice, counted)
        with database.reading() as db:
            named = variants.titles(db, alice.id, [item.variant_id for one in read for item in one.items])
    assert max(values) <= MOST_NAMED
    with database.reading() as db:
        held = dict(db.execute(select(Product.product_id, Product.units_in_stock)).all())
        items = db.scalars(select(InventoryItem.units_in_stock).where(InventoryItem.product_id == 2)).all()
    assert held == {1: 7, 2: 1_800}
    assert list(items) == [2] * 900
    assert len(named) == 2_948


def test_a_month_of_very_many_orders_is_compared_in_pieces(database: Database, alice: Shop) -> None:
    with most_values(database) as values, database.reading() as db:
        assert orders.outdated(db, alice.id, dict.fromkeys(range(3_000), AT)) == set(range(3_000))
    assert max(values) <= MOST_NAMED


def test_a_transaction_of_the_catalogue_has_two_thousand_variants_at_most() -> None:
    large = [goods(number, variants=700) for number in range(1, 6)]
    assert [[one.product_id for one in piece] for piece in pieces(large)] == [[1, 2], [3, 4], [5]]
    assert [len(piece) for piece in pieces([goods(number) for number in range(1, 1_202)])] == [500, 500, 201]
    assert [len(piece) for piece in pieces([goods(1, variants=2_048), goods(2)])] == [1, 1]
