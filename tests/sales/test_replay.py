"""Replaying an order file: what counts as sold, what a day tells, and clear words for files that do not fit."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from devstore.sales.replay import ReplayedSales

Writer = Callable[[list[list[object]]], Path]
OLD, NEW = "Year 2009-2010", "Year 2010-2011"


def line(invoice: str, code: str, when: str, **other: object) -> list[object]:
    """A row of Online Retail II: three owls for 2.50 to customer 17850 unless said otherwise."""
    row = {"description": "WHITE OWL", "units": 3, "price": 2.5, "customer": 17850, "sheet": NEW, **other}
    return [invoice, code, row["description"], row["units"], when, row["price"], row["customer"], row["sheet"]]


def sold(sales: ReplayedSales) -> list[tuple[int, str, int]]:
    """Order, stock code and units of every line."""
    last = sales.last_day or sales.first_day
    return [
        (order.order_id, item.sku, item.quantity)
        for order in sales.orders(sales.first_day, last)
        for item in order.lines
    ]


def test_sales_of_products_are_replayed(retail_csv: Writer) -> None:
    file = retail_csv([line("536365", "85123A", "2011-01-04 08:26:00"), line("536365", "71053", "2011-01-04 08:26:00")])
    sales = ReplayedSales(file)
    assert sold(sales) == [(536365, "85123A", 3), (536365, "71053", 3)]
    (order,) = sales.orders(date(2011, 1, 4), date(2011, 1, 4))
    assert order.created_at == datetime(2011, 1, 4, 8, 26, tzinfo=UTC)
    assert (order.customer_id, order.total_price) == (17850, "15.00")


def test_summer_time_is_the_shops_own(retail_csv: Writer) -> None:
    sales = ReplayedSales(retail_csv([line("536365", "71053", "2011-07-04 08:26:00")]))
    (order,) = sales.orders(date(2011, 7, 4), date(2011, 7, 4))
    assert order.created_at.isoformat() == "2011-07-04T08:26:00+01:00"


def test_postage_vouchers_returns_and_giveaways_are_not_sold(retail_csv: Writer) -> None:
    when = "2011-01-04 10:00:00"
    rows = [line("1", code, when) for code in ("POST", "DOT", "M", "BANK CHARGES", "gift_0001_20", "DCGS0058", "C2")]
    rows += [line("2", "71053", when, price=0), line("3", "71053", when, units=-3), line("A4", "71053", when)]
    rows += [line("5", "71053", when)]
    assert sold(ReplayedSales(retail_csv(rows))) == [(5, "71053", 3)]


def test_the_older_sheet_gives_way_where_the_sheets_overlap(retail_csv: Writer) -> None:
    rows = [
        line("1", "71053", "2010-11-30 10:00:00", sheet=OLD),
        line("2", "71053", "2010-12-01 10:00:00", sheet=OLD),
        line("2", "71053", "2010-12-01 10:00:00"),
    ]
    assert sold(ReplayedSales(retail_csv(rows))) == [(1, "71053", 3), (2, "71053", 3)]


def test_a_sale_taken_back_the_same_day_never_happened(retail_csv: Writer) -> None:
    rows = [
        line("1", "23843", "2011-12-09 09:15:00", units=80995),
        line("C2", "23843", "2011-12-09 09:27:00", units=-80995),
        line("3", "23843", "2011-12-09 10:00:00"),
    ]
    assert sold(ReplayedSales(retail_csv(rows))) == [(3, "23843", 3)]


@pytest.mark.parametrize(
    "other",
    [
        {"when": "2011-01-05 10:00:00"},
        {"customer": 12346},
        {"customer": ""},
        {"units": -2},
        {"code": "71054"},
    ],
)
def test_other_returns_leave_the_sale_alone(retail_csv: Writer, other: dict[str, object]) -> None:
    back = {"when": "2011-01-04 12:00:00", "code": "71053", "units": -3, **other}
    rows = [
        line("1", "71053", "2011-01-04 10:00:00", customer="" if other.get("customer") == "" else 17850),
        line("C2", str(back.pop("code")), str(back.pop("when")), **back),
    ]
    assert sold(ReplayedSales(retail_csv(rows))) == [(1, "71053", 3)]


def test_one_cancellation_takes_back_one_of_two_equal_lines(retail_csv: Writer) -> None:
    rows = [line("1", "71053", "2011-01-04 10:00:00")] * 2 + [line("C2", "71053", "2011-01-04 11:00:00", units=-3)]
    assert sold(ReplayedSales(retail_csv(rows))) == [(1, "71053", 3)]


def test_a_repeated_line_stays_two_lines_of_one_order(retail_csv: Writer) -> None:
    rows = [line("1", "71053", "2011-01-04 10:00:00")] * 2
    sales = ReplayedSales(retail_csv(rows))
    (order,) = sales.orders(sales.first_day, sales.first_day)
    assert len({item.line_id for item in order.lines}) == 2


def test_product_ids_do_not_depend_on_what_else_is_in_the_file(retail_csv: Writer) -> None:
    when = "2011-01-04 10:00:00"
    one = ReplayedSales(retail_csv([line("1", "79323p", when)])).products(date(2011, 1, 4))
    both = ReplayedSales(retail_csv([line("1", "22423", when), line("2", "79323P", when)])).products(date(2011, 1, 4))
    assert {item.product_id for item in one} < {item.product_id for item in both}
    assert [item.sku for item in both] == ["22423", "79323P"]


def test_products_are_named_by_their_most_common_description(retail_csv: Writer) -> None:
    when = "2011-01-04 10:00:00"
    names = ["SET OF 3 CAKE TINS PANTRY DESIGN", "SET OF 3 CAKE TINS PANTRY DESIGN ", "wet boxes"]
    rows = [line(str(number), "22720", when, description=name) for number, name in enumerate(names, 1)]
    (product,) = ReplayedSales(retail_csv(rows)).products(date(2011, 1, 4))
    assert product.title == "Set of 3 Cake Tins Pantry Design"
    assert product.handle == "set-of-3-cake-tins-pantry-design-22720"


def test_a_day_tells_of_new_products_first_then_of_orders_in_time(retail_csv: Writer) -> None:
    rows = [
        line("3", "71053", "2011-01-05 12:00:00"),
        line("1", "71053", "2011-01-04 10:00:00"),
        line("2", "22423", "2011-01-05 09:00:00", customer=""),
    ]
    sales = ReplayedSales(retail_csv(rows))
    told = sales.day(date(2011, 1, 5))
    assert [(event.topic, event.payload["id"]) for event in told] == [
        ("products/create", sales.products(date(2011, 1, 5))[0].product_id),
        ("orders/create", 2),
        ("orders/create", 3),
    ]
    assert told[1].payload["customer"] is None
    assert sales.day(date(2011, 1, 6)) == []


def test_the_catalogue_grows_as_products_are_first_sold(retail_csv: Writer) -> None:
    rows = [line("1", "71053", "2011-01-04 10:00:00"), line("2", "22423", "2011-01-05 09:00:00")]
    sales = ReplayedSales(retail_csv(rows))
    assert [len(sales.products(date(2011, 1, day))) for day in (3, 4, 5)] == [0, 1, 2]


def test_plain_columns_are_understood(plain_csv: Writer) -> None:
    rows: list[list[object]] = [
        ["#1001", "ann", "mug-1", 2, 9.5, "2026-03-02T23:30:00", "Mug", "Kitchen"],
        ["#1001", "ann", "mug-1", -1, 9.5, "2026-03-02T23:30:00", "Mug", "Kitchen"],
        ["77", "", "12345678901234", 1, 20, "2026-03-03T08:00:00", "", ""],
    ]
    sales = ReplayedSales(plain_csv(rows))
    first, second = sales.orders(date(2026, 3, 2), date(2026, 3, 3))
    assert (first.total_price, second.order_id, second.customer_id) == ("19.00", 77, None)
    assert first.lines[0].title == "Mug"
    assert {item.product_type for item in sales.products(date(2026, 3, 3))} == {"Kitchen", ""}
    assert second.lines[0].product_id == 12345678901234


def test_parquet_and_csv_of_the_same_rows_are_the_same_shop(retail_csv: Writer, tmp_path: Path) -> None:
    file = retail_csv(
        [line("1", "71053", "2011-01-04 10:00:00"), line("2", "22423", "2011-02-05 09:00:00", customer="")]
    )
    table = pa_csv.read_csv(
        file, convert_options=pa_csv.ConvertOptions(column_types={"Invoice": pa.string(), "StockCode": pa.string()})
    )
    pq.write_table(table, tmp_path / "orders.parquet")
    one, other = ReplayedSales(file), ReplayedSales(tmp_path / "orders.parquet")
    day = date(2011, 2, 5)
    assert one.day(day) == other.day(day)
    assert one.products(day) == other.products(day)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("Invoice,StockCode,Description,Quantity,InvoiceDate\n1,71053,OWL,3,2011-01-04\n")
    with pytest.raises(
        ValueError, match="lacks the columns Price, Customer ID; an order file has Invoice, "
    ) as refusal:
        ReplayedSales(file)
    assert "\n" not in str(refusal.value)


def test_files_that_are_no_tables_are_refused_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "orders.parquet"
    broken.write_bytes(b"PAR1 but not really")
    with pytest.raises(ValueError, match="cannot be read as Parquet") as refusal:
        ReplayedSales(broken)
    assert "\n" not in str(refusal.value)
    with pytest.raises(ValueError, match="there is no order file at"):
        ReplayedSales(tmp_path / "nowhere.parquet")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["1", "a", "p", "many", 2, "2026-03-02T10:00:00", "", ""], "column units holds something that is no number"),
        (["1", "a", "p", 1, 2, "last Monday", "", ""], "column created_at holds something that is no time"),
        (["1", "a", "p", 0, 2, "2026-03-02T10:00:00", "", ""], "holds no line that was sold"),
        (["1", "a", "p", 3e12, 2, "2026-03-02T10:00:00", "", ""], "too large"),
    ],
)
def test_rows_that_make_no_sense_are_refused(plain_csv: Writer, row: list[object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ReplayedSales(plain_csv([row]))


def test_a_history_that_ends_outside_the_file_is_refused(retail_csv: Writer) -> None:
    file = retail_csv([line("1", "71053", "2011-01-04 10:00:00")])
    with pytest.raises(
        ValueError, match="the orders run from 2011-01-04 to 2011-01-04; history cannot end on 2012-01-01"
    ):
        ReplayedSales(file, date(2012, 1, 1))


def test_stock_is_endless_but_only_for_known_products(retail_csv: Writer) -> None:
    sales = ReplayedSales(retail_csv([line("1", "71053", "2011-01-04 10:00:00")]))
    (product,) = sales.products(sales.first_day)
    assert sales.available(product.product_id, sales.first_day) == 999
    with pytest.raises(KeyError):
        sales.available(1, sales.first_day)
