"""Shopify's global ids: `gid://shopify/Product/1` in GraphQL, plain 1 in webhooks and in our rows."""

import re

GID = re.compile(r"gid://shopify/([A-Za-z]+)/([0-9]{1,19})(?:\?.*)?")


def gid(kind: str, number: int) -> str:
    """The global id of the `kind` with this number."""
    return f"gid://shopify/{kind}/{number}"


def number(text: str) -> int:
    """The number inside a global id. Raises ValueError when it is none."""
    match = GID.fullmatch(text)
    if not match:
        raise ValueError(f"not a global id: {text[:80]!r}")
    return int(match[2])


def kind(text: str) -> str:
    """What a global id names: `Order`, `LineItem` … Raises ValueError when it is none."""
    match = GID.fullmatch(text)
    if not match:
        raise ValueError(f"not a global id: {text[:80]!r}")
    return match[1]
