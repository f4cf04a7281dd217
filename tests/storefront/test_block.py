"""The recommendations block as a theme renders it: what shows, what does not, and nothing unescaped."""

import re
from html import unescape

import pytest
from liquid.exceptions import UndefinedError
from markupsafe import Markup

from devstore.shop import Shop
from devstore.storefront.app_blocks import render_block
from devstore.storefront.drops import ProductDrops
from devstore.storefront.theme_extension import Block, ThemeExtension
from tests.storefront.tea_shop import EVIL, GONE, MUG, ROOT, SPOON, TEAPOT, TRAY, recommend

EXTENSION = ThemeExtension.read(ROOT / "extensions" / "recommendations")
(BLOCK,) = EXTENSION.blocks


def render(shop: Shop, viewed: int = MUG, locale: str = "en", **settings: object) -> Markup:
    found = shop.products.get(viewed)
    assert found
    return render_block(EXTENSION, BLOCK, shop, found, locale, settings)


def titles(markup: str) -> list[str]:
    return re.findall(r'recs__title">(.*?)</span>', markup)


def test_the_list_shows_in_its_order_with_links_and_prices(shop: Shop) -> None:
    recommend(shop, MUG, SPOON, TEAPOT)
    markup = render(shop)
    assert titles(markup) == ["Spoon", "Teapot"]
    assert re.findall(r'href="(.*?)"', markup) == ["/s/tea/products/spoon", "/s/tea/products/teapot"]
    assert "£4.50" in markup
    assert "<s>£1,500.00</s>" in markup
    assert "Liquid error" not in markup


def test_without_a_list_there_is_nothing(shop: Shop) -> None:
    assert render(shop).strip() == ""


def test_an_empty_list_shows_nothing(shop: Shop) -> None:
    recommend(shop, MUG)
    assert render(shop).strip() == ""


def test_sold_out_vanished_and_viewed_products_do_not_show(shop: Shop) -> None:
    recommend(shop, MUG, GONE, MUG, 4711, TRAY)
    assert titles(render(shop)) == ["Tray"]


def test_a_list_of_nothing_to_sell_shows_nothing(shop: Shop) -> None:
    recommend(shop, MUG, GONE, MUG, 4711)
    assert render(shop).strip() == ""


def test_titles_and_headings_are_escaped(shop: Shop) -> None:
    recommend(shop, MUG, EVIL)
    markup = render(shop, heading="<i>Ours</i>", show_vendor=True)
    assert "<b onclick" not in markup
    assert "<i>" not in markup
    assert unescape(titles(markup)[0]) == '<b onclick="x">& Cup'
    assert "Potter &amp; Sons" in markup


def test_the_merchant_decides_how_many(shop: Shop) -> None:
    recommend(shop, MUG, SPOON, GONE, TEAPOT, TRAY, EVIL)
    assert len(titles(render(shop, max_items=2))) == 2
    assert len(titles(render(shop))) == 4


def test_prices_and_buttons_can_be_left_out(shop: Shop) -> None:
    recommend(shop, MUG, SPOON)
    bare = render(shop, show_price=False, show_add_to_cart=False)
    assert "£" not in bare
    assert "<form" not in bare


def test_the_heading_names_the_section_in_the_customers_language(shop: Shop) -> None:
    recommend(shop, MUG, SPOON)
    assert re.search(r'aria-labelledby="(.+?)".*id="\1">\s*Goes well with this', render(shop), re.DOTALL)
    assert "Passt gut dazu" in render(shop, locale="de")
    assert "Best friends" in render(shop, heading="Best friends")


def test_pictures_keep_their_place_and_load_late(shop: Shop) -> None:
    recommend(shop, MUG, SPOON)
    (image,) = re.findall(r"<img .*?>", render(shop))
    for wanted in ('width="720"', 'height="720"', 'loading="lazy"', 'alt=""', "srcset=", "sizes="):
        assert wanted in image


def test_a_misspelt_property_is_an_error_here(shop: Shop) -> None:
    mug = shop.products.get(MUG)
    assert mug
    template = EXTENSION.template(Block("x", "{{ product.avaliable }}", {}), "tea", "GBP")
    with pytest.raises(UndefinedError, match="avaliable"):
        template.render(product=ProductDrops(shop).of(mug))


def test_what_breaks_in_a_block_shows_on_the_page_and_nothing_else_breaks(shop: Shop) -> None:
    mug = shop.products.get(MUG)
    assert mug
    markup = render_block(EXTENSION, Block("x", "{{ 1 | shout }}", {}), shop, mug)
    assert markup.startswith('<p class="liquid-error">Liquid error (x): ')
