"""Telling Shopify Flow that something happened."""

import json
from typing import Any

from shopify_app.platform.admin_api import AdminApi

LARGEST = 10_000  # bytes; Shopify's own limit is larger, and was lowered once


def send_trigger(api: AdminApi, handle: str, payload: dict[str, Any]) -> None:
    """Start every workflow of this shop that begins with `handle`. Harmless when there is none.

    `payload` has one value per field key of the extension's TOML. Flow does not notice repeats: the outbox does.
    Raises ValueError when the payload is larger than Flow takes, and whatever `AdminApi.run` raises.
    """
    if len(json.dumps(payload)) > LARGEST:
        raise ValueError(f"a trigger of more than {LARGEST} bytes")
    api.run("flow_trigger", handle=handle, payload=payload)
