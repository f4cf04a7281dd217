"""Shopify's scripts do not arrive: the pages can still be read, and with App Bridge alone still be used."""

import pytest
from playwright.sync_api import FrameLocator, expect

from tests.browser.conftest import Stage, Visit
from tests.browser.test_pages_in_the_admin import overflows, trouble


@pytest.fixture
def cut(visit: Visit) -> Visit:
    """A tab on which the component library never arrives."""
    visit.page.route("**/cdn/polaris-1.js", lambda route: route.abort())
    return visit


def framed(visit: Visit, path: str) -> FrameLocator:
    visit.page.goto(visit.stage.address("with-past", path))
    frame = visit.page.frame_locator("#frame")
    frame.locator("s-page[data-plain]").wait_for()
    return frame


@pytest.mark.parametrize(("width", "path"), [(1280, ""), (390, "/forecasts"), (390, "/reorder"), (1280, "/settings")])
def test_a_page_without_components_is_readable_and_accessible(cut: Visit, axe: str, path: str) -> None:
    framed(cut, path)
    frame = next(frame for frame in cut.page.frames if frame.url.startswith(cut.stage.app_url))
    assert not overflows(frame)
    assert trouble(frame, axe) == []


@pytest.mark.parametrize("width", [1280])
def test_links_and_forms_work_without_components(cut: Visit) -> None:
    frame = framed(cut, "/forecasts")
    frame.get_by_label("Find a product").fill("candle")
    frame.get_by_role("button", name="Find").click()
    frame.get_by_text("2 products with").wait_for()
    frame.get_by_role("link", name="Beeswax candle").click()
    expect(frame.get_by_role("heading", name="Beeswax candle", level=1)).to_be_visible()


@pytest.mark.parametrize("width", [1280])
def test_a_page_without_any_of_shopifys_scripts_still_shows_its_numbers(visit: Visit, stage: Stage) -> None:
    page = visit.page
    page.route("**/cdn/**", lambda route: route.abort())
    token = stage.store.shop("with-past").mint_id_token()
    page.goto(f"{stage.app_url}/?shop=with-past.myshopify.com&id_token={token}")
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    expect(page.get_by_text("Expected in the next 7 days")).to_be_visible()
    expect(page.get_by_role("link", name="Forecasts")).to_be_visible()
