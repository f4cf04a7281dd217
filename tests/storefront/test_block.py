"""The recommendations block as a theme renders it: what shows, what does not, and nothing unescaped."""

import re
from html import unescape

import pytest
from liquid.exceptions import UndefinedError
from markupsafe import Markup

from devstore.shop import Shop
from devstore.storefront import app_blocks
from devstore.storefront.app_blocks import Page, render_block
from devstore.storefront.cart import Cart, CartLine
from devstore.storefront.drops import Drops
from devstore.storefront.theme_extension import Block, ThemeExtension
from tests.storefront.tea_shop import EVIL, GONE, MUG, ROOT, SPOON, TEAPOT, TRAY, recommend

EXTENSION = ThemeExtension.read(ROOT / "extensions" / "recommendations")
SHOWN = {"show_vendor": False, "show_price": True, "show_add_to_cart": False}
BLOCKS = {block.name: block for block in EXTENSION.blocks}


def render(shop: Shop, viewed: int = MUG, locale: str = "en", **settings: object) -> Markup:
    page = Page("product", "/s/tea/products/mug", shop.products.get(viewed), locale=locale)
    return render_block(EXTENSION, BLOCKS["recommendations"], shop, page, settings)


def on_home(shop: Shop, locale: str = "en", **settings: object) -> Markup:
    return render_block(EXTENSION, BLOCKS["home"], shop, Page("index", locale=locale), settings)


def on_cart(shop: Shop, *product_ids: int, locale: str = "en", **settings: object) -> Markup:
    lines = [CartLine(found, 1) for number in product_ids if (found := shop.products.get(number))]
    page = Page("cart", "/s/tea/cart", cart=Cart(tuple(lines)), locale=locale)
    return render_block(EXTENSION, BLOCKS["cart"], shop, page, settings)


def visible(markup: str) -> list[str]:
    """Titles of the cards that are not spare."""
    cards = re.findall(r"<li (.*?)</li>", markup, re.DOTALL)
    return [titles(card)[0] for card in cards if not card.split(">")[0].endswith("hidden")]


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


def test_a_product_without_a_list_shows_the_shops(shop: Shop) -> None:
    recommend(shop, None, TRAY, MUG, SPOON)
    assert titles(render(shop)) == ["Tray", "Spoon"]
    recommend(shop, MUG, TEAPOT)
    assert titles(render(shop)) == ["Teapot"]


@pytest.mark.parametrize("published", [None, ()])
def test_without_any_list_nobody_sees_anything(shop: Shop, published: tuple[int, ...] | None) -> None:
    if published is not None:
        recommend(shop, MUG, *published)
    markup = render(shop).strip()
    assert re.fullmatch(r"<template\b.*</template>", markup, re.DOTALL)
    assert markup.count("<template") == 1
    assert "/s/tea/recommendations/products.json?product_id=1&limit=4&intent=related" in markup
    assert "Liquid error" not in markup
    assert on_home(shop).strip() == on_cart(shop, MUG).strip() == on_cart(shop).strip() == ""


def test_sold_out_vanished_and_viewed_products_do_not_show(shop: Shop) -> None:
    recommend(shop, MUG, GONE, MUG, 4711, TRAY)
    assert titles(render(shop)) == ["Tray"]


def test_a_list_of_nothing_to_sell_shows_nothing(shop: Shop) -> None:
    recommend(shop, MUG, GONE, MUG, 4711)
    assert titles(render(shop).partition("<template")[0]) == []
    recommend(shop, None, GONE, 4711)
    assert on_home(shop).strip() == ""


def test_titles_and_headings_are_escaped(shop: Shop) -> None:
    recommend(shop, MUG, EVIL)
    markup = render(shop, heading="<i>Ours</i>", show_vendor=True)
    assert "<b onclick" not in markup
    assert "<i>" not in markup
    assert unescape(titles(markup)[0]) == '<b onclick="x">& Cup'
    assert "Potter &amp; Sons" in markup


def test_a_price_that_varies_keeps_the_markup_of_the_theme_s_money_format() -> None:
    card = Block("card", "{% render 'foretally-card', item: item, settings: settings, beside: 1, spare: false %}", {})
    price = '<span class="money">&pound;4.50</span>'
    for locale, told in (("en", f"From {price}"), ("de", f"Ab {price}")):
        template = EXTENSION.template(card, "tea", "GBP", locale)
        template.env.add_filter("money", lambda cents: price)
        item = {"id": 6, "url": "/", "title": "Spoons", "price": 450, "price_varies": True, "compare_at_price": 0}
        item |= {"featured_media": None, "has_only_default_variant": False}
        assert told in template.render(item=item, settings={"image_shape": "square", **SHOWN})


def test_an_address_that_somebody_made_up_is_escaped(shop: Shop) -> None:
    recommend(shop, None, SPOON)
    page = Page("404", '/s/tea/"><script>alert(1)</script>')
    markup = render_block(EXTENSION, BLOCKS["home"], shop, page)
    assert titles(markup) == ["Spoon"]
    assert "<script" not in markup
    assert unescape(re.findall(r'name="return_to" value="(.*?)">', markup)[0]) == page.path


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
        template.render(product=Drops(shop).of(mug))


def test_what_breaks_in_a_block_shows_on_the_page_and_nothing_else_breaks(shop: Shop) -> None:
    markup = render_block(EXTENSION, Block("x", "{{ 1 | shout }}", {}), shop, Page("product"))
    assert markup.startswith('<p class="liquid-error">Liquid error (x): ')


def test_the_home_page_shows_the_shops_list(shop: Shop) -> None:
    recommend(shop, None, SPOON, GONE, TEAPOT, 4711)
    markup = on_home(shop)
    assert titles(markup) == ["Spoon", "Teapot"]
    assert "Popular just now" in markup
    assert "Gerade beliebt" in on_home(shop, locale="de")
    assert "Liquid error" not in markup


def test_a_cart_takes_from_each_list_in_turn_and_leaves_out_what_it_holds(shop: Shop) -> None:
    recommend(shop, MUG, SPOON, TEAPOT, GONE)
    recommend(shop, TRAY, MUG, EVIL, SPOON)
    markup = on_cart(shop, MUG, TRAY)
    assert [unescape(title) for title in titles(markup)] == ["Spoon", '<b onclick="x">& Cup', "Teapot"]
    assert "Goes well with your cart" in markup
    assert "Passt gut zu deinem Warenkorb" in on_cart(shop, MUG, locale="de")
    assert re.findall(r'_recommended\]" value="(.*?)"', markup) == [str(MUG), str(TRAY), str(MUG)]
    assert "Liquid error" not in markup


def test_a_cart_keeps_spares_out_of_sight(shop: Shop) -> None:
    recommend(shop, MUG, SPOON, TEAPOT, TRAY, EVIL)
    markup = on_cart(shop, MUG, max_items=2)
    assert len(titles(markup)) == 4
    assert visible(markup) == ["Spoon", "Teapot"]


def test_an_empty_cart_shows_the_shops_list_under_a_heading_that_fits(shop: Shop) -> None:
    recommend(shop, None, SPOON, TEAPOT)
    assert titles(on_cart(shop)) == ["Spoon", "Teapot"]
    assert "Popular just now" in on_cart(shop)
    assert titles(on_cart(shop, SPOON)) == ["Teapot"]
    assert "Goes well with your cart" in on_cart(shop, SPOON)


@pytest.mark.parametrize("locale", ["en", "de", "fr", "es"])
def test_every_block_speaks_the_customers_language(shop: Shop, locale: str) -> None:
    recommend(shop, None, SPOON)
    recommend(shop, MUG, TEAPOT)
    for markup in (render(shop, locale=locale), on_home(shop, locale), on_cart(shop, MUG, locale=locale)):
        assert "Translation missing" not in markup
        assert "£" in markup


def test_a_form_adds_without_a_script_and_comes_back(shop: Shop) -> None:
    recommend(shop, MUG, SPOON)
    assert 'name="return_to" value="/s/tea/products/mug"' in render(shop)


def test_the_embed_brings_a_script_and_only_when_asked_a_list(shop: Shop) -> None:
    recommend(shop, MUG, SPOON)
    page = Page("product", "/s/tea/products/mug", shop.products.get(MUG))
    alone = render_block(EXTENSION, BLOCKS["script"], shop, page)
    assert 'src="/s/tea/extensions/recommendations/assets/recommendations.js"' in alone
    assert titles(alone) == []
    assert titles(render_block(EXTENSION, BLOCKS["script"], shop, page, {"show_at_end": True})) == ["Spoon"]
    on_cart_page = Page("cart", "/s/tea/cart", cart=Cart((CartLine(shop.products.all()[0], 1),)))
    told = render_block(EXTENSION, BLOCKS["script"], shop, on_cart_page, {"show_at_end": True})
    assert 'data-cart="1"' in told
    assert 'data-ask="/s/tea/apps/foretally/recommendations"' in told
    assert "Liquid error" not in alone + told


@pytest.mark.parametrize("root", ["/", "/de", "/de/"])
@pytest.mark.parametrize("path", ["apps/shop", "/apps/shop", "/apps/shop/", "//apps/shop//"])
def test_the_script_asks_the_shop_itself_however_the_path_is_written(root: str, path: str) -> None:
    template = EXTENSION.template(BLOCKS["script"], "tea", "GBP")
    given = {"settings": {"show_at_end": False, "whole_cart": True, "proxy_path": path}}
    routes = {"root_url": root, "cart_add_url": "/cart/add"}
    told = template.render(
        block=given, routes=routes, product={"id": 1}, cart={"items": []}, request={"page_type": "cart"}
    )
    assert re.findall(r'data-ask="(.*?)"', told) == [f"{root.rstrip('/')}/apps/shop/recommendations"]


def test_blocks_stand_where_they_may_and_an_app_that_is_gone_leaves_nothing(shop: Shop) -> None:
    recommend(shop, None, SPOON)
    recommend(shop, MUG, TEAPOT)
    product = Page("product", "/s/tea/products/mug", shop.products.get(MUG))
    pages = [product, Page("index"), Page("cart")]
    shown = [app_blocks.render([EXTENSION], shop, page) for page in pages]
    assert [re.findall(r'\n  data-place="(.*?)"', one.markup) for one in shown] == [["product"], ["home"], ["cart"]]
    assert [one.body for one in shown] == ["", "", ""]
    assert "<script" in app_blocks.render([EXTENSION], shop, product, ["script"]).body
    shop.uninstall()
    try:
        gone = [app_blocks.render([EXTENSION], shop, page, ["script"]) for page in pages]
        assert [(one.markup, one.head, one.body, one.stylesheets) for one in gone] == [("", "", "", ())] * 3
    finally:
        shop.install()
