"""Getting and renewing a shop's access token: HTTP in, a token pair out. Storing it is not this file's business.

Tokens expire after an hour and are renewed with the refresh token, which itself expires after 90 days. Only one pair
is alive per app and shop: getting a new one by `exchange_…` revokes the one before. Never exchange on a page view.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import requests

from shopify_app import clock
from shopify_app.config import secret_name
from shopify_app.errors import ShopifyError, ShopifyUnavailable
from shopify_app.platform import answers
from shopify_app.platform.domains import shop_domain

PATH = "/admin/oauth/access_token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
CODE = re.compile(r"[a-z_]{1,40}")


class InvalidGrant(ShopifyError):
    """The code or refresh token is used up or expired: the merchant has to open the app again."""


class InvalidSubjectToken(ShopifyError):
    """The ID token is no longer good: ask App Bridge for a fresh one."""


class InvalidClient(ShopifyError):
    """The client id or secret is wrong, or the app is not installed in this shop (any more)."""


REFUSALS: dict[str, type[ShopifyError]] = {
    "invalid_grant": InvalidGrant,
    "invalid_subject_token": InvalidSubjectToken,
    "invalid_client": InvalidClient,
    "application_cannot_be_found": InvalidClient,
}


@dataclass(frozen=True)
class TokenPair:
    """An access token, what it allows, and how to get the next one. Its text form holds no secret."""

    access_token: str = field(repr=False)
    scope: str
    expires_at: datetime
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime
    minted_with: str
    """The name of the client secret that asked for it."""


@dataclass(frozen=True)
class OAuth:
    """This app at Shopify's token endpoint."""

    api_key: str
    api_secret: str = field(repr=False)
    session: requests.Session = field(repr=False)
    now: Callable[[], datetime] = clock.now

    def install_url(self, shop: str, scopes: Iterable[str], redirect_uri: str, state: str) -> str:
        """Where to send a merchant for consent, when the app was not installed the managed way."""
        query = {"client_id": self.api_key, "scope": ",".join(scopes), "redirect_uri": redirect_uri, "state": state}
        return f"https://{shop_domain(shop)}/admin/oauth/authorize?{urlencode(query)}"

    def exchange_code(self, shop: str, code: str) -> TokenPair:
        """The first pair, for the code of an OAuth callback. Raises ShopifyError when the code was used before."""
        return self._pair(shop, {"code": code, "expiring": 1})

    def exchange_id_token(self, shop: str, id_token: str) -> TokenPair:
        """The first pair, for an ID token of this shop's staff. Raises InvalidSubjectToken when that has expired."""
        grant = {
            "grant_type": EXCHANGE,
            "subject_token": id_token,
            "subject_token_type": ID_TOKEN,
            "requested_token_type": OFFLINE,
            "expiring": 1,
        }
        return self._pair(shop, grant)

    def refresh(self, shop: str, refresh_token: str) -> TokenPair:
        """The next pair. The old one works until the new one is first used, so store it before that.

        Raises InvalidGrant when the refresh token is gone: only a person who opens the app can help then.
        """
        return self._pair(shop, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _pair(self, shop: str, grant: dict[str, Any]) -> TokenPair:
        asked_at = self.now()  # before the call, so that a slow answer makes the token expire early, not late
        content = {"client_id": self.api_key, "client_secret": self.api_secret, **grant}
        reply = answers.post(self.session, shop_domain(shop), PATH, content)
        if reply.status_code != 200:
            raise _refusal(shop, reply)
        return _token_pair(shop, answers.json_object(shop, reply), asked_at, secret_name(self.api_secret))


def _refusal(shop: str, reply: requests.Response) -> ShopifyError:
    """Shopify's answer as one of our errors: its code, without the description, which may repeat what we sent."""
    try:
        code = reply.json()["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        code = None
    if not isinstance(code, str) or not CODE.fullmatch(code):
        return ShopifyError(shop, f"HTTP {reply.status_code} from the token endpoint")
    return REFUSALS.get(code, ShopifyError)(shop, code)


def _token_pair(shop: str, content: dict[str, Any], asked_at: datetime, minted_with: str) -> TokenPair:
    texts = [content.get(name) for name in ("access_token", "scope", "refresh_token")]
    seconds = [content.get(name) for name in ("expires_in", "refresh_token_expires_in")]
    if not all(isinstance(text, str) for text in texts) or not all(type(second) is int for second in seconds):
        raise ShopifyUnavailable(shop, "the token endpoint did not answer with an expiring token pair")
    access_token, scope, refresh_token = map(str, texts)
    expires_at, refresh_expires_at = (asked_at + timedelta(seconds=int(second or 0)) for second in seconds)
    return TokenPair(access_token, scope, expires_at, refresh_token, refresh_expires_at, minted_with)
