"""Publishing recommendation lists: compare and set, one bad list among good ones, and what is published now."""

from typing import Any

import pytest

from shopify_app.platform.admin_api import AdminApi, UserErrors
from shopify_app.platform.metafields import (
    ListWrite,
    ListWritten,
    PublishedList,
    StaleList,
    UnwritableList,
    published,
    set_lists,
)


def written(*product_ids: int) -> dict[str, Any]:
    metafields = [
        {"compareDigest": f"digest-{number}", "owner": {"id": f"gid://shopify/Product/{number}"}}
        for number in product_ids
    ]
    return {"data": {"metafieldsSet": {"metafields": metafields, "userErrors": []}}}


def refused(*errors: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"metafieldsSet": {"metafields": None, "userErrors": list(errors)}}}


def sent(shopify: Any, call: int) -> list[int]:
    inputs = shopify.asked[call].json["variables"]["metafields"]
    return [int(one["ownerId"].rsplit("/", 1)[1]) for one in inputs]


WRITES = [ListWrite(1, (2, 3), None), ListWrite(2, (1,), "old-2"), ListWrite(3, (), "old-3")]


def test_lists_are_written_with_the_digest_of_what_they_replace(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer(written(3, 1, 2))
    assert set_lists(api, WRITES) == [
        ListWritten(1, "digest-1"),
        ListWritten(2, "digest-2"),
        ListWritten(3, "digest-3"),
    ]
    assert shopify.asked[0].json["variables"]["metafields"][0] == {
        "ownerId": "gid://shopify/Product/1",
        "key": "recommendations",
        "type": "list.product_reference",
        "value": '["gid://shopify/Product/2", "gid://shopify/Product/3"]',
        "compareDigest": None,
    }


def test_a_list_somebody_else_wrote_is_stale_and_the_others_are_written(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer(
        refused({"code": "STALE_OBJECT", "elementIndex": 1, "field": ["metafields", "0"], "message": "stale"})
    )
    shopify.will_answer(written(1, 3))
    assert set_lists(api, WRITES) == [ListWritten(1, "digest-1"), StaleList(2), ListWritten(3, "digest-3")]
    assert (sent(shopify, 0), sent(shopify, 1)) == ([1, 2, 3], [1, 3])


def test_one_deleted_product_does_not_hold_up_the_others(api: AdminApi, shopify: Any) -> None:
    error = {
        "code": "INVALID",
        "elementIndex": None,
        "field": ["metafields", "0", "ownerId"],
        "message": "Owner does not exist",
    }
    shopify.will_answer(refused(error), written(2, 3))
    assert set_lists(api, WRITES)[0] == UnwritableList(1, "INVALID", "Owner does not exist")


def test_when_every_list_is_wrong_nothing_more_is_sent(api: AdminApi, shopify: Any) -> None:
    errors = [{"code": "STALE_OBJECT", "elementIndex": place, "field": None, "message": "stale"} for place in range(3)]
    shopify.will_answer(refused(*errors))
    assert set_lists(api, WRITES) == [StaleList(1), StaleList(2), StaleList(3)]
    assert len(shopify.asked) == 1


@pytest.mark.parametrize("index", [None, 17])
def test_an_error_about_no_list_in_particular_is_raised(api: AdminApi, shopify: Any, index: int | None) -> None:
    shopify.will_answer(refused({"code": "APP_NOT_AUTHORIZED", "elementIndex": index, "field": None, "message": "no"}))
    with pytest.raises(UserErrors):
        set_lists(api, WRITES)


def test_more_lists_than_shopify_takes_are_refused_before_they_are_sent(api: AdminApi, shopify: Any) -> None:
    with pytest.raises(ValueError, match="25"):
        set_lists(api, [ListWrite(number, (), None) for number in range(26)])
    assert set_lists(api, []) == []
    assert shopify.asked == []


def test_what_is_published_is_read_with_its_digests(api: AdminApi, shopify: Any) -> None:
    nodes = [
        {"id": "gid://shopify/Product/1", "metafield": {"value": '["gid://shopify/Product/2"]', "compareDigest": "d1"}},
        {"id": "gid://shopify/Product/2", "metafield": None},
        None,
    ]
    shopify.will_answer({"data": {"nodes": nodes}})
    assert published(api, [1, 2, 3]) == {1: PublishedList(1, (2,), "d1"), 2: None}


def test_a_whole_catalogue_is_read_in_pages(api: AdminApi, shopify: Any) -> None:
    shopify.will_answer({"data": {"nodes": []}}, {"data": {"nodes": []}})
    published(api, range(1, 301))
    assert [len(asked.json["variables"]["ids"]) for asked in shopify.asked] == [250, 50]
