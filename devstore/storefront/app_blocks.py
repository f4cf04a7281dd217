"""The app's blocks and embeds on a page of the storefront: rendered as a theme would, with the shop's live products."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from liquid import Undefined
from liquid.exceptions import LiquidError
from markupsafe import Markup, escape

from devstore.sales.model import Product
from devstore.storefront.addresses import Addresses
from devstore.storefront.cart import Cart
from devstore.storefront.drops import NIL, Drop, Drops
from devstore.storefront.protocols import Shop
from devstore.storefront.theme_extension import Block, ThemeExtension


@dataclass(frozen=True)
class Page:
    """What a customer looks at. kind: product, index (the home page) or cart."""

    kind: str
    path: str = "/"
    product: Product | None = None
    cart: Cart = field(default_factory=Cart)
    locale: str = "en"


@dataclass(frozen=True)
class Rendered:
    """Markup for the place of the blocks, for the head and for the end of the body; style sheets for the head."""

    markup: Markup
    head: Markup
    body: Markup
    stylesheets: tuple[str, ...]


def render(extensions: list[ThemeExtension], shop: Shop, page: Page, embeds: Iterable[str] = ()) -> Rendered:
    """Every app block that fits the page, with its default settings, and the embeds that are on.

    Without the app there is nothing: Shopify takes its blocks out of every page.
    """
    on = set(embeds) if shop.is_installed else set()
    placed = [
        (extension, block)
        for extension in extensions
        for block in extension.blocks
        if shop.is_installed and block.fits(page.kind) and (block.target == "section" or block.name in on)
    ]
    parts = {target: _all(placed, target, shop, page) for target in ("section", "head", "body")}
    sheets = [
        Addresses(shop.handle).asset(extension.name, block.stylesheet)
        for extension, block in placed
        if block.stylesheet
    ]
    return Rendered(parts["section"], parts["head"], parts["body"], tuple(dict.fromkeys(sheets)))


def _all(placed: list[tuple[ThemeExtension, Block]], target: str, shop: Shop, page: Page) -> Markup:
    return Markup("\n").join(
        render_block(extension, block, shop, page) for extension, block in placed if block.target == target
    )


def render_block(
    extension: ThemeExtension, block: Block, shop: Shop, page: Page, settings: dict[str, Any] | None = None
) -> Markup:
    """One block; `settings` override its defaults. An error shows on the page, as it would at Shopify."""
    drops = Drops(shop)
    product: Drop | Undefined = drops.of(page.product) if page.product else NIL
    try:
        template = extension.template(block, shop.handle, shop.facts.currency, page.locale)
        chosen = {**block.defaults(product), **(settings or {})}
        return Markup(template.render(**_objects(shop, drops, block, page, product, chosen)))
    except LiquidError as error:
        return Markup('<p class="liquid-error">Liquid error ({}): {}</p>').format(block.name, escape(str(error)))


def _objects(
    shop: Shop, drops: Drops, block: Block, page: Page, product: Drop | Undefined, settings: dict[str, Any]
) -> dict[str, Any]:
    """The global objects that a block may use."""
    addresses = Addresses(shop.handle)
    attributes = f'data-shopify-editor-block=\'{{"id":"{block.name}","type":"app"}}\''
    return {
        "product": product,
        "cart": drops.cart(page.cart),
        "block": {"id": block.name, "settings": settings, "shopify_attributes": attributes},
        "shop": drops.shop(),
        "routes": {
            "root_url": addresses.root,
            "cart_url": addresses.cart,
            "cart_add_url": f"{addresses.cart}/add",
            "product_recommendations_url": f"{addresses.root}/recommendations/products",
        },
        "localization": {"country": {"iso_code": shop.facts.country}, "language": {"iso_code": page.locale}},
        "request": {
            "locale": {"iso_code": page.locale},
            "page_type": page.kind,
            "path": page.path,
            "design_mode": False,
        },
    }
