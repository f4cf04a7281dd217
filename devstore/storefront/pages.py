"""Routes of the storefront under /s/{handle}/."""

from flask import Blueprint, Response, abort, jsonify, request, send_file

from devstore.sales.model import Product
from devstore.storefront import carts, pixel_pages, theme, theme_extension, views
from devstore.storefront.addresses import Addresses
from devstore.storefront.app_blocks import Page
from devstore.storefront.pictures import svg
from devstore.storefront.popular import Popular
from devstore.storefront.protocols import Shop, Store

MOST_RECOMMENDED = 10


def blueprint(store: Store) -> Blueprint:
    """The storefront of every shop of `store`."""
    bp = Blueprint(
        "storefront", __name__, template_folder="templates", static_folder="static", static_url_path="/_theme"
    )
    popular = Popular()

    def shop_of(handle: str) -> Shop:
        try:
            return store.shop(handle)
        except KeyError:
            abort(404, f"There is no shop called {handle!r} here.")

    def product_of(shop: Shop, product_handle: str) -> Product:
        return shop.products.by_handle(product_handle) or abort(404, "This shop has no such product.")

    @bp.get("/s/<handle>/")
    def home(handle: str) -> str:
        shop = shop_of(handle)
        chosen, words = request.args.get("type", ""), request.args.get("q", "")
        page = request.args.get("page", 1, type=int)
        grid = views.grid(shop, chosen, words, page, popular.units(shop))
        # Results of a search are another template than the home page.
        kind = "search" if chosen or words or page > 1 else "index"
        shown = Page(kind, f"{Addresses(handle).root}/")
        return theme.page(store, shop, shown, "home", grid=grid, chosen=chosen, words=words)

    @bp.get("/s/<handle>/products/<product_handle>")
    def product(handle: str, product_handle: str) -> str:
        shop = shop_of(handle)
        found = product_of(shop, product_handle)
        shown = Page("product", Addresses(handle).product(found), found)
        return theme.page(store, shop, shown, "product", product=found, card=views.card(shop, found))

    @bp.get("/s/<handle>/recommendations/products.json")
    def recommendations(handle: str) -> Response:
        shop = shop_of(handle)
        viewed = shop.products.get(request.args.get("product_id", type=int)) or abort(
            404, "product_id names no product."
        )
        limit = min(max(request.args.get("limit", MOST_RECOMMENDED, type=int), 1), MOST_RECOMMENDED)
        intent = request.args.get("intent", "related")
        # Complementary products are chosen by hand at Shopify; nobody has done so here.
        found = popular.like(shop, viewed, limit) if intent == "related" else []
        return jsonify(intent=intent, products=[views.as_json(shop, one) for one in found])

    @bp.get("/s/<handle>/media/<product_handle>.svg")
    def picture(handle: str, product_handle: str) -> Response:
        drawn = svg(product_of(shop_of(handle), product_handle))
        return Response(drawn, mimetype="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})

    @bp.get("/s/<handle>/extensions/<name>/assets/<file>")
    def asset(handle: str, name: str, file: str) -> Response:
        shop_of(handle)
        extensions = {one.name: one for one in theme_extension.beside(store.app.toml)}
        path = extensions[name].asset(file) if name in extensions else None
        return send_file(path) if path else abort(404, "There is no such asset.")

    carts.add_routes(bp, store, shop_of)
    pixel_pages.add_routes(bp, store, shop_of)
    return bp
