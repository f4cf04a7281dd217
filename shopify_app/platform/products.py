"""Reading products: one with all its variants, because a webhook about it is cut off after a hundred, or many pages."""

from collections.abc import Iterable
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


def pages(api: AdminApi, product_ids: Iterable[int]) -> dict[int, ProductPage]:
    """The pages of those of these products that are in the online store."""
    found: dict[int, ProductPage] = {}
    ids = [gid("Product", product_id) for product_id in sorted(product_ids)]
    for start in range(0, len(ids), LARGEST_READ):
        for node in api.run("product_pages", ids=ids[start : start + LARGEST_READ])["nodes"]:
            if node and node["onlineStoreUrl"]:
                one = number(node["id"])
                found[one] = ProductPage(one, node["title"], node["handle"], node["onlineStoreUrl"])
    return found


def product(api: AdminApi, product_id: int) -> dict[str, Any] | None:
    """One product with all its variants, in the shape of a webhook's payload. None when it is gone."""
    node, variants = paged(api, "product", gid("Product", product_id), "variants")
    return None if node is None else rest.product(node, variants)
