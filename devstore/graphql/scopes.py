"""Which access scope a type or field asks for."""

from graphql import GraphQLError

from devstore.graphql.call import Call

TYPES: dict[str, tuple[str, ...]] = {
    "Collection": ("read_products",),
    "Customer": ("read_customers",),
    "InventoryItem": ("read_inventory", "read_products"),
    "InventoryLevel": ("read_inventory",),
    "Location": ("read_locations", "read_inventory"),
    "Order": ("read_orders",),
    "Product": ("read_products",),
    "ProductVariant": ("read_products",),
    "WebPixel": ("read_pixels",),
}
"""Any one of these opens a field of the type (or a connection of it)."""
FIELDS: dict[str, tuple[str, ...]] = {
    "Mutation.webPixelCreate": ("write_pixels",),
    "Mutation.webPixelUpdate": ("write_pixels",),
    "QueryRoot.ordersCount": ("read_orders",),
    "QueryRoot.productsCount": ("read_products",),
}


def required(parent: str, field: str, type_name: str) -> tuple[str, ...]:
    """The scopes of which a field asks for one; empty when it is open to all."""
    named = type_name.removesuffix("Connection")
    return FIELDS.get(f"{parent}.{field}") or TYPES.get(named, ())


def check(call: Call, field: str, scopes: tuple[str, ...]) -> None:
    """Raise the API's ACCESS_DENIED error when none of the scopes is granted."""
    if scopes and not call.may(*scopes):
        access = " or ".join(f"`{scope}` access scope" for scope in scopes) + "."
        raise GraphQLError(
            f"Access denied for {field} field. Required access: {access}",
            extensions={"code": "ACCESS_DENIED", "requiredAccess": access},
        )
