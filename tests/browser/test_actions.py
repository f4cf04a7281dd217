"""What a merchant can do in the pages, and that it is done."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, FrameLocator, expect
from sqlalchemy import select, update

from shopify_app.lifecycle import registry
from shopify_app.policy import Policy
from shopify_app.tables import Job, Slot, Task, WorkState
from tests.browser.conftest import Stage, Visit

pytestmark = pytest.mark.parametrize("width", [1280])
SHOP = "acting"


@pytest.fixture
def app(visit: Visit) -> Callable[[str], FrameLocator]:
    """Open a page of the shop that these tests change."""

    def opened(path: str) -> FrameLocator:
        visit.open(SHOP, path)
        return visit.page.frame_locator("#frame")

    return opened


def in_charge(stage: Stage, task: Task) -> int:
    with stage.database.reading() as db:
        shop = stage.shop(db, SHOP)
        found = registry.by_id(db, shop.id, db.get_one(Slot, (shop.id, task)).champion_id)
        assert found is not None
        return found.number


def policy(stage: Stage) -> Policy:
    with stage.database.reading() as db:
        return Policy.of(stage.shop(db, SHOP).settings)


def causes(stage: Stage, kind: str) -> list[str]:
    with stage.database.reading() as db:
        shop = stage.shop(db, SHOP)
        mine = (Job.shop_id == shop.id, Job.kind == kind, Job.state == WorkState.PENDING)
        return [cause for job in db.scalars(select(Job).where(*mine)) for cause in job.causes]


def test_rolling_back_and_putting_in_charge_again(
    visit: Visit, stage: Stage, app: Callable[[str], FrameLocator]
) -> None:
    assert in_charge(stage, Task.FORECAST) == 2
    page = app("/models")
    page.get_by_role("button", name="Roll back to version 1").first.click()
    expect(visit.page.locator(".toast")).to_have_text("Rolled back.")
    assert in_charge(stage, Task.FORECAST) == 1
    page.get_by_role("link", name="Version 2").first.click()
    page.get_by_role("button", name="Put version 2 in charge").click()
    expect(visit.page.locator(".toast", has_text="Version put in charge.")).to_be_visible()
    assert in_charge(stage, Task.FORECAST) == 2
    assert visit.complaints == []


def test_training_now_is_asked_for_once(visit: Visit, stage: Stage, app: Callable[[str], FrameLocator]) -> None:
    page = app("/models")
    page.get_by_role("button", name="Train now").first.click()
    expect(page.get_by_text("Training:").first).to_be_visible()
    assert causes(stage, "retrain") == ["asked for by hand"]
    expect(page.get_by_role("button", name="Train now")).to_have_count(0)
    assert visit.complaints == []


def test_what_was_done_is_told_once_however_often_the_page_is_loaded(
    visit: Visit, app: Callable[[str], FrameLocator]
) -> None:
    page = app("/models?said=unfrozen")
    toasts = visit.page.locator(".toast", has_text="Automatic changes are allowed again.")
    expect(toasts).to_have_count(1)
    visit.frame().evaluate("document.body.id = 'before'; location.reload()")
    expect(page.locator("body#before")).to_have_count(0)
    visit.frame()
    visit.page.wait_for_timeout(500)
    expect(toasts).to_have_count(1)


def test_publishing_is_paused_and_goes_on(visit: Visit, stage: Stage, app: Callable[[str], FrameLocator]) -> None:
    page = app("/recommendations")
    page.get_by_role("button", name="Pause publishing").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    assert policy(stage).publish_lists is False
    page.get_by_role("button", name="Go on publishing").click()
    expect(page.get_by_role("button", name="Pause publishing")).to_be_visible()
    assert policy(stage).publish_lists is True
    assert "publishing goes on" in causes(stage, "publish")


def test_settings_are_saved_with_the_save_bar(visit: Visit, stage: Stage, app: Callable[[str], FrameLocator]) -> None:
    page = app("/settings")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_label("New orders that start a training").fill("750")
    page.get_by_label("Put better versions in charge automatically").uncheck()
    page.get_by_label("Speak up below").fill("88.5")
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.locator(".toast")).to_have_text("Settings saved.")
    expect(visit.page.locator("#savebar")).to_be_hidden()
    kept = policy(stage)
    assert (kept.retrain_orders, kept.promote_automatically, kept.target) == (750, False, 0.885)
    assert visit.complaints == []


def test_a_wrong_setting_is_shown_beside_its_field_and_nothing_is_saved(
    stage: Stage, app: Callable[[str], FrameLocator], visit: Visit
) -> None:
    before = policy(stage)
    page = app("/settings")
    form = page.locator("form[data-save-bar]")
    form.evaluate("form => { form.noValidate = true }")
    page.get_by_label("Products per list").fill("300")
    page.get_by_label("Nights in a row before a warning").fill("5")
    visit.page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Enter a number from 1 to 20.")).to_be_visible()
    expect(page.get_by_label("Nights in a row before a warning")).to_have_value("5")
    assert policy(stage) == before


def test_discarding_brings_the_old_value_back(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    page = app("/settings")
    before = page.get_by_label("Quiet days after a change").input_value()
    page.get_by_label("Quiet days after a change").fill("33")
    visit.page.get_by_role("button", name="Discard").click()
    expect(page.get_by_label("Quiet days after a change")).to_have_value(before)
    expect(visit.page.locator("#savebar")).to_be_hidden()


def test_reading_all_orders_is_granted_in_shopifys_own_dialog(
    visit: Visit, stage: Stage, app: Callable[[str], FrameLocator]
) -> None:
    asked: list[str] = []

    def allow(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    visit.page.on("dialog", allow)
    app("/settings").get_by_role("button", name="Let Foretally read all orders").click()
    visit.page.wait_for_timeout(500)
    assert "read_all_orders" in asked[0]
    assert "read_all_orders" in stage.store.shop(SHOP).scopes


def test_another_products_list_is_shown_at_once(app: Callable[[str], FrameLocator]) -> None:
    page = app("/recommendations")
    page.get_by_label("Product", exact=True).select_option(label="Wool throw, moss")
    expect(page.locator(".list-title").first).to_have_text("Cotton apron")


def test_a_product_is_found_by_a_part_of_its_name(app: Callable[[str], FrameLocator]) -> None:
    page = app("/forecasts")
    page.get_by_label("Find a product").fill("STONEWARE")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("2 products with")).to_be_visible()
    page.get_by_label("Find a product").fill("nothing like it")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No product with")).to_be_visible()


def test_the_table_is_exported_with_every_product(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    page = app("/forecasts")
    with visit.page.expect_download() as waiting:
        page.get_by_role("link", name="Export CSV").click()
    lines = waiting.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("product_id,title,sold_28_days,next_7_days_expected")
    assert len(lines) == 31


def test_what_is_ordered_leaves_the_list_of_today_and_comes_back_when_taken_off(
    visit: Visit, app: Callable[[str], FrameLocator]
) -> None:
    page = app("/reorder")
    expect(page.get_by_role("heading", name="Kiln & Co")).to_be_visible()
    page.get_by_label("Units of Oak serving board to order").fill("600")
    page.get_by_role("button", name="Mark as ordered from Kiln & Co").click()
    expect(visit.page.locator(".toast")).to_contain_text("Noted as ordered.")
    expect(page.get_by_role("heading", name="Kiln & Co")).to_have_count(0)
    page.get_by_label("Show", exact=True).select_option(label="Ordered and on the way")
    row = page.locator("s-table-row", has_text="Oak serving board")
    expect(row).to_contain_text("600")
    row.get_by_role("button", name="Take Oak serving board off the list").click()
    expect(row).to_have_count(0)
    page.get_by_label("Show", exact=True).select_option(label="To order today")
    expect(page.get_by_role("link", name="Oak serving board")).to_be_visible()
    assert visit.complaints == []


def test_the_list_is_narrowed_to_a_vendor_and_says_why(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    page = app("/reorder")
    page.get_by_label("Vendor", exact=True).select_option(label="No vendor")
    expect(page.get_by_role("heading", name="Foretally goods")).to_have_count(0)
    page.get_by_text("Why", exact=True).first.click()
    expect(page.get_by_text("are for safety (service level 95\u202f%)").first).to_be_visible()
    with visit.page.expect_download() as waiting:
        page.get_by_role("link", name="Export CSV").click()
    lines = waiting.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("vendor,product_id,title,variant_id,variant,sku,advice,in_stock")
    assert len(lines) == 7


def test_a_vendor_s_terms_are_saved_with_the_save_bar(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    page = app("/settings/vendors")
    page.get_by_role("link", name="Foretally goods").click()
    page.get_by_label("Days until an order is delivered").fill("40")
    page.get_by_label("Units in a pack").fill("144")
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.locator(".toast")).to_have_text("Settings saved.")
    row = page.locator("s-table-row", has_text="Foretally goods")
    expect(row).to_contain_text("Own terms")
    expect(row).to_contain_text("40 days")
    page = app("/reorder?vendor=Foretally+goods")
    expect(page.get_by_text("Delivery in 40 days")).to_be_visible()
    assert int(page.get_by_label("Units of Linen tea towel to order").input_value()) % 144 == 0
    assert visit.complaints == []


def test_a_promotion_is_planned_from_its_product_and_taken_back(
    visit: Visit, app: Callable[[str], FrameLocator]
) -> None:
    page = app("/forecasts/1007")
    page.get_by_role("link", name="Plan a promotion").click()
    page.get_by_label("First day").fill("2026-11-27")
    page.get_by_label("Last day").fill("2026-11-30")
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.locator(".toast")).to_have_text("Promotion added. The next full training knows of it.")
    row = page.locator("s-table-row", has_text="Cotton apron")
    expect(row).to_contain_text("27 Nov 2026 to 30 Nov 2026")
    row.get_by_role("button").click()
    expect(visit.page.locator(".toast", has_text="The promotion is removed.")).to_be_visible()
    expect(page.get_by_text("None so far.")).to_be_visible()
    assert visit.complaints == []


def test_the_chart_is_read_day_by_day_with_the_keyboard(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    if not visit.has_uplot:
        pytest.skip("charts are plain pictures without npm")
    page = app("/forecasts/1003")
    page.get_by_role("application").focus()
    page.get_by_role("application").press("End")
    expect(page.locator(".readout")).to_contain_text("Sun 13 Dec: expected")
    page.get_by_role("application").press("Home")
    expect(page.locator(".readout")).to_contain_text("Mon 21 Sep: sold")


def test_the_chart_reads_out_the_numbers_of_its_table(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    if not visit.has_uplot:
        pytest.skip("charts are plain pictures without npm")
    page = app("/forecasts")
    page.get_by_text("Show the numbers").click()
    page.get_by_role("application").focus()
    page.get_by_role("application").press("End")
    for row in page.locator("details.numbers tbody tr").all()[:28]:
        _, _, _, expected, likely = row.locator("th, td").all_inner_texts()
        expect(page.locator(".readout")).to_contain_text(f"expected {expected}, likely {likely}")
        page.get_by_role("application").press("ArrowLeft")


def test_a_file_for_a_mailing_tool_shows_itself_when_it_is_made(
    visit: Visit, stage: Stage, app: Callable[[str], FrameLocator]
) -> None:
    page = app("/recommendations")
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_text("It is being made.")).to_be_visible()
    with stage.database.transaction() as db:
        mine = (Job.shop_id == stage.shop(db, SHOP).id, Job.kind == "mailing")
        db.execute(update(Job).where(*mine).values(state=WorkState.DONE))
    expect(page.get_by_text("No file was made.")).to_be_visible(timeout=10_000)


def test_what_was_typed_stays_when_a_form_is_refused(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    page = app("/reorder")
    units = page.get_by_label("Units of Oak serving board to order")
    units.fill("12345678901")
    page.get_by_role("button", name="Mark as ordered from Kiln & Co").click()
    expect(units).to_be_focused()  # the browser itself says what is wrong
    page.locator("form[action='/reorder/purchases']").evaluate_all(
        "all => all.forEach(form => { form.noValidate = true })"
    )
    for _ in range(2):
        page.get_by_role("button", name="Mark as ordered from Kiln & Co").click()
        expect(page.get_by_role("alert")).to_contain_text("'12345678901' is no number of units")
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(units).to_have_value("12345678901")
    units.fill("600")
    visit.page.reload()
    expect(page.get_by_role("heading", name="Reorder", level=1)).to_be_visible()


def test_a_form_that_did_not_arrive_says_so_until_it_does(
    visit: Visit, stage: Stage, app: Callable[[str], FrameLocator]
) -> None:
    page = app("/settings")
    visit.page.route("**/settings", lambda route: route.abort())
    page.get_by_label("Quiet days after a change").fill("9")
    visit.page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not arrive. Check your connection and try again.")
    visit.page.unroute("**/settings")
    page.get_by_role("button", name="Save").click()
    expect(visit.page.locator(".toast")).to_have_text("Settings saved.")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert policy(stage).cooling_days == 9


def test_the_keyboard_stays_where_it_was_when_a_choice_loads_the_page_anew(app: Callable[[str], FrameLocator]) -> None:
    page = app("/reorder")
    show = page.get_by_label("Show", exact=True)
    show.focus()
    for label in ("Coming up in the days that are forecast", "Sold out, wholly or in part"):
        with_label = page.locator("option:checked", has_text=label)
        show.press("ArrowDown")
        expect(with_label).to_have_count(1)
        expect(page.get_by_role("heading", name="Reorder", level=1)).to_be_visible()
        expect(show).to_be_focused()


def test_the_keyboard_is_led_to_the_first_field_that_is_wrong(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    page = app("/settings")
    page.locator("form[data-save-bar]").evaluate("form => { form.noValidate = true }")
    page.get_by_label("Products per list").fill("300")
    page.get_by_label("Nights in a row before a warning").fill("500")
    visit.page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Enter a number from 1 to 20.")).to_be_visible()
    expect(page.get_by_label("Nights in a row before a warning")).to_be_focused()
    expect(page.get_by_role("button", name="Save")).to_be_visible()


def test_the_keyboard_stays_on_its_link_when_there_is_news(
    visit: Visit, stage: Stage, app: Callable[[str], FrameLocator]
) -> None:
    page = app("/models")
    if page.get_by_role("button", name="Train now").count():
        page.get_by_role("button", name="Train now").first.click()
    expect(page.get_by_text("Training:").first).to_be_visible()
    link = page.get_by_role("link", name="Version 1", exact=True).first
    link.focus()
    with stage.database.transaction() as db:
        shop = stage.shop(db, SHOP)
        db.execute(update(Job).where(Job.shop_id == shop.id, Job.kind == "retrain").values(progress="looking at you"))
    expect(page.get_by_text("looking at you").first).to_be_visible(timeout=10_000)
    expect(link).to_be_focused()
    assert visit.complaints == []


def test_a_file_that_did_not_arrive_is_told_on_the_page(visit: Visit, app: Callable[[str], FrameLocator]) -> None:
    page = app("/forecasts")
    visit.page.route("**/forecasts.csv*", lambda route: route.abort())
    page.get_by_role("link", name="Export CSV").click()
    expect(page.get_by_role("alert")).to_contain_text("That did not arrive.")
