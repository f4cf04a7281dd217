"""The blocks in a real browser: adding without leaving, a cart in order, what is missing, and nothing that moves."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request
from werkzeug.serving import make_server
from werkzeug.wrappers import Request as Asked
from werkzeug.wrappers import Response

from devstore.config import AppConfig, ShopConfig
from devstore.gid import gid
from devstore.server import DevStore
from tests.storefront.tea_shop import EVIL, MUG, ROOT, SPOON, TEAPOT, TRAY, TeaShop, recommend

SHIFTS = """
  window.moved = 0;
  window.published = [];
  window.Shopify = {
    analytics: { publish: (name, data) => window.published.push([name, data]) },
    loadFeatures: (_, ready) => setTimeout(ready, 20),
    customerPrivacy: { analyticsProcessingAllowed: () => document.cookie.includes('allowed=yes') },
  };
  new PerformanceObserver((list) => list.getEntries().forEach((one) => { window.moved += one.value; }))
    .observe({ type: 'layout-shift', buffered: true });
"""


class Answering:
    """An app that answers carts as told; None is an app that fails."""

    def __init__(self) -> None:
        self.best: list[int] | None = []
        self.asked: list[str] = []
        self.told: list[dict[str, Any]] = []

    @Asked.application
    def __call__(self, request: Asked) -> Response:
        if request.path == "/pixel/events":
            self.told.append(json.loads(request.get_data()))
            return Response(status=204, headers={"Access-Control-Allow-Origin": "*"})
        self.asked.append(request.args.get("product_ids", ""))
        if self.best is None:
            return Response("broken", 500)
        return Response(json.dumps({"product_ids": self.best, "version": 1}), mimetype="application/json")


@pytest.fixture(scope="module")
def app() -> Iterator[tuple[Answering, str]]:
    answering = Answering()
    server = make_server("127.0.0.1", 0, answering, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield answering, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def shopfront(app: tuple[Answering, str]) -> Iterator[tuple[DevStore, str]]:
    config = AppConfig("foretally", "secret", app[1], ROOT / "shopify.app.toml", embeds=("script", "test"))
    running = DevStore([ShopConfig("tea", TeaShop())], config)
    running.shop("tea").install()
    yield running, running.start() + "/s/tea"
    running.stop()


class Shopper:
    """A customer with a browser, and what it asked for."""

    def __init__(self, page: Page, root: str, store: DevStore, app: Answering) -> None:
        self.page, self.root, self.store, self.app = page, root, store, app
        self.shop = store.shop("tea")
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, request: Request) -> None:
        self.asked.append(request.url.removeprefix(self.root))

    def open(self, path: str) -> None:
        self.asked.clear()
        self.page.goto(self.root + path, wait_until="networkidle")

    def titles(self) -> list[str]:
        return self.page.locator(".foretally-recs li:not([hidden]) .foretally-recs__title").all_inner_texts()

    def moved(self) -> float:
        found: float = self.page.evaluate("window.moved")
        return found

    def published(self) -> list[Any]:
        found: list[Any] = self.page.evaluate("window.published")
        return found


@pytest.fixture
def shopper(
    browser: Browser, width: int, shopfront: tuple[DevStore, str], app: tuple[Answering, str]
) -> Iterator[Shopper]:
    store, root = shopfront
    tea, answering = store.shop("tea"), app[0]
    tea.metafields.delete(gid("Shop", tea.shop_id), "$app", "test")
    for owner in [*(gid("Product", number) for number in range(1, 7)), gid("Shop", tea.shop_id)]:
        tea.metafields.delete(owner, "$app", "recommendations")
    answering.best = []
    answering.asked.clear()
    answering.told.clear()
    tea.pixels.clear()
    context = browser.new_context(viewport={"width": width, "height": 800})
    context.add_init_script(SHIFTS)
    yield Shopper(context.new_page(), root, store, answering)
    context.close()


def test_the_block_adds_no_request_but_its_pictures_and_moves_nothing(shopper: Shopper) -> None:
    shopper.open("/products/mug")
    without = set(shopper.asked)
    recommend(shopper.shop, MUG, SPOON, TEAPOT, TRAY, EVIL)
    shopper.open("/products/mug")
    shopper.page.locator(".foretally-recs").scroll_into_view_if_needed()
    shopper.page.wait_for_load_state("networkidle")
    added = {one.partition("?")[0] for one in set(shopper.asked) - without}
    assert added == {f"/media/{one}.svg" for one in ("spoon", "teapot", "tray", "product-5")}
    assert shopper.moved() <= 0.01
    assert shopper.app.asked == shopper.complaints == []


def test_a_product_is_added_without_leaving_the_page(shopper: Shopper) -> None:
    recommend(shopper.shop, MUG, SPOON)
    shopper.open("/products/mug")
    button = shopper.page.locator(".foretally-recs__button")
    button.focus()
    shopper.page.keyboard.press("Enter")
    shopper.page.get_by_text("Added to cart").wait_for()
    assert shopper.page.url == f"{shopper.root}/products/mug"
    assert shopper.page.evaluate("document.activeElement.className") == "foretally-recs__button"
    (line,) = shopper.page.evaluate("fetch('/s/tea/cart.js').then((answer) => answer.json())")["items"]
    assert (line["product_id"], line["properties"]) == (SPOON, {"_recommended": str(MUG)})


def test_without_scripts_a_product_is_added_too(
    browser: Browser, shopper: Shopper, shopfront: tuple[DevStore, str]
) -> None:
    recommend(shopper.shop, MUG, SPOON)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shopper.root}/products/mug")
    page.locator(".foretally-recs__button").click()
    assert page.url == f"{shopper.root}/products/mug"
    assert page.locator(".cart-link .count").inner_text().startswith("1")
    context.close()


def test_the_whole_cart_orders_the_carts_list_and_nothing_moves(shopper: Shopper) -> None:
    recommend(shopper.shop, MUG, SPOON, TEAPOT, TRAY, EVIL)
    fill(shopper, MUG)
    shopper.app.best = [EVIL, TRAY, 4711]
    shopper.open("/cart")
    assert shopper.titles()[:2] == ['<b onclick="x">& Cup', "Tray"]
    assert set(shopper.titles()) == {"Spoon", "Teapot", "Tray", '<b onclick="x">& Cup'}
    assert shopper.app.asked == ["1"]
    assert shopper.moved() <= 0.01


@pytest.mark.parametrize("best", [None, []])
def test_a_cart_without_an_answer_keeps_the_order_it_had(shopper: Shopper, best: list[int] | None) -> None:
    recommend(shopper.shop, MUG, SPOON, TEAPOT)
    fill(shopper, MUG)
    shopper.app.best = best
    shopper.open("/cart")
    assert shopper.titles() == ["Spoon", "Teapot"]
    assert shopper.complaints == []


def test_adding_in_the_cart_shows_the_new_line(shopper: Shopper) -> None:
    recommend(shopper.shop, MUG, SPOON, TEAPOT)
    fill(shopper, MUG)
    shopper.open("/cart")
    shopper.page.locator(".foretally-recs__button").first.click()
    shopper.page.locator(".cart-name", has_text="Spoon").wait_for()
    assert shopper.titles() == ["Teapot"]


def test_where_there_is_no_list_shopifys_own_recommendations_show(shopper: Shopper) -> None:
    shopper.open("/products/mug")
    assert shopper.titles() == ["Spoon", "Teapot", '<b onclick="x">& Cup']
    price = shopper.page.locator(".foretally-recs__price").first
    assert price.inner_text() == "£4.50"
    assert shopper.page.locator(".foretally-recs__link").first.get_attribute("href") == "/s/tea/products/spoon"
    assert shopper.complaints == []
    assert shopper.moved() <= 0.01


def test_what_is_seen_and_chosen_is_published_with_ids_only(shopper: Shopper) -> None:
    recommend(shopper.shop, MUG, SPOON)
    shopper.open("/products/mug")
    assert shopper.published() == []
    shopper.page.locator(".foretally-recs").scroll_into_view_if_needed()
    shopper.page.wait_for_function("window.published.length === 1")
    shopper.page.evaluate("document.addEventListener('click', (event) => event.preventDefault())")
    shopper.page.locator(".foretally-recs__link").click()
    beside = {"place": "product", "beside": str(MUG)}
    assert shopper.published() == [
        ["foretally_shown", beside],
        ["foretally_clicked", {**beside, "product": str(SPOON)}],
    ]


def test_the_blocks_are_accessible(shopper: Shopper, axe: str) -> None:
    recommend(shopper.shop, MUG, SPOON, TEAPOT)
    recommend(shopper.shop, None, SPOON, TEAPOT)
    fill(shopper, MUG)
    for path in ("/products/mug", "/", "/cart"):
        shopper.open(path)
        shopper.page.evaluate(axe)
        found = shopper.page.evaluate("axe.run('.foretally-recs').then((one) => one.violations)")
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def fill(shopper: Shopper, *product_ids: int) -> None:
    """Put one of each into the cart."""
    for number in product_ids:
        shopper.page.request.post(f"{shopper.root}/cart/add.js", form={"id": str(number + 100)})


def run_test(shopper: Shopper, number: int) -> None:
    """Let the theme know of a test, as the app does."""
    owner = gid("Shop", shopper.shop.shop_id)
    write = {"ownerId": owner, "namespace": "$app", "key": "test", "type": "number_integer", "value": str(number)}
    shopper.shop.metafields.set([write], {owner})


def consent(shopper: Shopper, answer: str = "yes") -> None:
    shopper.page.context.add_cookies([{"name": "allowed", "value": answer, "url": shopper.root}])


def kept(shopper: Shopper) -> Any:
    shopper.page.wait_for_timeout(100)
    return shopper.page.evaluate("JSON.parse(localStorage.getItem('foretally_test'))")


def is_seen(shopper: Shopper) -> bool:
    return shopper.page.locator(".foretally-recs").is_visible()


def test_a_visitor_s_group_is_drawn_once_and_holds_from_the_next_page_on(shopper: Shopper) -> None:
    recommend(shopper.shop, MUG, SPOON)
    run_test(shopper, 3)
    consent(shopper)
    shopper.open("/products/mug")
    drawn = kept(shopper)
    assert (drawn["test"], drawn["arm"] in "ab", is_seen(shopper)) == (3, True, True)
    assert "foretally_met" not in str(shopper.published())
    for _ in range(2):
        shopper.open("/products/mug")
        assert kept(shopper) == {**drawn, "met": True}
        assert is_seen(shopper) == (drawn["arm"] == "a")
        assert ["foretally_met", {**drawn, "beside": str(MUG)}] in shopper.published()
        assert shopper.moved() <= 0.01


@pytest.mark.parametrize("arm", ["a", "b"])
def test_one_group_sees_lists_and_the_other_does_not(shopper: Shopper, arm: str) -> None:
    recommend(shopper.shop, MUG, SPOON)
    run_test(shopper, 4)
    consent(shopper)
    shopper.open("/products/mug")
    shopper.page.evaluate(f'localStorage.setItem(\'foretally_test\', \'{{"test": 4, "arm": "{arm}"}}\')')
    shopper.open("/products/mug")
    assert is_seen(shopper) == (arm == "a")
    assert shopper.moved() <= 0.01
    run_test(shopper, 0)
    shopper.open("/products/mug")
    assert is_seen(shopper)


def noted(shopper: Shopper) -> list[list[str]]:
    """What each form that adds to the cart says of a test, after it was sent."""
    return shopper.page.evaluate(  # type: ignore[no-any-return]
        """() => [...document.querySelectorAll('form[action*="/cart/add"]')].map((form) => {
          form.addEventListener('submit', (event) => event.preventDefault());
          form.requestSubmit();
          return new FormData(form).getAll('properties[_foretally_test]');
        })"""
    )


@pytest.mark.parametrize("arm", ["a", "b"])
def test_what_goes_into_the_cart_after_a_list_was_met_carries_the_test_and_the_group(
    shopper: Shopper, arm: str
) -> None:
    recommend(shopper.shop, MUG, SPOON)
    run_test(shopper, 4)
    consent(shopper)
    shopper.open("/products/mug")
    assert kept(shopper)["test"] == 4
    assert all(one == [] for one in noted(shopper))
    shopper.page.evaluate(f'localStorage.setItem(\'foretally_test\', \'{{"test": 4, "arm": "{arm}"}}\')')
    for page in ("/products/mug", "/products/teapot"):
        shopper.open(page)
        kept(shopper)
        found = noted(shopper)
        assert found
        assert all(one == [f"4{arm}"] for one in found)
    consent(shopper, "no")
    shopper.open("/products/mug")
    kept(shopper)
    assert all(one == [] for one in noted(shopper))


def test_without_consent_nobody_takes_part_and_nothing_is_stored(shopper: Shopper) -> None:
    recommend(shopper.shop, MUG, SPOON)
    run_test(shopper, 5)
    shopper.open("/products/mug")
    assert (kept(shopper), is_seen(shopper)) == (None, True)
    consent(shopper)
    shopper.open("/products/mug")
    assert kept(shopper)["test"] == 5
    consent(shopper, "no")
    shopper.open("/products/mug")
    assert kept(shopper) is None
    assert "foretally_met" not in str(shopper.published())


@pytest.fixture
def plain(browser: Browser, shopper: Shopper, app: tuple[Answering, str]) -> Iterator[Shopper]:
    """A customer of a shop whose pixel is on, with the storefront's own stand-ins for Shopify's scripts."""
    shopper.shop.pixels.create(
        json.dumps({"address": f"{app[1]}/pixel/events", "shop": shopper.shop.domain, "key": "k1"})
    )
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield Shopper(context.new_page(), shopper.root, shopper.store, shopper.app)
    context.close()


def happened(shopper: Shopper, count: int) -> list[dict[str, Any]]:
    """What the app was told, once that is `count` events."""
    for _ in range(50):
        if len(shopper.app.told) >= count:
            break
        shopper.page.wait_for_timeout(100)
    who = ("shop", "key", "event", "browser")
    return [{name: value for name, value in one.items() if name not in who} for one in shopper.app.told]


def test_the_pixel_tells_the_app_what_was_looked_at(plain: Shopper) -> None:
    recommend(plain.shop, MUG, SPOON)
    plain.open("/products/mug")
    plain.page.locator(".foretally-recs").scroll_into_view_if_needed()
    happened(plain, 2)
    plain.page.locator(".foretally-recs__link").click()
    assert happened(plain, 4) == [
        {"kind": "viewed", "product": MUG},
        {"kind": "shown", "beside": MUG},
        {"kind": "clicked", "product": SPOON, "beside": MUG},
        {"kind": "viewed", "product": SPOON},
    ]
    assert {one["shop"] for one in plain.app.told} == {"tea.myshopify.com"}
    assert len({one["browser"] for one in plain.app.told}) == 1
    assert len({one["event"] for one in plain.app.told}) == 4
    assert plain.complaints == []


def test_the_pixel_tells_nothing_of_a_customer_who_says_no(plain: Shopper) -> None:
    recommend(plain.shop, MUG, SPOON)
    plain.page.context.add_cookies([{"name": "devstore_consent", "value": "no", "url": plain.root}])
    plain.open("/products/mug")
    plain.page.locator(".foretally-recs").scroll_into_view_if_needed()
    plain.page.wait_for_timeout(500)
    assert plain.app.told == []
    assert plain.page.evaluate("localStorage.length") == 0
