"""Orders, products and signed requests, as Shopify makes them: the least that is needed, changed by name."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import jwt

KEY = "test-api-key"
SECRET, OLD_SECRET = "shpss_the_secret_of_these_tests_0123", "shpss_the_secret_before_that_one_012"


@dataclass(frozen=True)
class Delivery:
    """A verified webhook, as the door hands it to the inbox."""

    shop: str
    topic: str
    body: bytes = field(repr=False)
    webhook_id: str | None
    event_id: str | None = None
    api_version: str | None = "2026-10"
    triggered_at: datetime | None = None
    secret_used: int = 0

    @property
    def signature(self) -> bytes:
        """What Shopify signs the body with."""
        return hmac.digest(SECRET.encode(), self.body, "sha256")


def order(
    order_id: int = 1001,
    *,
    lines: tuple[tuple[int | None, int, str], ...] = ((1, 2, "9.50"),),
    created_at: str = "2026-03-02T10:00:00+00:00",
    updated_at: str | None = None,
    customer: int | None = 501,
    **changes: Any,
) -> dict[str, Any]:
    """The body of an `orders/…` webhook; `lines` are (product id, units, price)."""
    return {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        "created_at": created_at,
        "updated_at": updated_at or created_at,
        "cancelled_at": None,
        "test": False,
        "currency": "EUR",
        "total_price": f"{sum(units * float(price) for _, units, price in lines):.2f}",
        "customer": {"id": customer} if customer else None,
        "line_items": [
            {
                "id": order_id * 100 + position,
                "product_id": product_id,
                "variant_id": product_id * 10 if product_id else None,
                "quantity": units,
                "current_quantity": units,
                "price": price,
            }
            for position, (product_id, units, price) in enumerate(lines)
        ],
        "refunds": [],
        **changes,
    }


def product(product_id: int = 1, *, updated_at: str = "2026-03-01T08:00:00+00:00", **changes: Any) -> dict[str, Any]:
    """The body of a `products/…` webhook."""
    return {
        "id": product_id,
        "title": f"Product {product_id}",
        "handle": f"product-{product_id}",
        "product_type": "Tea",
        "vendor": "Leaf & Co",
        "tags": "loose, green",
        "status": "active",
        "published_at": "2026-01-01T00:00:00+00:00",
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": updated_at,
        "variants": [
            {"id": product_id * 10, "price": "9.50", "inventory_item_id": product_id * 10 + 5, "inventory_quantity": 7}
        ],
        **changes,
    }


def encoded(payload: Any) -> bytes:
    """The payload's bytes; bytes stay as they are."""
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def webhook_headers(
    shop: str, topic: str, body: bytes, *, webhook_id: str | None = None, secret: str = SECRET, **more: str
) -> dict[str, str]:
    """What Shopify sends with a webhook."""
    return {
        "Content-Type": "application/json",
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode(),
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": webhook_id or str(uuid.uuid4()),
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat(),
        "X-Shopify-API-Version": "2026-10",
        **more,
    }


def id_token(shop: str, *, secret: str = SECRET, age: float = 0.0, **claims: Any) -> str:
    """An ID token of the shop's staff; `age` seconds old, good for a minute."""
    now = int(time.time() - age)
    whole = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": KEY,
        "sub": "42",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "sid": str(uuid.uuid4()),
    }
    given = {name: value for name, value in (whole | claims).items() if value is not None}
    return jwt.encode(given, secret, "HS256")


def proxy_query(shop: str, *, secret: str = SECRET, age: float = 0.0, **params: Any) -> str:
    """The query of a storefront request that came through Shopify's app proxy."""
    given = {
        "shop": shop,
        "logged_in_customer_id": "",
        "path_prefix": "/apps/foretally",
        "timestamp": str(int(time.time() - age)),
        **{name: str(value) for name, value in params.items()},
    }
    message = "".join(sorted(f"{name}={value}" for name, value in given.items()))
    signature = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return urlencode({**given, "signature": signature})


def oauth_query(shop: str, *, secret: str = SECRET, **params: str) -> str:
    """The query with which a merchant comes back from the consent page."""
    given = {"code": "a-code", "shop": shop, "timestamp": str(int(time.time())), **params}
    message = "&".join(f"{name}={value}" for name, value in sorted(given.items()))
    return urlencode({**given, "hmac": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()})


def flow_body(shop: str, handle: str, *, run: str | None = None, **properties: Any) -> bytes:
    """What Flow posts for one step of a workflow."""
    return json.dumps(
        {
            "shop_id": "1",
            "shopify_domain": shop,
            "action_run_id": run or str(uuid.uuid4()),
            "action_definition_id": "def",
            "handle": handle,
            "properties": properties,
        }
    ).encode()
