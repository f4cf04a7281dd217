"""What a merchant is told to order: from the forecast in charge, the shelf, what is on its way and vendors' terms."""

import codecs
import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shopify_app.db import Database, insert_many
from shopify_app.lifecycle import registry, reordering, variants
from shopify_app.lifecycle.advice import Advice, Line
from shopify_app.policy import Policy
from shopify_app.records.objects import Objects
from shopify_app.tables import Product, Purchase, Shop, VendorTerms
from tests import factories
from tests.conftest import Deliver
from tests.lifecycle.making import a_version, say
from tests.web.conftest import Send

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the SQL of vendors is tested in records
MORNING = "2026-03-10T07:00:00+00:00"
TODAY = date(2026, 3, 10)
PAGES = ("/reorder", "/reorder?page=2")
Furnish = Callable[..., None]


@pytest.fixture
def furnish(database: Database, objects: Objects, deliver: Deliver, drain: Callable[[], int]) -> Furnish:
    """A shop with products in stock (None: nobody tracks it) that sell a number of units each day."""

    def put(shop: Shop, stock: dict[int, int | None], daily: float = 2.0, origin_on: date | None = None) -> None:
        for number, units in stock.items():
            named = {"vendor": f"Vendor {number % 2}", "title": f"Tea {number}", "note": shop.domain}
            deliver(shop, "products/create", factories.product(number, updated_at=MORNING, **named))
            if units is not None:
                for location, share in ((1, units - 1), (2, 1)):
                    level = {"inventory_item_id": number * 10 + 5, "location_id": location, "available": share}
                    deliver(shop, "inventory_levels/update", level | {"updated_at": MORNING, "note": shop.domain})
        drain()
        with database.transaction() as db:
            here = db.get_one(Shop, shop.id)
            here.business_on = TODAY
            version = a_version(db, here, "forecast")
            registry.promote(db, here, "forecast", version.number, actor="test", reason="test")
            means = dict.fromkeys(stock, daily)
            say(db, objects, version, origin_on or TODAY - timedelta(days=1), means, was_champion=True)

    return put


@pytest.fixture
def sheet(visit: Send) -> Callable[..., list[dict[str, str]]]:
    """The exported list of a shop."""

    def read(shop: Shop, query: str = "") -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(visit(shop, f"/reorder.csv{query}").data.decode("utf-8-sig"))))

    return read


def row(rows: list[dict[str, str]], product_id: int) -> dict[str, str]:
    return next(one for one in rows if one["product_id"] == str(product_id))


def test_stock_is_added_up_over_places_and_what_is_missing_is_ordered(
    alice: Shop, bob: Shop, furnish: Furnish, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    furnish(alice, {1: 10, 2: 500})
    furnish(bob, {1: 500, 2: 10})
    for shop, short, ample in ((alice, 1, 2), (bob, 2, 1)):
        told = row(sheet(shop), short)
        assert (told["in_stock"], told["advice"], told["order_by_on"]) == ("10", "now", "2026-03-10")
        assert told["runs_out_on"] == "2026-03-15"  # 2 a day from the tenth on
        assert float(told["expected_in_lead_time"]) == 28
        wanted = float(told["reorder_point"]) + 2 * 28 - 10
        assert wanted <= int(told["order_units"]) < wanted + 1
        assert (row(sheet(shop), ample)["advice"], row(sheet(shop), ample)["order_units"]) == ("none", "0")
        assert [one["product_id"] for one in sheet(shop, "?show=now")] == [str(short)]


def test_what_nobody_tracks_is_said_and_never_ordered(
    alice: Shop, bob: Shop, furnish: Furnish, visit: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    furnish(alice, {1: None, 2: 10})
    furnish(bob, {1: 10, 2: None})
    told = row(sheet(alice), 1)
    assert (told["advice"], told["in_stock"], told["order_units"]) == ("unknown", "", "0")
    page = visit(alice, "/reorder?show=unknown").text
    assert "Tea 1" in page
    assert "Shopify does not say how many are in stock" in page
    assert "Tea 1" not in visit(bob, "/reorder?show=unknown").text


def test_a_vendor_whose_list_goes_on_says_how_much_of_it_can_be_marked_here(
    alice: Shop, furnish: Furnish, visit: Send
) -> None:
    furnish(alice, dict.fromkeys(range(1, 53), 1))
    told = [
        re.findall(r"26 products to order today, [^;.]*(?:; (\d+) of them)?", visit(alice, path).text) for path in PAGES
    ]
    assert told == [["", "24"], ["2"]]


def test_a_number_just_below_ten_is_rounded_alike_in_the_list_and_in_its_reason(
    alice: Shop, furnish: Furnish, visit: Send
) -> None:
    furnish(alice, {1: 1}, daily=9.97 / 14)
    page = visit(alice, "/reorder").text
    assert '<s-table-cell class="number">10</s-table-cell>' in page
    assert "About 10 sell until then" in page


def test_stock_is_told_by_the_same_words_on_every_page(alice: Shop, furnish: Furnish, visit: Send) -> None:
    furnish(alice, {1: -3, 2: 12_345, 3: None})
    for path in ("/forecasts", "/reorder?show=all"):
        cells = re.findall(r'<s-table-cell class="number">(.*?)</s-table-cell>', visit(alice, path).text)
        assert {"3 owed", "12,345", "not known"} <= set(cells), path
    assert "3 units owed to customers" in visit(alice, "/forecasts/1").text
    assert "12,345 units in stock" in visit(alice, "/forecasts/2").text
    assert "stock is not tracked" in visit(alice, "/forecasts/3").text
    sheet = csv.DictReader(io.StringIO(visit(alice, "/forecasts.csv").data.decode("utf-8-sig")))
    assert {one["product_id"]: one["in_stock"] for one in sheet} == {"1": "-3", "2": "12345", "3": ""}


def test_a_vendor_s_own_terms_count_for_its_products_and_for_this_shop_alone(
    alice: Shop, bob: Shop, furnish: Furnish, post: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    for shop in (alice, bob):
        furnish(shop, {1: 40, 2: 40})
    form = {"name": "Vendor 1", "lead_days": "7", "cover_days": "7", "pack_units": "50", "service_percent": "99.5"}
    assert post(alice, "/settings/vendor", **form).status_code == 303
    told = row(sheet(alice), 1)
    assert (told["lead_time_days"], told["service_level"]) == ("7", "0.995")
    assert int(told["order_units"]) % 50 == 0
    assert row(sheet(alice), 2)["lead_time_days"] == row(sheet(bob), 1)["lead_time_days"] == "14"


def test_the_shop_s_own_terms_count_where_a_vendor_has_none(
    alice: Shop, bob: Shop, furnish: Furnish, visit: Send, post: Send, database: Database
) -> None:
    for shop in (alice, bob):
        furnish(shop, {1: 40})
    with database.transaction() as db:
        db.get_one(Shop, alice.id).settings = {"lead_days": 30}
    post(alice, "/settings/vendor", name="Vendor 1", cover_days="60")
    page = visit(alice, "/settings/vendors").text
    assert "Own terms" in page
    assert "30 days" in page
    assert "60 days" in page
    assert "30 days" not in visit(bob, "/settings/vendors").text
    post(alice, "/settings/vendor", name="Vendor 1")
    assert "Own terms" not in visit(alice, "/settings/vendors").text


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("lead_days", "0", "Enter a number from 1 to 180."),
        ("lead_days", "2.5", "Enter a whole number."),
        ("service_percent", "100", "Enter a number from 50 to 99.5."),
        ("service_percent", "nan", "Enter a number from 50 to 99.5."),
        ("pack_units", "-3", "Enter a number from 1 to 100000."),
        ("least_units", "many", "Enter a whole number."),
    ],
)
def test_terms_that_make_no_sense_are_told_beside_their_field_and_nothing_is_kept(
    alice: Shop, bob: Shop, furnish: Furnish, post: Send, database: Database, field: str, text: str, told: str
) -> None:
    furnish(alice, {1: 40})
    answer = post(alice, "/settings/vendor", **({"name": "Vendor 1", "cover_days": "60"} | {field: text}))
    assert answer.status_code == 422
    assert f"{told} Or leave it empty" in answer.text
    assert 'value="60"' in answer.text
    with database.reading() as db:
        assert db.query(VendorTerms).count() == 0


def test_nobody_keeps_terms_for_a_vendor_that_is_not_theirs(
    alice: Shop, bob: Shop, furnish: Furnish, visit: Send, post: Send, database: Database
) -> None:
    furnish(alice, {1: 40})
    assert visit(bob, "/settings/vendor?name=Vendor+1").status_code == 404
    assert post(bob, "/settings/vendor", name="Vendor 1", lead_days="3").status_code == 404
    with database.reading() as db:
        assert db.query(VendorTerms).count() == 0


def test_what_is_marked_as_ordered_is_on_its_way_and_not_ordered_again(
    alice: Shop, bob: Shop, furnish: Furnish, visit: Send, post: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    for shop in (alice, bob):
        furnish(shop, {1: 10})
    units = row(sheet(alice), 1)["order_units"]
    for _ in range(2):  # a second click is not a second order
        assert post(alice, "/reorder/purchases", vendor="Vendor 1", **{"units-1": units}).status_code == 303
    told = row(sheet(alice), 1)
    assert (told["on_the_way"], told["advice"]) == (units, "none")
    assert row(sheet(bob), 1)["on_the_way"] == "0"
    page = visit(alice, "/reorder?show=ordered").text
    assert "24 Mar 2026" in page
    assert "Tea 1" not in visit(bob, "/reorder?show=ordered").text
    assert post(bob, "/reorder/purchases/1/forget", purchased_on="2026-03-10").status_code == 303
    assert row(sheet(alice), 1)["on_the_way"] == units
    post(alice, "/reorder/purchases/1/forget", purchased_on="2026-03-10")
    assert row(sheet(alice), 1)["advice"] == "now"


@pytest.mark.parametrize("units", ["-4", "1e3", "99999999999", "two"])
def test_a_number_of_units_that_is_none_is_refused_and_nothing_is_noted(
    alice: Shop, bob: Shop, furnish: Furnish, post: Send, database: Database, units: str
) -> None:
    furnish(alice, {1: 10, 2: 10})
    answer = post(alice, "/reorder/purchases", vendor="Vendor 1", **{"units-2": "5", "units-1": units})
    assert answer.status_code == 409
    assert "no number of units" in answer.text
    with database.reading() as db:
        assert db.query(Purchase).count() == 0


def test_units_of_another_shop_s_product_are_not_noted(
    alice: Shop, bob: Shop, furnish: Furnish, post: Send, database: Database
) -> None:
    furnish(alice, {1: 10, 2: 10})
    furnish(bob, {1: 10})
    post(bob, "/reorder/purchases", **{"units-1": "5", "units-2": "7", f"units-{10**17}": "7"})
    with database.reading() as db:
        assert [(one.shop_id, one.product_id, one.units) for one in db.query(Purchase)] == [(bob.id, 1, 5)]


def test_products_are_listed_by_vendor_the_most_urgent_first(
    alice: Shop, bob: Shop, furnish: Furnish, visit: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    furnish(alice, {1: 20, 2: 4, 3: 2, 4: 30})
    furnish(bob, {1: 10})
    assert [one["product_id"] for one in sheet(alice)] == ["3", "1", "2", "4"]
    assert [one["product_id"] for one in sheet(alice, "?vendor=Vendor+0")] == ["2", "4"]
    page = visit(alice, "/reorder?vendor=Vendor+0&show=all").text
    assert page.index("Tea 2") < page.index("Tea 4")
    assert "Tea 3" not in page


def test_a_title_that_a_spreadsheet_would_run_is_a_text(
    alice: Shop, bob: Shop, furnish: Furnish, deliver: Deliver, drain: Callable[[], int], visit: Send
) -> None:
    furnish(alice, {1: 10})
    newer = "2026-03-10T08:00:00+00:00"
    title, vendor = '=HYPERLINK("https://evil.example.com")', " \t@SUM(A1)"
    deliver(alice, "products/update", factories.product(1, updated_at=newer, title=title, vendor=vendor))
    drain()
    for path in ("/reorder.csv", "/forecasts.csv"):
        assert visit(alice, path).data.startswith(codecs.BOM_UTF8)  # so that Excel reads it as UTF-8
        cells = list(csv.reader(io.StringIO(visit(alice, path).text)))[1]
        assert '\'=HYPERLINK("https://evil.example.com")' in cells
        assert not any(cell.lstrip().startswith(("=", "@")) for cell in cells)


def test_a_forecast_that_is_behind_says_so_and_an_old_one_hides_its_quantities(
    alice: Shop, bob: Shop, furnish: Furnish, visit: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    furnish(alice, {1: 10}, origin_on=TODAY - timedelta(days=4))
    furnish(bob, {1: 10}, origin_on=TODAY - timedelta(days=20))
    page = visit(alice, "/reorder").text
    assert "The forecast is 3 days behind" in page
    assert "Mark as ordered" in page
    assert row(sheet(alice), 1)["order_units"] != ""
    page = visit(bob, "/reorder").text
    assert "The forecast is 19 days behind" in page
    assert "Mark as ordered" not in page
    assert (row(sheet(bob), 1)["order_units"], row(sheet(bob), 1)["in_stock"]) == ("", "10")


def test_a_product_that_is_sold_out_has_run_out_now(alice: Shop, furnish: Furnish, visit: Send) -> None:
    furnish(alice, {1: 0, 2: 10})
    told = [visit(alice, f"/forecasts/{number}").text.split("<h3>Runs out</h3>")[1] for number in (1, 2)]
    assert [re.sub("<[^>]+>", "", one.split("</p>")[0]) for one in told] == ["now", "15 Mar 2026"]


def test_the_overview_says_what_to_order_as_the_list_does(
    alice: Shop, bob: Shop, furnish: Furnish, visit: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    furnish(alice, {1: 10, 2: 500, 3: 4})
    furnish(bob, {1: 500, 2: 10})
    for shop, count in ((alice, "2 products"), (bob, "1 product")):
        units = sum(int(one["order_units"]) for one in sheet(shop, "?show=now"))
        tile = re.sub("<[^>]+>", "", re.search(r"<h2>To order today</h2>(.*?)</div>", visit(shop, "/").text, re.S)[1])
        assert f"{count} {units:,} units together" in re.sub(r"\s+", " ", tile)


def test_the_overview_hides_what_to_order_by_an_old_forecast(alice: Shop, furnish: Furnish, visit: Send) -> None:
    furnish(alice, {1: 10}, origin_on=TODAY - timedelta(days=20))
    assert "19 days behind" in visit(alice, "/reorder").text
    tile = visit(alice, "/").text.split("<h2>To order today</h2>")[1].split("</div>")[0]
    assert "–" in tile
    assert "together" not in tile


def test_the_overview_of_a_large_shop_leaves_the_counting_to_the_list(
    database: Database, alice: Shop, bob: Shop, furnish: Furnish, visit: Send
) -> None:
    furnish(alice, {1: 10})
    furnish(bob, {1: 10})
    now = datetime(2026, 3, 1, tzinfo=UTC)
    others = [
        {"shop_id": alice.id, "product_id": number, "title": "Tea", "is_published": True, "tags": [], "updated_at": now}
        for number in range(100, 10_099)
    ]
    with database.transaction() as db:
        insert_many(db, Product, others)
    tiles = [visit(shop, "/").text.split("<h2>To order today</h2>")[1].split("</div>")[0] for shop in (alice, bob)]
    assert ["too many products to count here" in tile for tile in tiles] == [True, False]
    assert "1 product" in visit(alice, "/reorder").text


def test_a_shop_without_a_forecast_is_told_what_happens_first(charlie: Shop, visit: Send) -> None:
    assert "Read your orders and products" in visit(charlie, "/reorder").text
    assert len(visit(charlie, "/reorder.csv").text.splitlines()) == 1
    assert "No products yet" in visit(charlie, "/settings/vendors").text


def test_one_product_alone_is_advised_as_in_the_list(
    alice: Shop, bob: Shop, furnish: Furnish, database: Database, objects: Objects, visit: Send
) -> None:
    from shopify_app.lifecycle import forecasts

    furnish(alice, {1: 10, 2: 35, 3: None})
    furnish(bob, {1: 500})

    def ask(only: int | None) -> Advice:
        with database.reading() as db:
            run = forecasts.served(db, alice.id, TODAY)
            assert run is not None
            return reordering.advice(db, objects, alice.id, Policy(), run, TODAY, only)

    whole = ask(None)
    lines: dict[int, Line] = {line.product_id: line for line in map(whole.line, whole.places())}
    for number, line in lines.items():
        assert ask(number).line(0) == line
    page = visit(alice, "/forecasts/1").text
    assert f"{lines[1].order_units} <small>units</small>" in page
    assert f"{lines[1].order_units} <small>units</small>" not in visit(bob, "/forecasts/1").text


SIZES = (101, 102, 103)


@pytest.fixture
def dress(database: Database, furnish: Furnish, deliver: Deliver, drain: Callable[[], int]) -> Callable[..., None]:
    """A shop whose product 1 comes in sizes, with units in two places and units sold in the last weeks."""

    def put(shop: Shop, stock: tuple[int | None, ...], sold: tuple[int, ...], daily: float = 2.0, **told: Any) -> None:
        furnish(shop, {1: None}, daily)
        sizes = [
            {"id": size, "title": f"Size {size}", "sku": f"S-{size}", "price": "9.50", "inventory_item_id": size * 10}
            | told
            for size in SIZES
        ]
        newer = "2026-03-10T07:30:00+00:00"
        named = {"vendor": "Vendor 1", "title": "Tea 1", "note": shop.domain}
        deliver(shop, "products/update", factories.product(1, updated_at=newer, variants=sizes, **named))
        for size, units in zip(SIZES, stock, strict=True):
            for location, share in ((1, units - 1), (2, 1)) if units is not None else ():
                level = {"inventory_item_id": size * 10, "location_id": location, "available": share}
                deliver(shop, "inventory_levels/update", level | {"updated_at": MORNING, "note": shop.domain})
        order = factories.order(7, lines=tuple((1, units, "9.50") for units in sold), created_at=MORNING)
        for line, size in zip(order["line_items"], SIZES, strict=True):
            line["variant_id"] = size
        deliver(shop, "orders/create", order | {"note": shop.domain})
        drain()
        variants.weigh(database, shop.id, TODAY)

    return put


def by_size(rows: list[dict[str, str]]) -> dict[int, dict[str, str]]:
    return {int(one["variant_id"]): one for one in rows if one["product_id"] == "1"}


def test_each_variant_is_advised_by_its_own_stock_and_share(
    alice: Shop, bob: Shop, dress: Callable[..., None], sheet: Callable[..., list[dict[str, str]]], visit: Send
) -> None:
    dress(alice, (0, 500, 500), (60, 20, 20))
    dress(bob, (500, 0, 500), (20, 60, 20))
    for shop, out, best in ((alice, 101, 101), (bob, 102, 102)):
        told = by_size(sheet(shop))
        assert {size: one["advice"] for size, one in told.items()} == {
            size: "now" if size == out else "none" for size in SIZES
        }
        shares = [float(told[size]["expected_per_day"]) / 2.0 for size in SIZES]
        assert sum(shares) == pytest.approx(1, abs=0.01)
        assert max(told, key=lambda size: float(told[size]["expected_per_day"])) == best
        assert (told[out]["sku"], told[out]["in_stock"]) == (f"S-{out}", "0")
        page = visit(shop, "/reorder").text
        assert "1 of 3 variants sold out" in page
        assert f'name="units-1-{out}"' in page
        wanted = float(told[out]["reorder_point"]) + 28 * float(told[out]["expected_per_day"])
        assert wanted - 0.1 <= int(told[out]["order_units"]) < wanted + 1.1
        assert f"{int(told[out]['order_units']):,} <span" in page


def test_a_variant_that_is_sold_out_is_told_also_when_its_product_has_enough(
    alice: Shop, bob: Shop, dress: Callable[..., None], visit: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    dress(alice, (0, 900, 900), (0, 50, 50), daily=0.02)
    dress(bob, (5, 900, 900), (0, 50, 50), daily=0.02)
    assert {one["advice"] for one in sheet(alice)} == {"none"}
    assert "1 variant</s-link> of others" in visit(alice, "/reorder").text
    assert "1 of 3 variants sold out" in visit(alice, "/reorder?show=out").text
    assert "Nothing is sold out" in visit(bob, "/reorder?show=out").text
    assert len(sheet(alice, "?show=out")) == 3
    assert sheet(bob, "?show=out") == []


def test_an_order_of_less_than_a_vendor_delivers_is_topped_up_by_the_shortest_variants(
    alice: Shop, bob: Shop, dress: Callable[..., None], post: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    for shop in (alice, bob):
        dress(shop, (0, 60, 400), (60, 20, 20))
    plain = {size: int(one["order_units"]) for size, one in by_size(sheet(alice)).items()}
    post(alice, "/settings/vendor", name="Vendor 1", least_units="210", pack_units="10")
    units = {size: int(one["order_units"]) for size, one in by_size(sheet(alice)).items()}
    assert plain[101] > 0 == plain[103] == units[103]
    assert sum(units.values()) == 210
    assert all(number % 10 == 0 for number in units.values())
    assert units[101] > plain[101]
    assert {size: int(one["order_units"]) for size, one in by_size(sheet(bob)).items()} == plain


def test_units_of_variants_that_are_marked_as_ordered_are_on_their_way_one_by_one(
    alice: Shop,
    bob: Shop,
    dress: Callable[..., None],
    visit: Send,
    post: Send,
    sheet: Callable[..., list[dict[str, str]]],
    database: Database,
) -> None:
    for shop in (alice, bob):
        dress(shop, (0, 0, 500), (60, 20, 20))
    units = by_size(sheet(alice))[101]["order_units"]
    post(alice, "/reorder/purchases", vendor="Vendor 1", **{"units-1-101": units, "units-1-999": "4"})
    told = by_size(sheet(alice))
    assert (told[101]["on_the_way"], told[101]["advice"], told[102]["advice"]) == (units, "none", "now")
    post(alice, "/reorder/purchases", vendor="Vendor 1", **{"units-1-102": "50"})
    told = by_size(sheet(alice))
    assert [told[size]["on_the_way"] for size in SIZES] == [units, "50", "0"]
    assert f"Size 101 {units}, Size 102 50" in visit(alice, "/reorder?show=ordered").text
    assert {one["on_the_way"] for one in sheet(bob)} == {"0"}
    post(bob, "/reorder/purchases", vendor="Vendor 1", **{"units-1-999": "4"})
    with database.reading() as db:
        assert [one.shop_id for one in db.query(Purchase)] == [alice.id]


def test_what_customers_wait_for_is_ordered_on_top_whether_it_goes_on_selling_or_not(
    alice: Shop, bob: Shop, dress: Callable[..., None], visit: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    dress(alice, (-30, 500, 500), (60, 20, 20), inventory_policy="continue")
    dress(bob, (0, 500, 500), (60, 20, 20), inventory_policy="deny")
    mine, theirs = by_size(sheet(alice))[101], by_size(sheet(bob))[101]
    assert int(mine["order_units"]) == int(theirs["order_units"]) + 30
    page = visit(alice, "/reorder").text
    assert "Sells on order" in page
    assert "30 owed" in page
    assert "variants sold out" not in page
    assert "Sold out</s-badge>" in visit(bob, "/reorder").text


def test_a_slow_variant_is_ordered_when_it_is_owed_and_else_not(
    alice: Shop, bob: Shop, dress: Callable[..., None], sheet: Callable[..., list[dict[str, str]]]
) -> None:
    dress(alice, (-3, 900, 900), (0, 50, 50), daily=0.02)
    dress(bob, (0, 900, 900), (0, 50, 50), daily=0.02)
    assert by_size(sheet(alice))[101]["advice"] == "now"
    assert int(by_size(sheet(alice))[101]["order_units"]) >= 3
    assert by_size(sheet(bob))[101]["advice"] == "none"


def test_a_variant_nobody_counted_is_said_and_the_others_are_advised(
    alice: Shop, bob: Shop, dress: Callable[..., None], visit: Send, sheet: Callable[..., list[dict[str, str]]]
) -> None:
    dress(alice, (None, 0, 500), (60, 20, 20))
    dress(bob, (None, None, None), (60, 20, 20))
    assert [by_size(sheet(alice))[size]["advice"] for size in SIZES] == ["unknown", "now", "none"]
    assert "not known" in visit(alice, "/reorder").text
    assert {one["advice"] for one in sheet(bob)} == {"unknown"}
    assert "Shopify does not say how many" in visit(bob, "/reorder?show=unknown").text


def test_a_product_s_own_page_tells_its_variants(
    alice: Shop, bob: Shop, dress: Callable[..., None], visit: Send
) -> None:
    dress(alice, (0, 500, 500), (60, 20, 20))
    dress(bob, (500, 500, 500), (20, 60, 20))
    page = visit(alice, "/forecasts/1").text
    assert "Size 101" in page
    assert re.search(r"Size 101</s-table-cell>\s*<s-table-cell class=\"number\">58\s%", page)
    assert "Sold out" in page
    assert "Sold out" not in visit(bob, "/forecasts/1").text
