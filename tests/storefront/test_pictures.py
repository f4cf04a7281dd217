"""Drawn product pictures: fitting, valid, and the same each time."""

import xml.etree.ElementTree as ET

from devstore.sales.assortment import KINDS
from devstore.storefront.motifs import MOTIFS, PALETTES, PHRASES, WORDS
from devstore.storefront.pictures import motif, svg
from tests.storefront.tea_shop import product


def test_every_motif_is_valid_svg_in_every_palette() -> None:
    for name in MOTIFS:
        for number in range(len(PALETTES)):
            ET.fromstring(svg(product(number, name)))


def test_every_word_leads_to_a_drawing() -> None:
    assert set(WORDS.values()) | set(PHRASES.values()) <= set(MOTIFS)


def test_every_kind_of_the_synthetic_shop_has_a_drawing_of_its_own() -> None:
    assert all(motif(kind.name) != "box" for kind in KINDS)


def test_a_title_picks_its_last_fitting_word() -> None:
    assert motif("WHITE HANGING HEART T-LIGHT HOLDER") == "candle"
    assert motif("Regency Teapot Roses") == "flower"
    assert motif("Something else entirely") == "box"


def test_a_product_keeps_its_picture() -> None:
    assert svg(product(1, "Mug")) == svg(product(1, "Mug"))
    assert len({svg(product(1, f"{name} Mug")) for name in ("Tarn", "Birch", "Moss", "Wren", "Teal")}) > 1
