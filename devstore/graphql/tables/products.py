"""Products, their single variants, stock and pictures."""

from typing import Any, NamedTuple

from devstore.gid import gid, number
from devstore.graphql.call import Call
from devstore.graphql.listing import Listing, listed
from devstore.graphql.search import Field, compile_search, moment
from devstore.graphql.tables.metafields import OWNED
from devstore.graphql.tables.values import Money, Table, capped, iso
from devstore.products import InventoryItem, Variant
from devstore.sales.model import Product
from devstore.sales.payloads import LOCATION_ID


class Location(NamedTuple):
    """The one place where the shop keeps its stock."""

    location_id: int = LOCATION_ID


class InventoryLevel(NamedTuple):
    """The stock of one item at the shop's location."""

    product: Product


class Quantity(NamedTuple):
    """One named quantity of an inventory level."""

    name: str
    units: int
    product: Product


class Picture(NamedTuple):
    """A product's picture, as media, as its preview and as the image itself."""

    product: Product


KNOWN_QUANTITIES = ("available", "on_hand")


def _search(read: Any) -> dict[str, Field]:
    """The search fields of things that stand for a product; `read` gets the product of one."""
    return {
        "created_at": Field(lambda thing: read(thing).created_at, moment),
        "updated_at": Field(lambda thing: read(thing).updated_at or read(thing).created_at, moment),
        "status": Field(lambda thing: read(thing).status.lower(), str.lower),
        "product_type": Field(lambda thing: read(thing).product_type, str),
        "vendor": Field(lambda thing: read(thing).vendor, str),
        "handle": Field(lambda thing: read(thing).handle, str),
        "sku": Field(lambda thing: read(thing).sku, str),
        "product_id": Field(lambda thing: read(thing).product_id, int),
    }


PRODUCT_SEARCH = {**_search(lambda thing: thing), "id": Field(lambda thing: thing.product_id, int)}
VARIANT_SEARCH = {**_search(lambda thing: thing.product), "id": Field(lambda thing: thing.product.variant_id, int)}
ITEM_SEARCH = {**_search(lambda thing: thing.product), "id": Field(lambda thing: thing.product.inventory_item_id, int)}

PRODUCT_SORT: dict[str, Any] = {
    "ID": lambda one: (one.product_id,),
    "TITLE": lambda one: (one.title, one.product_id),
    "CREATED_AT": lambda one: (one.created_at.timestamp(), one.product_id),
    "UPDATED_AT": lambda one: ((one.updated_at or one.created_at).timestamp(), one.product_id),
}
VARIANT_SORT: dict[str, Any] = {
    "ID": lambda one: (one.product.variant_id,),
    "POSITION": lambda one: (one.product.variant_id,),
    "SKU": lambda one: (one.product.sku, one.product.variant_id),
    "TITLE": lambda one: (one.product.title, one.product.variant_id),
}


def products(_: Any, call: Call, query: str | None = None, reverse: bool = False, sort_key: str = "ID") -> Listing:
    """Today's products."""
    wanted = compile_search(query, PRODUCT_SEARCH)
    return Listing(
        items=lambda: [one for one in call.shop.products.all() if wanted(one)],
        place=PRODUCT_SORT[sort_key],
        is_reversed=reverse,
    )


def variants(_: Any, call: Call, query: str | None = None, reverse: bool = False, sort_key: str = "ID") -> Listing:
    """Today's variants."""
    wanted = compile_search(query, VARIANT_SEARCH)
    return Listing(
        items=lambda: [one for one in map(Variant, call.shop.products.all()) if wanted(one)],
        place=VARIANT_SORT[sort_key],
        is_reversed=reverse,
    )


def items(_: Any, call: Call, query: str | None = None, reverse: bool = False) -> Listing:
    """Today's inventory items."""
    wanted = compile_search(query, ITEM_SEARCH)
    return Listing(
        items=lambda: [one for one in map(InventoryItem, call.shop.products.all()) if wanted(one)],
        place=lambda one: (one.product.inventory_item_id,),
        is_reversed=reverse,
    )


def products_count(_: Any, call: Call, query: str | None = None, limit: int | None = None) -> tuple[int, str]:
    """How many products a search finds."""
    return capped(products(_, call, query).count(), limit)


def product(_: Any, call: Call, id: str) -> Product | None:
    """One product by global id."""
    return call.shop.products.get(number(id, "Product"))


def product_by(_: Any, call: Call, identifier: dict[str, str]) -> Product | None:
    """One product by id or handle."""
    if "handle" in identifier:
        return call.shop.products.by_handle(identifier["handle"])
    return product(_, call, identifier["id"])


def variant(_: Any, call: Call, id: str) -> Variant | None:
    """One variant by global id."""
    return call.shop.products.variant(number(id, "ProductVariant"))


def item(_: Any, call: Call, id: str) -> InventoryItem | None:
    """One inventory item by global id."""
    return call.shop.products.item(number(id, "InventoryItem") or 0)


def _quantities(level: InventoryLevel, call: Call, names: list[str]) -> list[Quantity]:
    unknown = set(names) - set(KNOWN_QUANTITIES)
    if unknown:
        raise ValueError(f"devstore knows the quantities {', '.join(KNOWN_QUANTITIES)}, not {', '.join(unknown)}")
    return [Quantity(name, call.shop.products.available(level.product), level.product) for name in names]


def _picture(product: Product) -> Picture | None:
    return Picture(product) if product.image_url else None


def _changed(product: Product) -> str | None:
    return iso(product.updated_at or product.created_at)


def _page(product: Product, call: Call) -> str | None:
    """As on the shop's own domain; browse the local storefront under the address that the control door tells."""
    return f"https://{call.shop.domain}/products/{product.handle}" if product.status == "ACTIVE" else None


PRODUCT: Table = {
    "id": lambda one, call: f"gid://shopify/Product/{one.product_id}",
    "legacyResourceId": lambda one, call: str(one.product_id),
    "title": lambda one, call: one.title,
    "handle": lambda one, call: one.handle,
    "productType": lambda one, call: one.product_type,
    "vendor": lambda one, call: one.vendor,
    "tags": lambda one, call: list(one.tags),
    "status": lambda one, call: one.status,
    "isGiftCard": lambda one, call: one.is_gift_card,
    "createdAt": lambda one, call: iso(one.created_at),
    "publishedAt": lambda one, call: iso(one.created_at) if one.status == "ACTIVE" else None,
    "updatedAt": lambda one, call: _changed(one),
    "tracksInventory": lambda one, call: True,
    "totalInventory": lambda one, call: call.shop.products.available(one),
    "onlineStoreUrl": _page,
    "featuredMedia": lambda one, call: _picture(one),
    "featuredImage": lambda one, call: _picture(one),
    "priceRangeV2": lambda one, call: Money(one.price, call.shop.facts.currency),
    "collections": lambda one, call, reverse=False: listed(one.collections, reverse),
    "variants": lambda one, call, reverse=False, sort_key="POSITION": listed([Variant(one)], reverse),
    "variantsCount": lambda one, call: (1, "EXACT"),
    **OWNED,
}
COLLECTION: Table = {
    "id": lambda one, call: gid("Collection", one.collection_id),
    "legacyResourceId": lambda one, call: str(one.collection_id),
    "title": lambda one, call: one.title,
    "handle": lambda one, call: one.handle,
}
PRICE_RANGE: Table = {
    "minVariantPrice": lambda money, call: money,
    "maxVariantPrice": lambda money, call: money,
}
PRODUCT_VARIANT: Table = {
    "id": lambda one, call: f"gid://shopify/ProductVariant/{one.product.variant_id}",
    "legacyResourceId": lambda one, call: str(one.product.variant_id),
    "title": lambda one, call: "Default Title",
    "displayName": lambda one, call: f"{one.product.title} - Default Title",
    "sku": lambda one, call: one.product.sku,
    "price": lambda one, call: one.product.price,
    "position": lambda one, call: 1,
    "createdAt": lambda one, call: iso(one.product.created_at),
    "updatedAt": lambda one, call: _changed(one.product),
    "availableForSale": lambda one, call: call.shop.products.available(one.product) > 0,
    "inventoryPolicy": lambda one, call: "DENY",
    "inventoryQuantity": lambda one, call: call.shop.products.available(one.product),
    "inventoryItem": lambda one, call: InventoryItem(one.product),
    "product": lambda one, call: one.product,
    **OWNED,
}
INVENTORY_ITEM: Table = {
    "id": lambda one, call: gid("InventoryItem", one.product.inventory_item_id),
    "legacyResourceId": lambda one, call: str(one.product.inventory_item_id),
    "sku": lambda one, call: one.product.sku,
    "tracked": lambda one, call: True,
    "unitCost": lambda one, call: None,
    "createdAt": lambda one, call: iso(one.product.created_at),
    "updatedAt": lambda one, call: _changed(one.product),
    "variants": lambda one, call: listed([Variant(one.product)]),
    "inventoryLevels": lambda one, call, reverse=False: listed([InventoryLevel(one.product)], reverse),
}
INVENTORY_LEVEL: Table = {
    "id": lambda one, call: f"{gid('InventoryLevel', LOCATION_ID)}?inventory_item_id={one.product.inventory_item_id}",
    "isActive": lambda one, call: True,
    "item": lambda one, call: InventoryItem(one.product),
    "location": lambda one, call: Location(),
    "createdAt": lambda one, call: iso(one.product.created_at),
    "updatedAt": lambda one, call: iso(call.shop.clock.now),
    "quantities": _quantities,
}
INVENTORY_QUANTITY: Table = {
    "id": lambda one, call: f"{gid('InventoryQuantity', one.product.inventory_item_id)}?name={one.name}",
    "name": lambda one, call: one.name,
    "quantity": lambda one, call: one.units,
    "updatedAt": lambda one, call: iso(call.shop.clock.now),
}
LOCATION: Table = {
    "id": lambda one, call: gid("Location", one.location_id),
    "legacyResourceId": lambda one, call: str(one.location_id),
    "name": lambda one, call: "Warehouse",
    "isActive": lambda one, call: True,
}
MEDIA_IMAGE: Table = {
    "id": lambda one, call: gid("MediaImage", one.product.product_id),
    "alt": lambda one, call: one.product.title,
    "mediaContentType": lambda one, call: "IMAGE",
    "status": lambda one, call: "READY",
    "createdAt": lambda one, call: iso(one.product.created_at),
    "updatedAt": lambda one, call: iso(one.product.created_at),
    "image": lambda one, call: one,
    "preview": lambda one, call: one,
}
MEDIA_PREVIEW: Table = {
    "image": lambda one, call: one,
    "status": lambda one, call: "READY",
}
IMAGE: Table = {
    "id": lambda one, call: gid("ImageSource", one.product.product_id),
    "altText": lambda one, call: one.product.title,
    "url": lambda one, call: one.product.image_url,
    "height": lambda one, call: None,
    "width": lambda one, call: None,
}
