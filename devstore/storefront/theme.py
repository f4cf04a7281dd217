"""The theme: a page of it with what every page needs, the customer's cart and the app's blocks among it."""

from typing import Any

from flask import render_template, request

from devstore.storefront import app_blocks, pixel_pages, theme_extension, views
from devstore.storefront.addresses import Addresses
from devstore.storefront.app_blocks import Page
from devstore.storefront.cart import COOKIE, Cart
from devstore.storefront.protocols import Shop, Store


def page(store: Store, shop: Shop, shown: Page, template: str, **values: Any) -> str:
    """One page. `?locale=de` shows the blocks in another language; the theme itself knows English only."""
    shown = Page(shown.kind, shown.path, shown.product, cart(shop), request.args.get("locale", "en"))
    blocks = app_blocks.render(theme_extension.beside(store.app.toml), shop, shown, store.app.embeds)
    return render_template(
        f"storefront/{template}.html",
        shop=shop.facts,
        today=shop.clock.today,
        addresses=Addresses(shop.handle),
        types=views.types(shop),
        in_cart=shown.cart.units,
        blocks=blocks,
        pixel=pixel_pages.of_page(shop, shown.product),
        **values,
    )


def cart(shop: Shop) -> Cart:
    """What the customer who asks has in the cart."""
    return Cart.read(request.cookies.get(COOKIE), shop)
