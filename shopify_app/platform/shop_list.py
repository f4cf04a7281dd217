"""The shop's own recommendation list: a metafield of the shop, for home pages and for products without a list."""

import json
from collections.abc import Sequence

from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.gids import gid
from shopify_app.platform.metafields import KEY, TYPE


def publish(api: AdminApi, product_ids: Sequence[int]) -> bool:
    """Make the shop's list this one. Returns False when it was already.

    Raises UserErrors when somebody else wrote it in between; the next try compares again.
    """
    shop = api.run("shop_list")["shop"]
    value = json.dumps([gid("Product", product_id) for product_id in product_ids])
    there = shop["metafield"]
    if there and json.loads(there["value"]) == json.loads(value):
        return False
    digest = there["compareDigest"] if there else None
    write = {"ownerId": shop["id"], "key": KEY, "type": TYPE, "value": value, "compareDigest": digest}
    api.run("shop_list_set", metafields=[write])
    return True


def tell_test(api: AdminApi, number: int) -> None:
    """Let the theme know which A/B test runs; 0 for none. The last word counts."""
    shop = api.run("shop_list")["shop"]
    write = {"ownerId": shop["id"], "key": "test", "type": "number_integer", "value": str(number)}
    api.run("shop_list_set", metafields=[write])
