"""Shopify's own recommendations, far simplified: what sells best in the same product type."""

from collections import Counter
from datetime import date, timedelta

from devstore.sales.model import Product
from devstore.storefront.protocols import Shop

DAYS = 28


class Popular:
    """Units sold per product in the last four weeks, counted once a business day."""

    def __init__(self) -> None:
        self._counted: dict[str, tuple[date, Counter[int]]] = {}

    def like(self, shop: Shop, product: Product, limit: int) -> list[Product]:
        """Available products of the same type, best sellers first; never the product itself."""
        units = self.units(shop)
        same = [
            other
            for other in shop.products.all()
            if other.product_type == product.product_type and other.product_id != product.product_id
        ]
        ranked = sorted(same, key=lambda other: (-units[other.product_id], other.product_id))
        return [other for other in ranked if shop.products.available(other) > 0][:limit]

    def units(self, shop: Shop) -> Counter[int]:
        """Units of each product."""
        today = shop.clock.today
        kept = self._counted.get(shop.handle)
        if kept is None or kept[0] != today:
            kept = self._counted[shop.handle] = (today, _count(shop, today))
        return kept[1]


def _count(shop: Shop, today: date) -> Counter[int]:
    units: Counter[int] = Counter()
    for order in shop.sales.orders(today - timedelta(days=DAYS - 1), today):
        for line in order.lines:
            if line.product_id is not None and not order.test:
                units[line.product_id] += line.current_quantity
    return units
