"""The one kind of HTTP session this app calls Shopify with: always a timeout, never a cookie, never a retry.

Retries belong to the job that knows what else depends on the call.
"""

from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from shopify_app.platform.domains import SHOP

TIMEOUT = (5.0, 30.0)  # seconds to connect, and of silence while reading


class TimedAdapter(HTTPAdapter):
    """`requests` waits for ever unless told otherwise at each call; this is otherwise."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send with the caller's timeout, or ours."""
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT
        return super().send(request, *args, **kwargs)


class LocalShopifyAdapter(TimedAdapter):
    """Sends what is meant for `https://*.myshopify.com` to a local Shopify, which tells shops apart by `Host`."""

    def __init__(self, origin: str) -> None:
        self.origin = urlsplit(origin)
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send to the shop's stand-in; everything else goes where it was going."""
        parts = urlsplit(request.url or "")
        if SHOP.fullmatch(parts.hostname or ""):
            request.headers["Host"] = str(parts.hostname)
            request.url = urlunsplit((self.origin.scheme, self.origin.netloc, parts.path, parts.query, ""))
            kwargs["proxies"] = {}
        return super().send(request, *args, **kwargs)


def session(dev_shopify_url: str | None = None) -> requests.Session:
    """A session for calls to Shopify; `dev_shopify_url` (development only) sends shop calls to a local Shopify."""
    made = requests.Session()
    made.headers["User-Agent"] = "Foretally"
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.mount("http://", TimedAdapter())
    made.mount("https://", LocalShopifyAdapter(dev_shopify_url) if dev_shopify_url else TimedAdapter())
    return made
