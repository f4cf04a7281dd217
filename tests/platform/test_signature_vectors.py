"""Published signature vectors and those cross-run on Shopify's own libraries: each verdict agrees, or says why not."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from shopify_app.errors import Refused
from shopify_app.platform import verify
from shopify_app.platform.domains import admin_host, shop_domain

NOT_THE_SIGNATURE = {"stale_timestamp", "missing_timestamp", "invalid_timestamp", "repeated_parameter", "missing_claim"}

NO_VERDICT = {
    "py-doc-hush": "a documentation example: signed in 2012, and without the `state` that we always send",
    "py-ids-array": "lists are signed in three ways by three libraries: refused, whatever the digest",
    "doc-hush-extra": "a documentation example, signed in 2011",
    "doc-hush-anon": "a documentation example, signed in 2011",
    "doc-hush-loggedin": "a documentation example, signed in 2011",
    "sort-upper": "nobody documents the sort order of mixed case; we sort bytes, as the documented sample does",
    "checkout-extension-token": "a checkout token, which has no business in the admin: refused, as it has no sid",
}


def outcome(door: Any, *args: Any) -> str:
    """`ok`, or the code of the refusal."""
    try:
        door(*args)
    except Refused as refused:
        return refused.code
    return "ok"


def agrees(case: dict[str, Any], expected: bool | None, got: str) -> bool:
    if expected is None:
        return case["id"] in NO_VERDICT
    return (got == "ok") is expected


def test_every_oauth_query_gets_the_expected_verdict(vectors: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(vectors["now"], UTC)
    for case in vectors["oauth_query"]:
        got = outcome(verify.oauth_callback, case["query"].encode(), [case["secret"].encode()], now)
        assert agrees(case, case["request_ok"], got), (case["id"], got)
        if case["hmac_ok"]:
            assert got == "ok" or got in NOT_THE_SIGNATURE, (case["id"], got)


def test_every_app_proxy_query_gets_the_expected_verdict(vectors: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(vectors["now"], UTC)
    for case in vectors["app_proxy"]:
        got = outcome(verify.app_proxy, case["query"].encode(), [case["secret"].encode()], now)
        assert agrees(case, case["request_ok"], got), (case["id"], got)
        if case["signature_ok"]:
            assert got == "ok" or got in NOT_THE_SIGNATURE, (case["id"], got)


def test_the_documented_app_proxy_examples_verify_on_the_day_they_were_signed(vectors: dict[str, Any]) -> None:
    cases = [case for case in vectors["app_proxy"] if case["id"].startswith("doc-hush")]
    for case in cases:
        call = verify.app_proxy(case["query"].encode(), [b"hush"], datetime.fromtimestamp(1317327555, UTC))
        assert (call.shop, call.path_prefix, call.params["extra"]) == (
            "shop-name.myshopify.com",
            "/apps/awesome_reviews",
            "1,2",
        )
    assert len(cases) == 3


def test_every_signed_body_gets_the_expected_verdict(vectors: dict[str, Any]) -> None:
    for case in vectors["body_hmac"]:
        headers = {
            "X-Shopify-Hmac-Sha256": case["hmac"],
            "X-Shopify-Topic": "orders/create",
            "X-Shopify-Shop-Domain": "alice.myshopify.com",
        }
        got = outcome(verify.webhook, headers, base64.b64decode(case["body_b64"]), [case["secret"].encode()])
        assert agrees(case, case["ok"], got), (case["id"], got)


@pytest.mark.filterwarnings("ignore:The HMAC key is")
def test_every_id_token_gets_the_expected_verdict(vectors: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(vectors["now"], UTC)
    for case in vectors["session_token"]:
        got = outcome(verify.id_token, case["token"], case["client_id"], [case["secret"].encode()], now)
        assert agrees(case, case["ok"], got), (case["id"], got)
        if case["ok"] is None:
            assert got != "ok"


def test_every_shop_domain_gets_the_expected_verdict(vectors: dict[str, Any]) -> None:
    for case in vectors["shop_domain"]:
        assert (outcome(shop_domain, case["input"]) == "ok") is case["strict_ok"], case["input"]


def test_every_host_parameter_gets_the_expected_verdict(vectors: dict[str, Any]) -> None:
    for case in vectors["host_param"]:
        assert (outcome(admin_host, case["input"]) == "ok") is case["ok"], case["input"]
        if case["ok"]:
            assert admin_host(case["input"]) == case["decoded"]
