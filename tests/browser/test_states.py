"""What the pages say when there is no data yet, when it is old, and when something is wrong."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from shopify_app.tables import Backfill
from tests.browser.conftest import Visit

pytestmark = pytest.mark.parametrize("width", [1280])


def test_old_data_hides_quantities_and_says_why(visit: Visit) -> None:
    frame = visit.open("stale", "/forecasts")
    expect(frame.get_by_role("alert")).to_contain_text("No news from Shopify for more than a day")
    cells = frame.locator("s-table-row", has_text="Oak serving board").locator("s-table-cell").all_inner_texts()
    assert [cell.strip() for cell in cells[3:5]] == ["–", "–"]
    assert frame.get_by_text("hidden until fresh data arrives").first.is_visible()


def test_nobody_orders_by_old_data(visit: Visit) -> None:
    frame = visit.open("stale", "/reorder")
    expect(frame.get_by_role("alert")).to_contain_text("No news from Shopify for more than a day")
    assert frame.get_by_role("button", name="Mark as ordered").count() == 0
    assert frame.get_by_role("link", name="Export CSV").count() == 0


def test_a_product_says_what_its_forecast_is_made_of_and_when_to_order_it(visit: Visit) -> None:
    frame = visit.open("with-past", "/forecasts/1005")
    why = frame.locator("s-section", has_text="Its price, 8% above its own past")
    units = [
        float(text.replace("−", "-").replace(",", "")) for text in why.locator("s-table-cell.number").all_inner_texts()
    ]
    assert sum(units[:-1]) == pytest.approx(units[-1], abs=0.2)
    expect(frame.get_by_role("heading", name=f"Why {units[-1]:.1f} units in 28 days")).to_be_visible()
    expect(frame.get_by_text("before an order of today is delivered")).to_be_visible()
    expect(frame.get_by_text("brought in line with the shop’s total, which is forecast by itself")).to_be_visible()
    assert frame.get_by_text("past origins").count() == 0


def test_fresh_data_shows_quantities_with_their_range(visit: Visit) -> None:
    frame = visit.open("with-past", "/forecasts")
    row = frame.locator("s-table-row", has_text="Oak serving board")
    assert row.locator(".span").count() == 2
    assert frame.get_by_role("alert").count() == 0


def test_accuracy_is_told_with_its_span_its_baseline_and_its_orders(visit: Visit) -> None:
    frame = visit.open("with-past")
    tile = frame.locator(".tile", has_text="Accuracy per product and week")
    expect(tile).to_contain_text("last 28 days; repeating the week before")
    expect(tile).to_contain_text("based on 412 orders")


def test_an_open_alarm_is_the_one_banner(visit: Visit) -> None:
    frame = visit.open("in-alarm")
    expect(frame.get_by_role("alert")).to_have_count(1)
    expect(frame.get_by_role("alert")).to_contain_text("version 1 would have been wrong by 42%")
    frame = visit.open("in-alarm", "/alerts")
    expect(frame.get_by_text("acts by itself")).to_be_visible()


def test_reading_the_history_shows_how_far_it_is(visit: Visit) -> None:
    frame = visit.open("reading")
    expect(frame.get_by_text("3,120 orders, up to 15 Nov 2026, of about 5,210")).to_be_visible()
    expect(frame.get_by_role("progressbar")).to_have_attribute("value", "0.599")


def test_a_fresh_shop_is_told_what_happens_first(visit: Visit) -> None:
    for path in ("", "/forecasts", "/models"):
        frame = visit.open("empty", path)
        expect(frame.get_by_text("Read your orders and products")).to_be_visible()
    expect(visit.open("empty", "/alerts").get_by_text("No alert so far")).to_be_visible()


def test_the_setup_goes_on_before_the_merchants_eyes(visit: Visit) -> None:
    frame = visit.open("reading")
    with visit.stage.database.transaction() as db:
        shop = visit.stage.shop(db, "reading")
        db.execute(update(Backfill).where(Backfill.shop_id == shop.id).values(orders_read=4321))
    expect(frame.get_by_text("4,321 orders")).to_be_visible(timeout=10_000)
    with visit.stage.database.transaction() as db:
        db.execute(update(Backfill).where(Backfill.orders_read == 4321).values(orders_read=3120))
    assert visit.complaints == []
