"""The app's web pixel on the local storefront: run in a worker, as far as the customer consents."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, send_from_directory, url_for

from devstore.storefront.protocols import Shop, Store

OURS = Path(__file__).parent / "static" / "pixels"
PACKAGE = "@shopify/web-pixels-extension"


def add_routes(bp: Blueprint, store: Store, shop_of: Callable[[str], Shop]) -> None:
    """The worker and its modules: ours, and the pixel's sources with Shopify's package replaced by ours."""

    @bp.get("/s/<handle>/web-pixel/<file>")
    def pixel_file(handle: str, file: str) -> Response:
        shop_of(handle)
        if file in ("worker.js", "register.js"):
            return send_from_directory(OURS, file)
        folder = beside(store.app.toml)
        path = folder / "src" / file if folder else None
        if path is None or not path.is_file():
            abort(404, "There is no such file.")
        return Response(path.read_text().replace(PACKAGE, "./register.js"), mimetype="text/javascript")


def of_page(shop: Shop, product: Any | None) -> dict[str, Any] | None:
    """What the page tells the pixel's manager; None while the app has no pixel on."""
    pixel = shop.pixels.get() if shop.is_installed else None
    if pixel is None:
        return None
    viewed = {"id": str(product.variant_id), "product": {"id": str(product.product_id)}} if product else None
    source = url_for("storefront.pixel_file", handle=shop.handle, file="worker.js")
    return {"settings": pixel.parsed, "page": {"product": viewed}, "source": source}


def beside(toml: Path | None) -> Path | None:
    """The folder of the app's pixel extension."""
    for path in sorted(toml.parent.glob("extensions/*/shopify.extension.toml")) if toml else ():
        if tomllib.loads(path.read_text()).get("type") == "web_pixel_extension":
            return path.parent.resolve()
    return None
