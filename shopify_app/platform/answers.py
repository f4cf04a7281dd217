"""What Shopify's HTTP answers mean, for the token endpoint and the Admin API alike."""

import math
from typing import Any

import requests

from shopify_app.errors import ShopifyError, ShopifyUnavailable, Throttled

LONGEST_WAIT = 3600.0


def post(session: requests.Session, shop: str, path: str, content: dict[str, Any], **headers: str) -> requests.Response:
    """POST JSON to a shop. No redirect is followed: the request carries a secret that belongs to this shop alone.

    Raises ShopifyUnavailable when there is no answer or a 5xx, Throttled on 429. Errors never quote the request.
    """
    try:
        reply = session.post(
            f"https://{shop}{path}",
            json=content,
            headers={"Accept": "application/json", **headers},
            allow_redirects=False,
        )
    except OSError as error:  # every error of requests is one
        raise ShopifyUnavailable(shop, f"no answer ({type(error).__name__})") from None
    if reply.status_code == 429:
        raise Throttled(shop, wait=retry_after(reply))
    if reply.status_code >= 500:
        raise ShopifyUnavailable(shop, f"HTTP {reply.status_code}")
    return reply


def retry_after(reply: requests.Response) -> float:
    """Seconds the answer asks us to wait; 1 when it does not say."""
    try:
        seconds = float(reply.headers.get("Retry-After", 1))
    except ValueError:  # a date is allowed by HTTP, and never seen from Shopify
        return 1.0
    return min(max(seconds, 0.1), LONGEST_WAIT) if math.isfinite(seconds) else 1.0


def json_object(shop: str, reply: requests.Response) -> dict[str, Any]:
    """The answer's JSON object. Raises ShopifyError on other statuses than 200 and ShopifyUnavailable on no JSON."""
    try:
        content = reply.json()
    except (ValueError, RecursionError):
        content = None
    if reply.status_code != 200:
        raise ShopifyError(shop, f"HTTP {reply.status_code}{reason(content)}")
    if not isinstance(content, dict):
        raise ShopifyUnavailable(shop, "the answer is no JSON object")
    return content


def reason(content: Any) -> str:
    """Shopify's own words in an error answer, short enough for a log line."""
    words = content.get("errors") or content.get("error") if isinstance(content, dict) else None
    return f": {words[:200]}" if isinstance(words, str) else ""
