"""ID tokens: the one-minute proof of who looks at the app in which shop."""

import secrets
import time
import uuid
from typing import Any

from devstore.signing import decode_jwt, encode_jwt

LIFETIME = 60
LEEWAY = 10
STAFF = {
    "id": 91000000001,
    "first_name": "Alice",
    "last_name": "Merchant",
    "email": "alice@example.com",
    "email_verified": True,
    "account_owner": True,
    "locale": "en",
    "collaborator": False,
}
"""The one staff member of every dev shop."""


class InvalidIdToken(ValueError):
    """The ID token is damaged, expired, of another shop or for another app."""


def mint(domain: str, api_key: str, secret: str, now: float | None = None) -> str:
    """A fresh ID token of the staff member for this app."""
    issued = int(time.time() if now is None else now)
    claims = {
        "iss": f"https://{domain}/admin",
        "dest": f"https://{domain}",
        "aud": api_key,
        "sub": str(STAFF["id"]),
        "exp": issued + LIFETIME,
        "nbf": issued,
        "iat": issued,
        "jti": str(uuid.uuid4()),
        "sid": secrets.token_hex(32),
    }
    return encode_jwt(secret, claims)


def verify(token: str, domain: str, api_key: str, secret: str, now: float | None = None) -> dict[str, Any]:
    """The claims of an ID token that this shop issued for this app. Raises InvalidIdToken."""
    moment = time.time() if now is None else now
    try:
        claims = decode_jwt(secret, token)
        is_fresh = int(claims["nbf"]) - LEEWAY <= moment <= int(claims["exp"]) + LEEWAY
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidIdToken(str(error)) from error
    expected = (f"https://{domain}", f"https://{domain}/admin", api_key)
    if not is_fresh or (claims.get("dest"), claims.get("iss"), claims.get("aud")) != expected:
        raise InvalidIdToken("expired, or not for this shop and app")
    return claims
