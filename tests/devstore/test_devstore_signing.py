"""Our signatures against vectors written down by others."""

import base64
from typing import Any
from urllib.parse import parse_qsl

import pytest

from devstore.signing import decode_jwt, encode_jwt, sign_body, sign_proxy, sign_query
from tests.devstore import published


def vectors(family: str) -> list[dict[str, Any]]:
    found: Any = published.shared("vectors.json")
    return list(found[family])


def test_bodies_are_signed_as_published() -> None:
    for one in vectors("body_hmac"):
        is_right = sign_body(one["secret"], base64.b64decode(one["body_b64"])) == one["hmac"]
        assert is_right == bool(one["ok"]), one["id"]


def test_oauth_queries_are_signed_as_published() -> None:
    good = [one for one in vectors("oauth_query") if one["hmac_ok"] is True and "[" not in one["query"]]
    assert len(good) > 3
    for one in good:
        query = dict(parse_qsl(one["query"], keep_blank_values=True))
        assert sign_query(one["secret"], query) == query["hmac"], one["id"]


def test_proxy_queries_are_signed_as_published() -> None:
    good = [one for one in vectors("app_proxy") if one["signature_ok"] is True]
    assert len(good) > 3
    for one in good:
        query = parse_qsl(one["query"], keep_blank_values=True)
        assert sign_proxy(one["secret"], query) == dict(query)["signature"], one["id"]


def test_id_tokens_are_signed_as_published() -> None:
    valid = next(one for one in vectors("session_token") if one["id"] == "valid")
    assert decode_jwt(valid["secret"], valid["token"])["dest"] == "https://test-shop.myshopify.com"


def test_the_two_examples_of_the_documentation_hold() -> None:
    proxy = (
        "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1"
        "&path_prefix=/apps/awesome_reviews&timestamp=1317327555"
    )
    assert sign_proxy("hush", parse_qsl(proxy)) == "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"
    query = dict(parse_qsl("code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&timestamp=1337178173"))
    assert sign_query("hush", query) == "4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20"


def test_a_changed_token_is_refused() -> None:
    token = encode_jwt("secret", {"sub": "1"})
    with pytest.raises(ValueError, match="signature"):
        decode_jwt("other", token)
