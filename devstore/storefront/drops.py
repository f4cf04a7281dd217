"""What Liquid may see of a shop: objects that answer known properties and refuse unknown ones.

A misspelt property is silently nil at Shopify; here it is an error, so that it is found.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from liquid import Undefined

from devstore import gid
from devstore.sales import money
from devstore.sales.model import Product
from devstore.storefront.addresses import Addresses
from devstore.storefront.cart import Cart, CartLine
from devstore.storefront.pictures import SIZE
from devstore.storefront.protocols import Shop

NIL = Undefined("nil")
"""Liquid's nil: false, empty, and nil again whatever is asked of it."""


class Drop:
    """An object with named properties, each worked out when it is read."""

    def __init__(self, kind: str, properties: Mapping[str, Callable[[], Any]]) -> None:
        self._kind = kind
        self._properties = properties

    def __getitem__(self, name: str) -> Any:
        """The value of a property. KeyError for one that this kind of object does not have."""
        if name not in self._properties:
            raise KeyError(f"{self._kind} has no property {name}")
        value = self._properties[name]()
        return NIL if value is None else value

    def __str__(self) -> str:
        return f"{self._kind}Drop"


class Drops:
    """Makes the objects of one shop: products, carts, the shop itself."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._addresses = Addresses(shop.handle)

    def of(self, product: Product) -> Drop:
        """A product with one variant, as themes know it. Prices are in cents."""
        price, full = money.cents(product.price), product.compare_at_price
        variant = self._variant(product)
        return Drop(
            "Product",
            {
                "id": lambda: product.product_id,
                "title": lambda: product.title,
                "handle": lambda: product.handle,
                "url": lambda: self._addresses.product(product),
                "vendor": lambda: product.vendor,
                "type": lambda: product.product_type,
                "tags": lambda: list(product.tags),
                "available": lambda: self._available(product),
                "price": lambda: price,
                "price_min": lambda: price,
                "price_max": lambda: price,
                "price_varies": lambda: False,
                "compare_at_price": lambda: money.cents(full) if full else None,
                "featured_image": lambda: self._image(product),
                "featured_media": lambda: self._image(product),
                "has_only_default_variant": lambda: True,
                "variants": lambda: [variant],
                "selected_or_first_available_variant": lambda: variant,
                "first_available_variant": lambda: variant if self._available(product) else None,
                "metafields": lambda: _Metafields(self, gid.gid("Product", product.product_id)),
            },
        )

    def referenced(self, reference: str) -> Drop | None:
        """The product that a metafield names, None when it is gone or not a product."""
        product = self._shop.products.get(gid.number(reference, "Product"))
        return self.of(product) if product else None

    def cart(self, cart: Cart) -> Drop:
        """A cart, newest line first."""
        return Drop(
            "Cart",
            {
                "items": lambda: [self._line(line) for line in reversed(cart.lines)],
                "item_count": lambda: cart.units,
                "total_price": lambda: cart.cents,
                "currency": lambda: {"iso_code": self._shop.facts.currency},
            },
        )

    def shop(self) -> Drop:
        """The shop itself."""
        facts = self._shop.facts
        return Drop(
            "Shop",
            {
                "name": lambda: facts.name,
                "permanent_domain": lambda: f"{self._shop.handle}.myshopify.com",
                "currency": lambda: facts.currency,
                "metafields": lambda: _Metafields(self, gid.gid("Shop", self._shop.shop_id)),
            },
        )

    def _line(self, line: CartLine) -> Drop:
        return Drop(
            "LineItem",
            {
                "product": lambda: self.of(line.product),
                "product_id": lambda: line.product.product_id,
                "variant_id": lambda: line.product.variant_id,
                "title": lambda: line.product.title,
                "quantity": lambda: line.units,
                "final_line_price": lambda: line.cents,
            },
        )

    def metafield(self, owner: str, namespace: str, key: str) -> Any:
        """A stored metafield of an owner (a global id) as an object with its type and value, or nil."""
        stored = self._shop.metafields.get(owner, namespace, key)
        if stored is None:
            return NIL
        return Drop("Metafield", {"type": lambda: stored.type, "value": lambda: self._value(stored.type, stored.value)})

    def _value(self, type_: str, text: str) -> Any:
        """A metafield's value: references as the products they name, those that are gone left out."""
        if type_ == "list.product_reference":
            found = (self.referenced(one) for one in json.loads(text))
            return [drop for drop in found if drop]
        if type_ == "product_reference":
            return self.referenced(text)
        if type_ == "number_integer":
            return int(text)
        return json.loads(text) if type_ == "json" or type_.startswith("list.") else text

    def _available(self, product: Product) -> bool:
        return product.status == "ACTIVE" and self._shop.products.available(product) > 0

    def _variant(self, product: Product) -> Drop:
        return Drop(
            "Variant",
            {
                "id": lambda: product.variant_id,
                "title": lambda: "Default Title",
                "sku": lambda: product.sku,
                "price": lambda: money.cents(product.price),
                "available": lambda: self._available(product),
            },
        )

    def _image(self, product: Product) -> Drop:
        return Drop(
            "Image",
            {
                "src": lambda: self._addresses.picture(product),
                "alt": lambda: product.title,
                "width": lambda: SIZE,
                "height": lambda: SIZE,
                "aspect_ratio": lambda: 1.0,
            },
        )


class _Metafields:
    """`product.metafields`: nil for what was never written, as at Shopify."""

    def __init__(self, drops: Drops, owner: str) -> None:
        self._drops, self._owner = drops, owner

    def __getitem__(self, namespace: str) -> "_Namespace":
        return _Namespace(self._drops, self._owner, namespace)


class _Namespace:
    def __init__(self, drops: Drops, owner: str, namespace: str) -> None:
        self._drops, self._owner, self._namespace = drops, owner, namespace

    def __getitem__(self, key: str) -> Any:
        return self._drops.metafield(self._owner, self._namespace, key)
