"""Every page as merchants see it: in the admin's frame, wide and on a phone."""

from typing import Any

import pytest
from playwright.sync_api import Frame

from shopify_app.tables import Product
from tests.browser.conftest import Stage, Visit

PAGES = (
    "",
    "/forecasts",
    "/forecasts?by=type",
    "/forecasts?by=collection",
    "/forecasts?collection=7002",
    "/forecasts/1003",
    "/forecasts/1007",
    "/promotions?product=1007",
    "/reorder",
    "/recommendations",
    "/models",
    "/models/forecast/2",
    "/models/recommend/4",
    "/alerts",
    "/settings",
    "/settings/vendors",
    "/settings/vendor?name=Kiln+%26+Co",
)
PHONE, PHONE_CHECKED = 390, ("", "/forecasts", "/reorder")
"""On a phone the markup is the same, so three pages stand for all where only the browser's time is spent."""
LONG = "Oak board for the Donaudampfschifffahrtsgesellschaftskapitänsmützenhalter, " + "set of twelve, " * 9


def trouble(frame: Frame, axe: str) -> list[str]:
    """What axe finds, with the first element each."""
    frame.evaluate(axe)
    found: dict[str, Any] = frame.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]


def overflows(frame: Frame) -> bool:
    """Whether the page has to be moved sideways."""
    return bool(frame.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_quiet_and_accessible(visit: Visit, axe: str, path: str, width: int) -> None:
    frame = visit.open("with-past", path)
    assert not overflows(frame)
    assert (width == PHONE and path not in PHONE_CHECKED) or trouble(frame, axe) == []
    assert visit.complaints == []


@pytest.mark.parametrize(
    ("handle", "path"),
    [
        ("stale", "/forecasts"),
        ("stale", "/reorder"),
        ("in-alarm", ""),
        ("in-alarm", "/alerts"),
        ("reading", ""),
        ("reading", "/models"),
        ("empty", "/recommendations"),
    ],
)
def test_a_page_of_a_shop_in_another_state_is_whole_too(
    visit: Visit, axe: str, handle: str, path: str, width: int
) -> None:
    frame = visit.open(handle, path)
    assert not overflows(frame)
    assert width == PHONE or trouble(frame, axe) == []
    assert visit.complaints == []


def test_the_admin_shows_the_links_of_the_app_and_follows_it(visit: Visit, stage: Stage, width: int) -> None:
    visit.open("with-past")
    if width < 800:
        visit.page.get_by_role("button", name="Menu").click()
    visit.page.get_by_role("link", name="Models").click()
    visit.page.frame_locator("#frame").get_by_role("heading", name="Models", level=1).wait_for()
    assert visit.page.url == stage.address("with-past", "/models")
    assert visit.complaints == []


def test_a_link_in_a_page_loads_the_next_one_with_a_fresh_token(visit: Visit, stage: Stage) -> None:
    frame = visit.open("with-past", "/forecasts")
    frame.get_by_role("link", name="Oak serving board").click()
    heading = visit.page.frame_locator("#frame").get_by_role("heading", name="Oak serving board", level=1)
    heading.wait_for()
    assert visit.page.url == stage.address("with-past", "/forecasts/1002")
    assert "id_token" not in visit.frame().url


def test_a_page_reloaded_without_a_token_comes_back_through_app_bridge(visit: Visit) -> None:
    frame = visit.open("with-past", "/alerts")
    frame.evaluate("location.reload()")
    visit.page.wait_for_timeout(300)
    frame = visit.frame()
    assert frame.get_by_role("heading", name="Alerts", level=1).is_visible()
    assert visit.complaints == []


def test_an_unknown_product_is_said_inside_the_admin(visit: Visit) -> None:
    frame = visit.open("with-past", "/forecasts/999")
    assert frame.get_by_text("Product 999 is not forecast").is_visible()
    assert frame.get_by_role("link", name="Go to the overview").is_visible()


def test_an_unknown_address_stays_inside_the_admin_when_it_is_loaded_again(visit: Visit) -> None:
    frame = visit.open("with-past", "/nowhere")
    for _ in range(2):
        assert frame.get_by_text("There is no such page.").is_visible()
        frame.evaluate("location.reload()")
        visit.page.wait_for_timeout(300)
        frame = visit.frame()
    frame.get_by_role("link", name="Go to the overview").click()
    visit.page.frame_locator("#frame").get_by_role("heading", name="Overview", level=1).wait_for()


def test_a_title_of_many_lines_stays_beside_its_place_and_inside_the_page(
    visit: Visit, stage: Stage, width: int
) -> None:
    with stage.database.transaction() as db:
        shop = stage.shop(db, "acting")
        mine = db.get_one(Product, (shop.id, 1002))
        kept, mine.title = mine.title, LONG
    try:
        for path in ("/forecasts/1002", "/forecasts", "/reorder", "/recommendations?product=1001"):
            frame = visit.open("acting", path)
            assert not overflows(frame), path
        title = frame.locator(".list-title", has_text="Oak board").bounding_box()
        item = frame.locator(".list li", has_text="Oak board").bounding_box()
        assert title is not None
        assert item is not None
        assert title["y"] - item["y"] < 20
        assert title["x"] + title["width"] <= item["x"] + item["width"] + 1
    finally:
        with stage.database.transaction() as db:
            db.get_one(Product, (shop.id, 1002)).title = kept


def test_charts_keep_their_colours_where_readers_have_their_own(visit: Visit) -> None:
    visit.page.emulate_media(forced_colors="active", color_scheme="dark")
    frame = visit.open("with-past", "/forecasts")
    for part in (".keys", ".canvas", ".spark"):
        ground = frame.locator(part).first.evaluate("one => getComputedStyle(one).backgroundColor")
        assert ground == "rgb(255, 255, 255)", part
    key = frame.locator(".key-band").first.evaluate("one => getComputedStyle(one).backgroundColor")
    assert key == "rgb(207, 226, 243)"
