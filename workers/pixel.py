"""Switch the shop's web pixel on, or tell it anew where to send its events."""

from typing import Any

from shopify_app.lifecycle import pixel
from shopify_app.platform import pixels
from shopify_app.tables import Job, Shop
from workers.context import Context

PATH = "/pixel/events"


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """A shop that did not grant the scopes goes without: nothing else needs a pixel."""
    missing = sorted(pixels.SCOPES - set(shop.scopes.split(",")))
    if missing:
        return {"skipped": f"not granted: {', '.join(missing)}"}
    with context.database.transaction() as db:
        key = pixel.key_of(db, shop.id)
    address = context.settings.app_url.rstrip("/") + PATH
    return {"pixel": pixels.switch_on(context.api(shop), {"address": address, "shop": shop.domain, "key": key})}
