"""Shopify's three ways of writing down what was signed. Bytes in, so that no decoding can change the message."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from urllib.parse import quote, unquote_to_bytes

from shopify_app.errors import Refused

Pairs = list[tuple[bytes, bytes]]


def base64_digest(secret: bytes, message: bytes) -> bytes:
    """What stands in the HMAC header of a webhook or Flow call."""
    return base64.b64encode(hmac.digest(secret, message, hashlib.sha256))


def hex_digest(secret: bytes, message: bytes) -> bytes:
    """What stands in the `hmac` or `signature` parameter of a query."""
    return hmac.digest(secret, message, hashlib.sha256).hex().encode()


def secret_used(secrets: Sequence[bytes], message: bytes, given: bytes, digest: Callable[[bytes, bytes], bytes]) -> int:
    """Which of our client secrets signed `message`: 0 is the current one. Refuses when none did.

    Compared as bytes: the text form of compare_digest raises on anything but ASCII. An empty secret signs nothing.
    """
    for position, secret in enumerate(secrets):
        if secret and hmac.compare_digest(digest(secret, message), given):
            return position
    raise Refused("bad_signature")


def query_pairs(query_string: bytes) -> Pairs:
    """Names and values of a query, decoded, in the order of arrival."""
    parts = (part.replace(b"+", b" ").partition(b"=") for part in query_string.split(b"&") if part)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts]


def oauth_message(pairs: Pairs) -> bytes:
    """The signed text of an OAuth callback: sorted, re-encoded the way Shopify's JavaScript does it, joined by `&`."""
    return "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs)).encode()


def _encoded(text: bytes) -> str:
    """As a form field is written, but a space as `%20`: unlike Python, JavaScript and Ruby encode the tilde there."""
    return quote(text, safe="*").replace("~", "%7E")


def proxy_message(pairs: Pairs) -> bytes:
    """The signed text of an app proxy call: repeated values joined by commas, sorted, and nothing between the pairs."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return b"".join(sorted(name + b"=" + b",".join(given) for name, given in values.items()))
