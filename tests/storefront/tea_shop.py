"""A tea shop with six hand-picked products, and how the app publishes a list in it."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from devstore.gid import gid
from devstore.sales.model import Event, Line, Order, Product, ShopFacts
from devstore.shop import Shop

ROOT = Path(__file__).parents[2]
DAY = date(2026, 3, 2)
MUG, TEAPOT, GONE, TRAY, EVIL, SPOON = range(1, 7)


def product(number: int, title: str, price: str = "20.00", product_type: str = "Tableware", **other: str) -> Product:
    return Product(
        product_id=number,
        variant_id=number + 100,
        inventory_item_id=number + 200,
        title=title,
        handle=title.lower().replace(" ", "-") if title.isascii() and "<" not in title else f"product-{number}",
        product_type=product_type,
        vendor="Potter & Sons",
        tags=("kitchen",),
        sku=f"SKU-{number}",
        price=price,
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
        **other,
    )


class TeaShop:
    """Six products; number 3 is sold out; spoons sell best."""

    facts = ShopFacts("Tea Shop", "GBP", "Europe/London", "GB")
    first_day = history_until = DAY
    last_day: date | None = None
    shelf = (
        product(MUG, "Mug"),
        product(TEAPOT, "Teapot", "1250.00", compare_at_price="1500.00"),
        product(GONE, "Sugar Bowl"),
        product(TRAY, "Tray", product_type="Trays"),
        product(EVIL, '<b onclick="x">& Cup'),
        product(SPOON, "Spoon", "4.50"),
    )

    def products(self, on: date) -> list[Product]:
        return list(self.shelf)

    def available(self, product_id: int, on: date) -> int:
        return 0 if product_id == GONE else 7

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        if start <= DAY <= end:
            moment = datetime(2026, 3, 2, 10, tzinfo=UTC)
            line = Line(1, SPOON, SPOON + 100, "SKU-6", "Spoon", 5, 5, "4.50")
            yield Order(1, 9, moment, moment, None, False, "22.50", (line,))

    def day(self, on: date) -> list[Event]:
        return []


def recommend(shop: Shop, viewed: int | None, *products: int) -> None:
    """Publish a list as the app does: a product's, or without one the shop's."""
    value = json.dumps([gid("Product", number) for number in products])
    known = {gid("Product", number) for number in [*range(1, 7), *products]}
    shop.metafields.set(
        [
            {
                "ownerId": gid("Product", viewed) if viewed else gid("Shop", shop.shop_id),
                "namespace": "$app",
                "key": "recommendations",
                "type": "list.product_reference",
                "value": value,
            }
        ],
        known,
    )
