"""Reading one product with all its variants: a webhook about it is cut off after a hundred."""

from typing import Any

from shopify_app.platform import rest
from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.gids import gid
from shopify_app.platform.orders import paged


def product(api: AdminApi, product_id: int) -> dict[str, Any] | None:
    """One product with all its variants, in the shape of a webhook's payload. None when it is gone."""
    node, variants = paged(api, "product", gid("Product", product_id), "variants")
    return None if node is None else rest.product(node, variants)
