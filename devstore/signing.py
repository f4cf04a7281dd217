"""The four signatures of Shopify: bodies, OAuth queries, app-proxy queries and ID tokens."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote


def sign_body(secret: str, body: bytes) -> str:
    """Base64 HMAC-SHA256 of the raw bytes: webhooks and Flow actions."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def sign_query(secret: str, query: Mapping[str, str]) -> str:
    """Hex HMAC of an OAuth callback or an app URL: `k=v` sorted and joined by `&`, without `hmac`, percent-encoded."""
    text = "&".join(f"{_quote(key)}={_quote(value)}" for key, value in sorted(query.items()) if key != "hmac")
    return _hex(secret, text)


def sign_proxy(secret: str, query: Iterable[tuple[str, str]]) -> str:
    """Hex HMAC of an app-proxy request: `k=v` sorted by key, no separator, repeated keys joined by commas."""
    grouped: dict[str, list[str]] = {}
    for key, value in query:
        if key != "signature":
            grouped.setdefault(key, []).append(value)
    return _hex(secret, "".join(f"{key}={','.join(grouped[key])}" for key in sorted(grouped)))


def encode_jwt(secret: str, claims: Mapping[str, Any]) -> str:
    """A compact HS256 token with these claims."""
    head = f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(claims)}"
    return f"{head}.{_b64url(hmac.digest(secret.encode(), head.encode(), hashlib.sha256))}"


def decode_jwt(secret: str, token: str) -> dict[str, Any]:
    """The claims of an HS256 token whose signature is right. Raises ValueError otherwise; times are not judged."""
    head, _, signature = token.rpartition(".")
    expected = _b64url(hmac.digest(secret.encode(), head.encode(), hashlib.sha256))
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise ValueError("signature does not match")
    header, _, payload = head.partition(".")
    if _parse(header).get("alg") != "HS256":
        raise ValueError("only HS256 is accepted")
    return _parse(payload)


def _quote(text: str) -> str:
    return quote(text, safe="*").replace("~", "%7E")


def _hex(secret: str, text: str) -> str:
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _segment(value: Mapping[str, Any]) -> str:
    return _b64url(json.dumps(value, separators=(",", ":")).encode())


def _parse(segment: str) -> dict[str, Any]:
    value = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    if not isinstance(value, dict):
        raise ValueError("a token segment is no object")
    return value
