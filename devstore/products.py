"""The catalogue of one shop as the API shows it now."""

from datetime import date, datetime
from typing import NamedTuple

from devstore.clock import BusinessClock
from devstore.sales.model import Product, Sales


class Variant(NamedTuple):
    """The single variant of a product."""

    product: Product


class InventoryItem(NamedTuple):
    """The stock-keeping side of a variant."""

    product: Product


class _Shelf(NamedTuple):
    """One day's catalogue with its look-ups."""

    on: date
    products: list[Product]
    by_id: dict[int | None, Product]
    by_variant: dict[int | None, Variant]
    by_item: dict[int, Product]
    by_handle: dict[str, Product]


class ProductBook:
    """Products, variants and stock of one shop; ids that are not in today's catalogue are unknown."""

    def __init__(self, sales: Sales, clock: BusinessClock) -> None:
        self._sales, self._clock = sales, clock
        self._kept: _Shelf | None = None

    def all(self) -> list[Product]:
        """Today's products, by id."""
        return [product for product in self._shelf().products if product.created_at <= self._clock.now]

    def get(self, product_id: int | None) -> Product | None:
        """One product, None when the shop does not (or no longer) have it."""
        return self._visible(self._shelf().by_id.get(product_id))

    def by_handle(self, handle: str) -> Product | None:
        """One product by the last part of its storefront address."""
        return self._visible(self._shelf().by_handle.get(handle))

    def variant(self, variant_id: int | None) -> Variant | None:
        """One variant by its id."""
        found = self._shelf().by_variant.get(variant_id)
        return found if found is not None and found.product.created_at <= self._clock.now else None

    def item(self, item_id: int) -> InventoryItem | None:
        """One inventory item by its id."""
        product = self._visible(self._shelf().by_item.get(item_id))
        return InventoryItem(product) if product else None

    def available(self, product: Product) -> int:
        """Units in stock at the end of the latest day."""
        return self._sales.available(product.product_id, self._clock.today)

    def updated_at(self, product: Product) -> datetime:
        """When the product last changed."""
        return product.updated_at or product.created_at

    def _visible(self, product: Product | None) -> Product | None:
        return product if product is not None and product.created_at <= self._clock.now else None

    def _shelf(self) -> _Shelf:
        kept, today = self._kept, self._clock.today
        if kept is None or kept.on != today:
            kept = self._kept = _stock(today, self._sales.products(today))
        return kept


def _stock(on: date, products: list[Product]) -> _Shelf:
    ordered = sorted(products, key=lambda product: product.product_id)
    return _Shelf(
        on,
        ordered,
        {product.product_id: product for product in ordered},
        {product.variant_id: Variant(product) for product in ordered},
        {product.inventory_item_id: product for product in ordered},
        {product.handle: product for product in ordered},
    )
