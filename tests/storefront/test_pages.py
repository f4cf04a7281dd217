"""The storefront's pages, as a customer without scripts walks through them."""

import re

import pytest
from flask.testing import FlaskClient

from devstore.shop import Shop
from tests.storefront.tea_shop import GONE, MUG, SPOON, recommend


def read(customer: FlaskClient, path: str, status: int = 200) -> str:
    answer = customer.get(f"/s/tea{path}")
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def put(customer: FlaskClient, **form: str) -> tuple[int, str]:
    answer = customer.post("/s/tea/cart/add", data=form, follow_redirects=True)
    return answer.status_code, answer.get_data(as_text=True)


def test_the_home_page_shows_best_sellers_first(customer: FlaskClient) -> None:
    page = read(customer, "/")
    assert re.findall(r'tile-title">(.*?)<', page)[:2] == ["Spoon", "Mug"]
    assert "Sold out" in page
    assert "Business day Monday 2 March 2026" in page


def test_a_type_and_a_search_narrow_the_list(customer: FlaskClient) -> None:
    assert re.findall(r'tile-title">(.*?)<', read(customer, "/?type=Trays")) == ["Tray"]
    assert re.findall(r'tile-title">(.*?)<', read(customer, "/?q=sugar+bowl")) == ["Sugar Bowl"]
    assert "Nothing here fits" in read(customer, "/?q=<script>")
    assert "<script>" not in read(customer, "/?q=<script>")


def test_each_page_holds_its_block_with_the_styles_in_it_and_asks_for_nothing_more(
    customer: FlaskClient, shop: Shop
) -> None:
    recommend(shop, MUG, SPOON)
    recommend(shop, None, SPOON)
    put(customer, id=str(MUG + 100))
    for path, place in (("/products/mug", "product"), ("/", "home"), ("/cart", "cart")):
        page = read(customer, path)
        assert re.findall(r'\n  data-place="(\w+)"', page) == [place]
        assert page.count("<style>") == 1
        assert re.findall(r'<link rel="stylesheet" href="(.*?)"', page) == ["/_theme/theme.css"]
        assert "Liquid error" not in page
    assert "Passt gut dazu" in read(customer, "/products/mug?locale=de")


def test_a_product_page_without_recommendations_has_no_empty_section(customer: FlaskClient, shop: Shop) -> None:
    page = re.sub(r"<template.*?</template>", "", read(customer, "/products/mug"), flags=re.DOTALL)
    assert "foretally-recs" not in page


def test_adding_from_the_block_returns_to_the_page_and_nowhere_else(customer: FlaskClient, shop: Shop) -> None:
    def goes_to(return_to: str) -> str:
        answer = customer.post("/s/tea/cart/add", data={"id": str(SPOON + 100), "return_to": return_to})
        return answer.headers["Location"]

    assert goes_to("/s/tea/products/mug") == "/s/tea/products/mug"
    for elsewhere in ("", "https://evil.example", "//evil.example", "/s/other/", "/s/tea/\\evil", "back"):
        assert goes_to(elsewhere) == "/s/tea/cart"


def test_scripts_add_and_read_the_cart(customer: FlaskClient, shop: Shop) -> None:
    added = customer.post("/s/tea/cart/add.js", data={"id": str(SPOON + 100), "properties[_recommended]": str(MUG)})
    assert [(one["title"], one["properties"]) for one in added.get_json()["items"]] == [
        ("Spoon", {"_recommended": "1"})
    ]
    customer.post("/s/tea/cart/add.js", json={"items": [{"id": MUG + 100, "quantity": 2}]})
    cart = customer.get("/s/tea/cart.js").get_json()
    assert [(one["product_id"], one["quantity"]) for one in cart["items"]] == [(MUG, 2), (SPOON, 1)]
    assert (cart["item_count"], cart["total_price"], cart["currency"]) == (3, 4450, "GBP")
    refused = customer.post("/s/tea/cart/add.js", json={"id": GONE + 100})
    assert (refused.status_code, refused.get_json()["description"]) == (422, "Sugar Bowl is sold out.")
    assert customer.post("/s/tea/cart/add.js", json={"items": 7}).get_json()["items"][0]["product_id"] == MUG


def test_a_sold_out_product_cannot_be_bought(customer: FlaskClient) -> None:
    page = read(customer, "/products/sugar-bowl")
    assert re.search(r"<button[^>]*disabled[^>]*>Sold out", page)
    status, cart = put(customer, id=str(GONE + 100))
    assert status == 422
    assert "Sugar Bowl is sold out." in cart


def test_adding_from_the_block_fills_the_cart(customer: FlaskClient, shop: Shop) -> None:
    recommend(shop, MUG, SPOON)
    page = read(customer, "/products/mug")
    form = re.search(r'<form class="foretally-recs__form".*?</form>', page, re.DOTALL)
    assert form
    assert 'action="/s/tea/cart/add"' in form[0]
    fields = dict(re.findall(r'name="(.*?)" value="(.*?)"', form[0]))
    assert fields.pop("return_to") == "/s/tea/products/mug"
    assert fields == {"id": str(SPOON + 100), "quantity": "1", "properties[_recommended]": str(MUG)}
    put(customer, **fields)
    status, cart = put(customer, **fields)
    assert status == 200
    assert "£9.00" in cart
    assert re.search(r'count">2<', cart)


def test_a_line_can_be_changed_and_removed(customer: FlaskClient) -> None:
    put(customer, id=str(SPOON + 100), quantity="3")
    more = customer.post("/s/tea/cart/change", data={"product": str(SPOON), "quantity": "5"}, follow_redirects=True)
    assert "£22.50" in more.get_data(as_text=True)
    none = customer.post("/s/tea/cart/change", data={"product": str(SPOON), "quantity": "0"}, follow_redirects=True)
    assert "Nothing in it yet" in none.get_data(as_text=True)


@pytest.mark.parametrize("scribble", ["{", "7", '[["x",1,null]]', "[[1,-5,null],[99,1,null],[1]]", "null"])
def test_a_scribbled_cart_is_an_empty_cart(customer: FlaskClient, scribble: str) -> None:
    customer.set_cookie("cart", scribble, path="/s/tea")
    assert "Nothing in it yet" in read(customer, "/cart")


@pytest.mark.parametrize("number", ["", "-1", "9" * 40, "abc", "٣"])
def test_a_form_that_names_no_product_is_told_so(customer: FlaskClient, number: str) -> None:
    status, cart = put(customer, id=number)
    assert status == 422
    assert "not here any more" in cart


def test_the_native_recommendations_are_popular_ones_of_the_same_type(customer: FlaskClient) -> None:
    answer = customer.get(f"/s/tea/recommendations/products.json?product_id={MUG}&limit=2").get_json()
    assert answer["intent"] == "related"
    assert [one["title"] for one in answer["products"]] == ["Spoon", "Teapot"]
    assert answer["products"][0]["price"] == 450
    assert customer.get(f"/s/tea/recommendations/products.json?product_id={MUG}&intent=complementary").get_json() == {
        "intent": "complementary",
        "products": [],
    }
    assert customer.get("/s/tea/recommendations/products.json?product_id=99").status_code == 404


def test_every_product_has_a_picture(customer: FlaskClient) -> None:
    answer = customer.get("/s/tea/media/teapot.svg?width=180")
    assert answer.mimetype == "image/svg+xml"
    assert answer.get_data(as_text=True).startswith("<svg")


@pytest.mark.parametrize(
    "path",
    [
        "/s/nobody/",
        "/s/tea/products/nothing",
        "/s/tea/media/nothing.svg",
        "/s/tea/extensions/recommendations/assets/..%2fshopify.extension.toml",
        "/s/tea/extensions/accuracy-alert/assets/shopify.extension.toml",
        "/s/tea/extensions/nothing/assets/x.css",
        "/s/tea/web-pixel/nothing.js",
        "/s/tea/web-pixel/..",
    ],
)
def test_what_is_not_there_is_said_to_be_missing(customer: FlaskClient, path: str) -> None:
    assert customer.get(path).status_code == 404
