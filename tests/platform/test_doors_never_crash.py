"""Whatever bytes arrive, signed or not: a door answers with a caller or a refusal, never with anything else."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_app.errors import Refused
from shopify_app.platform import signatures, verify
from shopify_app.platform.domains import admin_host, shop_domain

SECRET = b"the-current-client-secret-of-this-app"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STAMP = str(int(NOW.timestamp())).encode()

anything = st.text(st.characters(exclude_categories=[]), max_size=40)  # lone surrogates included
names = st.sampled_from(
    ["hmac-sha256", "topic", "shop-domain", "webhook-id", "event-id", "api-version", "triggered-at"]
)
spelled = st.builds(
    lambda prefix, name: prefix + name, st.sampled_from(["X-Shopify-", "shopify-", "x-SHOPIFY-"]), names
)
shops = st.sampled_from(["alice.myshopify.com", "ALICE.myshopify.com", "alice.myshopify.com\n", ""])
header_maps = st.dictionaries(spelled | anything, anything | shops, max_size=9)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything | shops,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=8,
)
query_names = st.sampled_from(
    [b"shop", b"code", b"state", b"timestamp", b"hmac", b"signature", b"host", b"shop[]", b"path_prefix"]
)
query_names |= st.sampled_from([b"logged_in_customer_id"]) | st.binary(max_size=6)
query_values = st.binary(max_size=12) | st.sampled_from([b"alice.myshopify.com", STAMP, b"%ff", b"+", b"YWRtaW4"])
queries = st.lists(st.tuples(query_names, query_values), max_size=8).map(
    lambda pairs: b"&".join(name + b"=" + value for name, value in pairs)
)


def answers(door: Any, *args: Any) -> None:
    said = None
    try:
        door(*args)
    except Refused as refused:
        said = refused
    assert said is None or (said.code.isascii() and said.status in (400, 401))


def signed_headers(headers: dict[str, str], body: bytes) -> dict[str, str]:
    """The same headers with the right signature, so that what lies behind it is reached."""
    digest = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    return {name: value for name, value in headers.items() if "hmac" not in name.lower()} | {
        "x-shopify-hmac-sha256": digest
    }


@given(header_maps, st.binary(max_size=60))
def test_a_webhook(headers: dict[str, str], body: bytes) -> None:
    answers(verify.webhook, headers, body, [SECRET])
    answers(verify.webhook, signed_headers(headers, body), body, [SECRET])


@given(header_maps, st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_flow_action(headers: dict[str, str], body: bytes) -> None:
    answers(verify.flow_action, headers, body, [SECRET])
    answers(verify.flow_action, signed_headers(headers, body), body, [SECRET])


@given(
    st.fixed_dictionaries(
        {"shopify_domain": shops},
        optional={
            "action_run_id": json_values,
            "handle": json_values,
            "properties": json_values,
            "step_reference": json_values,
        },
    )
)
def test_a_flow_action_with_odd_fields(content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    answers(verify.flow_action, signed_headers({}, body), body, [SECRET])


@given(queries | st.binary(max_size=80))
def test_an_app_proxy_query(query: bytes) -> None:
    answers(verify.app_proxy, query, [SECRET], NOW)
    pairs = [pair for pair in signatures.query_pairs(query) if pair[0] != b"signature"]
    digest = signatures.hex_digest(SECRET, signatures.proxy_message(pairs))
    unsigned = b"&".join(part for part in query.split(b"&") if not part.startswith(b"signature"))
    answers(verify.app_proxy, unsigned + b"&signature=" + digest, [SECRET], NOW)


@given(queries | st.binary(max_size=80))
def test_an_oauth_callback(query: bytes) -> None:
    answers(verify.oauth_callback, query, [SECRET], NOW)
    pairs = [pair for pair in signatures.query_pairs(query) if pair[0] != b"hmac"]
    digest = signatures.hex_digest(SECRET, signatures.oauth_message(pairs))
    unsigned = b"&".join(part for part in query.split(b"&") if not part.startswith(b"hmac"))
    answers(verify.oauth_callback, unsigned + b"&hmac=" + digest, [SECRET], NOW)


claim_names = st.sampled_from(["iss", "dest", "aud", "sub", "exp", "nbf", "iat", "jti", "sid"])


@given(anything | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_an_id_token_of_any_text(text: str) -> None:
    answers(verify.id_token, text, "foretally", [SECRET], NOW)
    answers(verify.id_token, f"{text}.{text}.{text}", "foretally", [SECRET], NOW)


@given(
    st.dictionaries(claim_names, json_values),
    st.dictionaries(st.sampled_from(["kid", "crit", "typ", "b64"]), json_values),
)
def test_an_id_token_with_odd_claims_and_headers(changed: dict[str, Any], headers: dict[str, Any]) -> None:
    seconds = int(NOW.timestamp())
    basic: dict[str, Any] = {"iss": "https://alice.myshopify.com/admin", "dest": "https://alice.myshopify.com"}
    basic |= {"aud": "foretally", "sub": "1", "exp": seconds + 60, "nbf": seconds, "jti": "j", "sid": "s"}
    answers(verify.id_token, encoded({"alg": "HS256", **headers}, basic | changed), "foretally", [SECRET], NOW)


def test_an_id_token_whose_header_is_nested_too_deep() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("=")
    answers(verify.id_token, f"{deep}.e30.e30", "foretally", [SECRET], NOW)
    answers(verify.id_token, f"e30.{deep}.e30", "foretally", [SECRET], NOW)


def encoded(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A signed token with any header, odd ones included."""
    parts = [jwt.utils.base64url_encode(json.dumps(part).encode()) for part in (header, claims)]
    signature = hmac.new(SECRET, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, jwt.utils.base64url_encode(signature)]).decode()


@given(anything | st.none() | st.integers())
def test_a_shop_domain(text: Any) -> None:
    answers(shop_domain, text)


@given(anything)
def test_a_host(text: str) -> None:
    answers(admin_host, text)


@given(st.binary(min_size=1, max_size=30), st.binary(min_size=1, max_size=30))
def test_no_other_secret_opens_a_signed_body(body: bytes, other: bytes) -> None:
    headers = signed_headers({"x-shopify-topic": "orders/create", "x-shopify-shop-domain": "alice.myshopify.com"}, body)
    assert verify.webhook(headers, body, [SECRET]).body == body
    if other != SECRET:
        with pytest.raises(Refused, match="bad_signature"):
            verify.webhook(headers, body, [other])
