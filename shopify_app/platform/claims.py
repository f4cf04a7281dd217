"""What an ID token (a JWT under our client secret) says, once its signature and its times are right."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import jwt

from shopify_app.errors import Refused

LEEWAY = 10  # seconds of clock difference: what all of Shopify's own libraries allow
REQUIRED = ["iss", "dest", "aud", "sub", "exp", "nbf", "jti", "sid"]
LONGEST = 8192
LAST_MOMENT = 1 << 37  # the year 6325: beyond it no datetime can hold the time


def signed_claims(token: str, secrets: Sequence[bytes]) -> tuple[dict[str, Any], int]:
    """The claims, and which of our secrets signed them: 0 is the current one. Refuses when none did."""
    if len(token) > LONGEST:
        raise Refused("invalid_token")
    for position, secret in enumerate(secrets):
        claims = _claims(token, secret) if secret else None
        if claims is not None:
            return claims, position
    raise Refused("bad_signature")


def in_time(claims: Mapping[str, Any], now: datetime) -> None:
    """Refuse a token that is expired or not yet valid at `now`, or whose times are no whole seconds."""
    if not all(type(claims[name]) is int and 0 < claims[name] < LAST_MOMENT for name in ("exp", "nbf")):
        raise Refused("invalid_token")
    if claims["exp"] <= now.timestamp() - LEEWAY:
        raise Refused("expired_token")
    if claims["nbf"] > now.timestamp() + LEEWAY:
        raise Refused("token_not_yet_valid")


def _claims(token: str, secret: bytes) -> dict[str, Any] | None:
    """The claims when `secret` signed the token, else None. Times, audience and shop are checked by the callers."""
    try:
        return jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            options={
                "require": REQUIRED,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except jwt.MissingRequiredClaimError as missing:
        raise Refused("missing_claim", missing.claim) from None
    except jwt.InvalidSignatureError:
        return None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Refused("invalid_token") from None
