"""Pictures of products that have none: a drawn motif on a quiet ground, the same for a product each time."""

import re
from zlib import crc32

from devstore.sales.model import Product
from devstore.storefront.motifs import MOTIFS, PALETTES, PHRASES, WORDS

SIZE = 720
FLAME = "#e3a15b"


def svg(product: Product) -> str:
    """The picture of a product as an SVG document."""
    ground, main, dark, light, accent = PALETTES[crc32(product.handle.encode()) % len(PALETTES)]
    drawing = MOTIFS[motif(product.title)].format(a=main, b=dark, c=light, d=accent, f=FLAME)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="{SIZE}" height="{SIZE}">'
        f'<rect width="400" height="400" fill="{ground}"/>'
        f'<circle cx="200" cy="206" r="168" fill="#fff" opacity=".5"/>'
        f'<ellipse cx="200" cy="322" rx="132" ry="12" fill="{dark}" opacity=".16"/>{drawing}</svg>'
    )


def motif(title: str) -> str:
    """The drawing that fits a title: by phrase, else by the last word that has one, else a parcel."""
    lower = title.lower()
    for phrase, name in PHRASES.items():
        if phrase in lower:
            return name
    for word in reversed(re.findall(r"[a-z]+", lower)):
        if found := WORDS.get(word) or WORDS.get(word.removesuffix("s")):
            return found
    return "box"
