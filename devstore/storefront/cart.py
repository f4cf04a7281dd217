"""A customer's cart, kept in a cookie: product ids, units, and where each line came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from devstore.sales import money
from devstore.sales.model import Product
from devstore.storefront.protocols import Shop

COOKIE = "cart"
MOST_LINES = 30
MOST_UNITS = 99
NOTE = "_recommended"


@dataclass(frozen=True)
class CartLine:
    """Some units of one product."""

    product: Product
    units: int
    recommended_on: int | None = None
    """The product whose recommendations led here."""

    @property
    def cents(self) -> int:
        """What the line costs."""
        return self.units * money.cents(self.product.price)


class CannotAdd(Exception):
    """Why something does not go into the cart, in words for the customer."""


@dataclass(frozen=True)
class Cart:
    """What a customer wants to buy. Each change gives a new cart."""

    lines: tuple[CartLine, ...] = ()

    @property
    def units(self) -> int:
        """Units in all lines."""
        return sum(line.units for line in self.lines)

    @property
    def cents(self) -> int:
        """What everything costs."""
        return sum(line.cents for line in self.lines)

    @classmethod
    def read(cls, cookie: str | None, shop: Shop) -> "Cart":
        """The cart of a cookie. What it cannot mean (old products, somebody's scribbling) is left out."""
        try:
            rows = json.loads(cookie or "[]")
        except ValueError:
            return cls()
        found = (_line(row, shop) for row in rows[:MOST_LINES]) if isinstance(rows, list) else ()
        return cls(tuple(line for line in found if line))

    def cookie(self) -> str:
        """What `read` reads again."""
        return json.dumps([[line.product.product_id, line.units, line.recommended_on] for line in self.lines])

    def add(self, form: Mapping[str, str], shop: Shop) -> "Cart":
        """With what a product form asks for. Raises CannotAdd."""
        variant = _whole(form.get("id"))
        product = next((one for one in shop.products.all() if one.variant_id == variant), None)
        if product is None:
            raise CannotAdd("This product is not here any more.")
        if shop.products.available(product) <= 0:
            raise CannotAdd(f"{product.title} is sold out.")
        units = min(max(_whole(form.get("quantity"), 1), 1), MOST_UNITS)
        held = {line.product.product_id: line for line in self.lines}
        line = held.get(product.product_id, CartLine(product, 0, _whole(form.get(f"properties[{NOTE}]")) or None))
        held[product.product_id] = replace(line, units=min(line.units + units, MOST_UNITS))
        return Cart(tuple(held.values())[:MOST_LINES])

    def change(self, form: Mapping[str, str]) -> "Cart":
        """With another number of units of one product; none takes it out."""
        product_id, units = _whole(form.get("product")), _whole(form.get("quantity"))
        changed = (
            replace(line, units=min(units, MOST_UNITS)) if line.product.product_id == product_id else line
            for line in self.lines
        )
        return Cart(tuple(line for line in changed if line.units > 0))


def _line(row: Any, shop: Shop) -> CartLine | None:
    if not isinstance(row, list) or len(row) != 3 or not all(isinstance(part, int | None) for part in row):
        return None
    product = shop.products.get(row[0])
    units = min(row[1] or 0, MOST_UNITS)
    return CartLine(product, units, row[2]) if product and units > 0 else None


def _whole(text: str | None, otherwise: int = 0) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 17 else otherwise
