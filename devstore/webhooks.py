"""Turns what happens in a shop into signed deliveries for those who subscribed."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from devstore.courier import Delivery
from devstore.subscriptions import Subscription

Fields = dict[str, Any]
"""A tree of field names; an empty branch keeps everything below it."""


def field_tree(include_fields: Iterable[str]) -> Fields:
    """`["id", "variants.price"]` as a tree."""
    tree: Fields = {}
    for path in include_fields:
        branch = tree
        for name in path.split("."):
            branch = branch.setdefault(name, {})
    return tree


def pick(value: Any, fields: Fields) -> Any:
    """The payload cut down to the fields that were asked for; lists are cut element by element."""
    if not fields:
        return value
    if isinstance(value, list):
        return [pick(element, fields) for element in value]
    if isinstance(value, dict):
        return {name: pick(value[name], branch) for name, branch in fields.items() if name in value}
    return value


def about(topic: str, payload: dict[str, Any]) -> str:
    """What a payload is about, so that deliveries about one thing can be told from others."""
    resource = topic.split("/")[0]
    edited = payload.get("order_edit", {}).get("order_id")
    number = edited or payload.get("order_id") or payload.get("id") or payload.get("inventory_item_id") or ""
    return f"{'orders' if resource == 'refunds' else resource} {number}"


def headers(one: Subscription, domain: str, event_id: str) -> dict[str, str]:
    """The headers of a delivery but its signature, which is made when it is sent."""
    named = {"X-Shopify-Name": one.name} if one.name else {}
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": one.topic,
        "X-Shopify-Shop-Domain": domain,
        "X-Shopify-API-Version": one.api_version,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": event_id,
        "X-Shopify-Triggered-At": triggered_at(),
        **named,
    }


def triggered_at() -> str:
    """Real time with nine decimals, as Shopify writes it."""
    seconds, nanos = divmod(time.time_ns(), 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


def address(uri: str, app_url: str) -> str:
    """Where a subscription points: an absolute address, or a path of the app."""
    return app_url.rstrip("/") + uri if uri.startswith("/") else uri


def bodies(
    topic: str, payload: dict[str, Any], subscriptions: Sequence[Subscription]
) -> Iterable[tuple[Subscription, bytes]]:
    """The body each subscriber gets; the same fields are written out only once."""
    written: dict[tuple[str, ...], bytes] = {}
    for one in subscriptions:
        if one.topic != topic:
            continue
        if one.include_fields not in written:
            cut = pick(payload, field_tree(one.include_fields))
            written[one.include_fields] = json.dumps(cut, ensure_ascii=False, separators=(",", ":")).encode()
        yield one, written[one.include_fields]


def announce(
    topic: str,
    payload: dict[str, Any],
    subscriptions: Sequence[Subscription],
    domain: str,
    make: Callable[..., Delivery],
) -> list[Delivery]:
    """The deliveries that one happening causes, one per subscriber, sharing an event id."""
    event_id = str(uuid.uuid4())
    return [
        make(
            uri=one.uri,
            topic=topic,
            headers=headers(one, domain, event_id),
            body=body,
            about=about(topic, payload),
            subscription_id=one.subscription_id,
        )
        for one, body in bodies(topic, payload, subscriptions)
    ]
