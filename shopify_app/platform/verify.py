"""One function per door of the app: raw bytes in, a verified caller out, and `Refused` for everything else.

The signature is checked before anything is parsed, over the bytes as they came, with every active client secret.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from shopify_app.errors import Refused
from shopify_app.platform import signatures
from shopify_app.platform.callers import Callback, FlowAction, IdToken, ProxyCall, Webhook
from shopify_app.platform.claims import in_time, signed_claims
from shopify_app.platform.domains import admin_host, shop_domain
from shopify_app.platform.fields import moment, plain, required, shopify_headers, timestamp, unrepeated

WINDOW = 90  # seconds that a signed timestamp may be off: what Shopify's own libraries allow
PROXY_SIGNED = (b"shop", b"timestamp", b"signature", b"path_prefix", b"logged_in_customer_id")


def webhook(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> Webhook:
    """One webhook delivery, of the classic (`x-shopify-…`) or the events (`shopify-…`) header family.

    Any body is fine: a signed one that is no JSON is stored and parked, so that a person can see it.
    """
    own, given, used = _signed_body(headers, body, secrets)
    return Webhook(
        shop=shop_domain(own.get("shop-domain")),
        topic=required(own, "topic"),
        webhook_id=plain(own, "webhook-id"),
        event_id=plain(own, "event-id"),
        api_version=plain(own, "api-version"),
        triggered_at=moment(own.get("triggered-at")),
        body=body,
        signature=base64.b64decode(given),
        secret_used=used,
    )


def flow_action(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]) -> FlowAction:
    """One call of a Flow action. The shop stands inside the signed body; a header that names another is refused."""
    own, _, used = _signed_body(headers, body, secrets)
    content = _json_object(body)
    shop = shop_domain(content.get("shopify_domain"))
    if own.get("shop-domain", shop) != shop:
        raise Refused("shop_mismatch")
    properties = content.get("properties") or {}
    if not isinstance(properties, dict):
        raise Refused("invalid_properties", status=400)
    return FlowAction(
        shop=shop,
        action_run_id=required(content, "action_run_id"),
        handle=required(content, "handle"),
        properties=MappingProxyType(properties),
        secret_used=used,
    )


def app_proxy(query_string: bytes, secrets: Sequence[bytes], now: datetime) -> ProxyCall:
    """A storefront visitor's request that Shopify passed on within the last 90 seconds."""
    pairs = signatures.query_pairs(query_string)
    unrepeated(pairs, PROXY_SIGNED)
    signed = [pair for pair in pairs if pair[0] != b"signature"]
    message = signatures.proxy_message(signed)
    used = signatures.secret_used(secrets, message, _given(pairs, b"signature"), signatures.hex_digest)
    params = _joined(signed)
    _within_window(params, now)
    return ProxyCall(
        shop=shop_domain(params.pop("shop", None)),
        customer_id=_customer_id(params.pop("logged_in_customer_id", "")),
        path_prefix=params.pop("path_prefix", ""),
        params=MappingProxyType({name: value for name, value in params.items() if name != "timestamp"}),
        secret_used=used,
    )


def oauth_callback(query_string: bytes, secrets: Sequence[bytes], now: datetime) -> Callback:
    """A merchant back from the consent page, within the last 90 seconds.

    No parameter may repeat: Shopify's libraries sign lists in three different ways, so a list can mean anything.
    """
    pairs = signatures.query_pairs(query_string)
    unrepeated(pairs)
    signed = [pair for pair in pairs if pair[0] != b"hmac"]
    message = signatures.oauth_message(signed)
    used = signatures.secret_used(secrets, message, _given(pairs, b"hmac"), signatures.hex_digest)
    params = _joined(signed)
    _within_window(params, now)
    return Callback(
        shop=shop_domain(params.get("shop")),
        code=required(params, "code"),
        state=required(params, "state"),
        host=admin_host(params["host"]) if params.get("host") else None,
        secret_used=used,
    )


def id_token(token: str, api_key: str, secrets: Sequence[bytes], now: datetime) -> IdToken:
    """A member of staff in the shop's admin. The shop comes from `dest`, which `iss` has to confirm."""
    claims, used = signed_claims(token, secrets)
    if claims["aud"] != api_key:
        raise Refused("wrong_audience")
    in_time(claims, now)
    shop = shop_domain(str(claims["dest"]).removeprefix("https://"))
    if (claims["dest"], claims["iss"]) != (f"https://{shop}", f"https://{shop}/admin"):
        raise Refused("issuer_mismatch")
    return IdToken(
        shop=shop,
        user_id=required(claims, "sub"),
        session_id=required(claims, "sid"),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        secret_used=used,
    )


def _signed_body(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes]
) -> tuple[dict[str, str], bytes, int]:
    """Shopify's own headers, the signature as it came, and which secret made it."""
    own = shopify_headers(headers)
    given = own.get("hmac-sha256", "").encode("utf-8", "surrogatepass")
    if not given:
        raise Refused("no_signature", status=400)
    if not body:
        raise Refused("empty_body", status=400)
    return own, given, signatures.secret_used(secrets, body, given, signatures.base64_digest)


def _given(pairs: signatures.Pairs, name: bytes) -> bytes:
    value = dict(pairs).get(name)
    if not value:
        raise Refused("no_signature", status=400)
    return value


def _joined(pairs: signatures.Pairs) -> dict[str, str]:
    params: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("utf-8", "replace"), raw_value.decode("utf-8", "replace")
        params[name] = f"{params[name]},{value}" if name in params else value
    return params


def _within_window(params: Mapping[str, str], now: datetime) -> None:
    if abs(now.timestamp() - timestamp(params.get("timestamp"))) > WINDOW:
        raise Refused("stale_timestamp")


def _customer_id(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Refused("invalid_customer", status=400)
    return int(text)


def _json_object(body: bytes) -> dict[str, Any]:
    """What a signed body says. Refused, too: what Python reads and PostgreSQL keeps not, NUL, halves of characters and
    numbers without end. Sent again it would be no better."""
    try:
        content = json.loads(body)
        text = json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refused("invalid_json", status=400) from None
    if not isinstance(content, dict) or b"\\u0000" in text:
        raise Refused("invalid_json", status=400)
    return content
