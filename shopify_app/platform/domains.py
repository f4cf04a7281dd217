"""The two names Shopify has for a shop: its domain, and where its admin lives. Both end up in addresses and headers."""

import base64
import re

from shopify_app.errors import Refused

# Lower case only and fullmatch: `$` would let a trailing newline through, and two spellings would be two shops.
SHOP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com")
ADMIN = re.compile(rf"admin\.shopify\.com/store/[a-z0-9][a-z0-9-]{{0,62}}|{SHOP.pattern}/admin")


def shop_domain(text: object) -> str:
    """`text` itself, when it is exactly a shop's permanent domain. Anything else is refused, never repaired."""
    if isinstance(text, str) and SHOP.fullmatch(text):
        return text
    raise Refused("invalid_shop", status=400)


def admin_host(text: str) -> str:
    """Where this shop's admin is, without scheme, out of the `host` parameter (base64, its padding usually cut off)."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("ascii")
    except ValueError:
        raise Refused("invalid_host", status=400) from None
    if not ADMIN.fullmatch(decoded):
        raise Refused("invalid_host", status=400)
    return decoded
