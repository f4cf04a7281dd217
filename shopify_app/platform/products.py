"""Reading products: one with all its variants, because a webhook about it is cut off after a hundred, or many pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shopify_app.platform import rest
from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.gids import gid, number
from shopify_app.platform.orders import paged

LARGEST_READ = 250


@dataclass(frozen=True)
class ProductPage:
    """A product as the online store shows it."""

    product_id: int
    title: str
    handle: str
    url: str


def pages(api: AdminApi, product_ids: Sequence[int]) -> list[ProductPage]:
    """The pages of those of these products, LARGEST_READ at most, that are in the online store."""
    nodes = api.run("product_pages", ids=[gid("Product", product_id) for product_id in product_ids])["nodes"]
    return [
        ProductPage(number(node["id"]), node["title"], node["handle"], node["onlineStoreUrl"])
        for node in nodes
        if node and node["onlineStoreUrl"]
    ]


def product(api: AdminApi, product_id: int) -> dict[str, Any] | None:
    """One product with all its variants, in the shape of a webhook's payload. None when it is gone."""
    node, variants = paged(api, "product", gid("Product", product_id), "variants")
    return None if node is None else rest.product(node, variants)
