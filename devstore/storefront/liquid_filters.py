"""Shopify's Liquid filters and tags that python-liquid does not have, as far as blocks of ours use them."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any, TextIO

from liquid import Environment, RenderContext, Tag, TokenStream, ast
from liquid.exceptions import LiquidSyntaxError
from liquid.token import TOKEN_EOF, TOKEN_TAG

from devstore.storefront.prices import display


class SchemaTag(Tag):
    """`{% schema %}`: settings for the theme editor; renders nothing."""

    name = "schema"
    end = "endschema"

    def parse(self, stream: TokenStream) -> ast.Node:
        """Skip everything up to the end tag."""
        token = stream.eat(TOKEN_TAG)
        while not (stream.current.kind == TOKEN_TAG and stream.current.value == self.end):
            if stream.current.kind == TOKEN_EOF:
                raise LiquidSyntaxError("schema tag was never closed", token=token)
            next(stream)
        return _Nothing(token)


class _Nothing(ast.Node):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write nothing."""
        return 0


class _Image:
    """What `image_url` hands to `image_tag`; printed alone it is the address."""

    def __init__(self, image: Any, width: int) -> None:
        self.source, self.alt = image["src"], image["alt"]
        self.width, self.height = width, round(width * image["height"] / image["width"])

    def __str__(self) -> str:
        return self.at(self.width)

    def at(self, width: int) -> str:
        """The address of the picture at a width."""
        return f"{self.source}{'&' if '?' in self.source else '?'}width={width}"


def install(env: Environment, currency: str, translations: Mapping[str, Any], assets: str) -> None:
    """Add the filters of one shop and extension to a Liquid environment. `assets`: address of the assets folder."""
    env.add_tag(SchemaTag)
    env.add_filter("money", lambda cents: display(int(cents), currency))
    env.add_filter("image_url", lambda image, **size: _Image(image, int(size.get("width", 720))))
    env.add_filter("image_tag", image_tag)
    env.add_filter("asset_url", lambda name: f"{assets}/{name}")
    env.add_filter("stylesheet_tag", lambda url: f'<link href="{escape(url)}" rel="stylesheet" media="all">')
    env.add_filter("t", lambda key, **values: translate(translations, str(key), values))


def image_tag(image: _Image, *, widths: str = "", sizes: str = "", alt: str | None = None, **attributes: Any) -> str:
    """An `img` with its size, so that nothing moves while it loads; alt text is escaped, as Shopify does."""
    written = {"src": str(image), "alt": image.alt if alt is None else alt}
    if widths:
        written["srcset"] = ", ".join(f"{image.at(int(width))} {int(width)}w" for width in widths.split(","))
    if sizes:
        written["sizes"] = sizes
    written |= {"width": str(image.width), "height": str(image.height), **{k: str(v) for k, v in attributes.items()}}
    attributes_text = " ".join(f'{name}="{escape(value)}"' for name, value in written.items())
    return f"<img {attributes_text}>"


def translate(translations: Mapping[str, Any], key: str, values: Mapping[str, Any]) -> str:
    """The text of a locale file under a dotted key, values filled in, and escaped unless the key ends in `_html`."""
    found: Any = translations
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if not isinstance(found, str):
        return f"Translation missing: {key}"
    written = str if key.endswith("_html") else lambda value: escape(str(value))
    return re.sub(r"{{\s*(\w+)\s*}}", lambda name: written(values.get(name[1], "")), found)
