"""The shop's own list: written when it changed, and never over what somebody else wrote."""

from typing import Any

import pytest

from shopify_app.platform import shop_list
from shopify_app.platform.admin_api import AdminApi, UserErrors

SHOP = "gid://shopify/Shop/7"
OLD = '["gid://shopify/Product/2"]'


def held(value: str | None) -> dict[str, Any]:
    metafield = {"value": value, "compareDigest": "old"} if value else None
    return {"data": {"shop": {"id": SHOP, "metafield": metafield}}}


WRITTEN = {"data": {"metafieldsSet": {"metafields": [{"compareDigest": "new"}], "userErrors": []}}}


@pytest.mark.parametrize(("there", "digest"), [(None, None), (OLD, "old")])
def test_a_list_is_written_over_the_one_that_was_read(
    api: AdminApi, shopify: Any, there: str | None, digest: str | None
) -> None:
    shopify.will_answer(held(there), WRITTEN)
    assert shop_list.publish(api, [3, 4])
    assert shopify.asked[1].json["variables"]["metafields"] == [
        {
            "ownerId": SHOP,
            "key": "recommendations",
            "type": "list.product_reference",
            "value": '["gid://shopify/Product/3", "gid://shopify/Product/4"]',
            "compareDigest": digest,
        }
    ]


def test_the_same_list_is_not_written_again(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer(held(OLD))
    assert not shop_list.publish(api, [2])
    assert len(shopify.asked) == 1


def test_a_lost_race_is_said(api: AdminApi, shopify: Any) -> None:
    error = {"code": "STALE_OBJECT", "elementIndex": 0, "field": ["metafields", "0"], "message": "stale"}
    shopify.will_answer(held(OLD), {"data": {"metafieldsSet": {"metafields": None, "userErrors": [error]}}})
    with pytest.raises(UserErrors, match="stale"):
        shop_list.publish(api, [3])
