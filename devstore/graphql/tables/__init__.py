"""A function for every field of the SDL, in one table per type."""

from typing import Any

from devstore.bulk import BulkOperation
from devstore.graphql.tables import bulk, lookup, metafields, orders, others, products, shops, values, webhooks
from devstore.graphql.tables.nodes import node, nodes
from devstore.graphql.tables.values import FieldFunction, Table
from devstore.installation import Installation
from devstore.metafields import Metafield
from devstore.pixels import Pixel
from devstore.products import InventoryItem, Variant
from devstore.sales.model import Collection, Line, Order, Product
from devstore.subscriptions import Subscription

QUERY: Table = {
    "appInstallation": shops.installation,
    "bulkOperation": bulk.one,
    "bulkOperations": bulk.operations,
    "currentAppInstallation": shops.installation,
    "customers": orders.customers,
    "inventoryItem": products.item,
    "inventoryItems": products.items,
    "metafieldDefinitions": metafields.definitions,
    "node": node,
    "nodes": nodes,
    "order": orders.order,
    "orders": orders.orders,
    "ordersCount": orders.orders_count,
    "product": products.product,
    "productByIdentifier": products.product_by,
    "products": products.products,
    "productsCount": products.products_count,
    "productVariant": products.variant,
    "productVariants": products.variants,
    "shop": lambda _, call: call.shop,
    "webhookSubscriptions": webhooks.subscriptions,
    "webPixel": others.pixel,
}
MUTATION: Table = {
    "bulkOperationCancel": bulk.cancel,
    "bulkOperationRunQuery": bulk.run,
    "flowTriggerReceive": others.receive_trigger,
    "metafieldDefinitionCreate": metafields.define,
    "metafieldsDelete": metafields.delete_metafields,
    "metafieldsSet": metafields.set_metafields,
    "webhookSubscriptionCreate": webhooks.create,
    "webhookSubscriptionDelete": webhooks.delete,
    "webPixelCreate": others.create_pixel,
    "webPixelUpdate": others.update_pixel,
}
TABLES: dict[str, Table] = {
    "QueryRoot": QUERY,
    "Mutation": MUTATION,
    "AccessScope": shops.SCOPE,
    "ApiVersion": webhooks.API_VERSION,
    "App": shops.APP,
    "AppInstallation": shops.INSTALLATION,
    "BulkOperation": bulk.OPERATION,
    "Collection": products.COLLECTION,
    "Count": values.COUNT,
    "Customer": orders.CUSTOMER,
    "Domain": shops.DOMAIN,
    "Image": products.IMAGE,
    "InventoryItem": products.INVENTORY_ITEM,
    "InventoryLevel": products.INVENTORY_LEVEL,
    "InventoryQuantity": products.INVENTORY_QUANTITY,
    "LineItem": orders.LINE_ITEM,
    "Location": products.LOCATION,
    "MediaImage": products.MEDIA_IMAGE,
    "MediaPreviewImage": products.MEDIA_PREVIEW,
    "Metafield": metafields.METAFIELD,
    "MetafieldAccess": metafields.ACCESS,
    "MetafieldDefinition": metafields.DEFINITION,
    "MetafieldDefinitionType": metafields.DEFINITION_TYPE,
    "MetafieldIdentifier": metafields.IDENTIFIER,
    "MoneyBag": values.MONEY_BAG,
    "MoneyV2": values.MONEY,
    "Order": orders.ORDER,
    "PageInfo": values.PAGE_INFO,
    "Product": products.PRODUCT,
    "ProductPriceRangeV2": products.PRICE_RANGE,
    "ProductVariant": products.PRODUCT_VARIANT,
    "Refund": orders.REFUND,
    "RefundLineItem": orders.REFUND_LINE_ITEM,
    "Shop": shops.SHOP,
    "ShopAddress": shops.ADDRESS,
    "ShopPlan": shops.PLAN,
    "WebhookEventBridgeEndpoint": webhooks.EVENT_BRIDGE_ENDPOINT,
    "WebhookHttpEndpoint": webhooks.HTTP_ENDPOINT,
    "WebhookPubSubEndpoint": webhooks.PUB_SUB_ENDPOINT,
    "WebhookSubscription": webhooks.SUBSCRIPTION,
    "WebPixel": others.PIXEL,
}
NAMES: dict[type, str] = {
    BulkOperation: "BulkOperation",
    Collection: "Collection",
    InventoryItem: "InventoryItem",
    Installation: "AppInstallation",
    Line: "LineItem",
    Metafield: "Metafield",
    Order: "Order",
    Pixel: "WebPixel",
    Product: "Product",
    Subscription: "WebhookSubscription",
    Variant: "ProductVariant",
    products.InventoryLevel: "InventoryLevel",
    products.Location: "Location",
    products.Picture: "MediaImage",
    webhooks.HttpEndpoint: "WebhookHttpEndpoint",
}
"""Class -> type, where the API leaves the type open (nodes, owners, references)."""


def function_of(parent: str, field: str) -> FieldFunction | None:
    """The function behind a field, None when nobody wrote one."""
    return _table(parent).get(field)


def type_name(thing: Any) -> str:
    """The type of an object; the shop is the one that is no value class."""
    return NAMES.get(type(thing), "Shop")


def _table(parent: str) -> Table:
    if parent.endswith("Connection"):
        return values.CONNECTION
    if parent.endswith("Edge"):
        return values.EDGE
    if parent.endswith("Payload"):
        return _Reply()
    if parent.endswith("UserError"):
        return values.USER_ERROR
    return TABLES.get(parent, {})


class _Reply(dict[str, FieldFunction]):
    """The fields of a mutation's reply: what the mutation put there under the field's own name."""

    def get(self, name: str, default: Any = None) -> FieldFunction:
        """A function that reads this key."""
        return lambda reply, call: reply[name]


__all__ = ["function_of", "lookup", "type_name"]
