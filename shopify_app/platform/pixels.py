"""The app's web pixel on a shop: on, and sending to the right place."""

import json
from collections.abc import Mapping

from shopify_app.platform.admin_api import AdminApi, UserErrors

SCOPES = frozenset({"write_pixels", "read_customer_events"})
"""Both are needed; a shop that granted fewer has no pixel."""


def switch_on(api: AdminApi, settings: Mapping[str, str]) -> str:
    """The id of the shop's pixel, which has these settings now. Repeating is fine. Raises ShopifyError and its kin."""
    written = json.dumps(dict(settings))
    try:
        return str(api.run("pixel_create", webPixel={"settings": written})["webPixelCreate"]["webPixel"]["id"])
    except UserErrors as refused:
        if "TAKEN" not in [error.get("code") for error in refused.user_errors]:
            raise
    pixel_id = str(api.run("pixel")["webPixel"]["id"])
    api.run("pixel_update", id=pixel_id, webPixel={"settings": written})
    return pixel_id
