"""Single values out of headers, queries and JSON that a stranger wrote: exactly as promised, or refused."""

import re
from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from shopify_app.errors import Refused

# Ids, topics and handles of Shopify are printable ASCII. Anything else would end up in a row, a log line or a header.
PLAIN = re.compile(r"[\x21-\x7e]{1,255}")
IDENTIFYING = ("topic", "webhook-id", "event-id")
WHOLE_SECONDS = re.compile(r"[0-9]{1,12}")


def shopify_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Shopify's own headers by lower-case name without prefix, all of the one family that carries the signature.

    Refused when a name comes in two spellings, or a signature in both families: which one would count?
    """
    classic: dict[str, str] = {}
    events: dict[str, str] = {}
    for spelling, value in headers.items():
        prefix, found, name = spelling.lower().partition("shopify-")
        if found and prefix in ("x-", ""):
            family = classic if prefix else events
            if name in family:
                raise Refused("repeated_header", status=400)
            family[name] = value
    if "hmac-sha256" in classic and "hmac-sha256" in events:
        raise Refused("two_signatures", status=400)
    own = events if "hmac-sha256" in events else classic
    # A header sent twice reaches us joined by a comma: two topics or ids that look like one.
    for name in IDENTIFYING:
        if "," in own.get(name, ""):
            raise Refused("repeated_header", status=400)
    return own


def unrepeated(pairs: Iterable[tuple[bytes, bytes]], guarded: Container[bytes] | None = None) -> None:
    """Refuse a query that gives a guarded name (all, when None) twice or as a list (`shop[]=…`, `shop[0]=…`)."""
    seen = set()
    for name, _ in pairs:
        base, bracket, _ = name.partition(b"[")
        if (guarded is None or base in guarded) and (bracket or base in seen):
            raise Refused("repeated_parameter", status=400)
        seen.add(base)


def required(fields: Mapping[str, Any], name: str) -> str:
    """The text of a field that has to be there, printable ASCII of at most 255 characters."""
    value = plain(fields, name)
    if value is None:
        raise Refused(f"missing_{name.replace('-', '_')}", status=400)
    return value


def plain(fields: Mapping[str, Any], name: str) -> str | None:
    """The text of a field, or None when it is not there or empty. Refuses anything but printable ASCII."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not PLAIN.fullmatch(value):
        raise Refused(f"invalid_{name.replace('-', '_')}", status=400)
    return value


def timestamp(text: str | None) -> int:
    """Whole seconds since 1970, as Shopify signs them; refused when missing or with a fraction."""
    if not text:
        raise Refused("missing_timestamp", status=400)
    if not WHOLE_SECONDS.fullmatch(text):
        raise Refused("invalid_timestamp", status=400)
    return int(text)


def moment(text: str | None) -> datetime | None:
    """An ISO time of nine decimals, cut to microseconds. None when it is none: this header is a hint and unsigned."""
    try:
        parsed = datetime.fromisoformat(text or "")
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None
