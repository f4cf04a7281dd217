"""The app's blocks on a product page: rendered as a theme would, with the shop's live products."""

from dataclasses import dataclass
from typing import Any

from liquid.exceptions import LiquidError
from markupsafe import Markup, escape

from devstore.sales.model import Product
from devstore.storefront.addresses import Addresses
from devstore.storefront.drops import Drop, ProductDrops
from devstore.storefront.protocols import Shop
from devstore.storefront.theme_extension import Block, ThemeExtension


@dataclass(frozen=True)
class Rendered:
    """Markup for the place of the blocks, and the style sheets that the head has to link."""

    markup: Markup
    stylesheets: tuple[str, ...]


def render(extensions: list[ThemeExtension], shop: Shop, product: Product, locale: str = "en") -> Rendered:
    """Every app block with its default settings on the page of this product."""
    placed = [(extension, block) for extension in extensions for block in extension.blocks]
    markup = Markup("\n").join(render_block(extension, block, shop, product, locale) for extension, block in placed)
    sheets = [
        Addresses(shop.handle).asset(extension.name, block.stylesheet)
        for extension, block in placed
        if block.stylesheet
    ]
    return Rendered(markup, tuple(dict.fromkeys(sheets)))


def render_block(
    extension: ThemeExtension,
    block: Block,
    shop: Shop,
    product: Product,
    locale: str = "en",
    settings: dict[str, Any] | None = None,
) -> Markup:
    """One block; `settings` override its defaults. An error shows on the page, as it would at Shopify."""
    drop = ProductDrops(shop).of(product)
    try:
        template = extension.template(block, shop.handle, shop.facts.currency, locale)
        return Markup(template.render(**_objects(shop, block, drop, {**block.defaults(drop), **(settings or {})})))
    except LiquidError as error:
        return Markup('<p class="liquid-error">Liquid error ({}): {}</p>').format(block.name, escape(str(error)))


def _objects(shop: Shop, block: Block, product: Drop, settings: dict[str, Any]) -> dict[str, Any]:
    """The global objects that a block may use."""
    addresses = Addresses(shop.handle)
    domain = f"{shop.handle}.myshopify.com"
    attributes = f'data-shopify-editor-block=\'{{"id":"{block.name}","type":"app"}}\''
    return {
        "product": product,
        "block": {"id": block.name, "settings": settings, "shopify_attributes": attributes},
        "shop": {"name": shop.facts.name, "permanent_domain": domain, "currency": shop.facts.currency},
        "routes": {
            "root_url": addresses.root,
            "cart_url": addresses.cart,
            "cart_add_url": f"{addresses.cart}/add",
            "product_recommendations_url": f"{addresses.root}/recommendations/products",
        },
        "localization": {"country": {"iso_code": shop.facts.country}, "language": {"iso_code": "en"}},
        "request": {"locale": {"iso_code": "en"}, "page_type": "product", "design_mode": False},
    }
