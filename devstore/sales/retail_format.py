"""Online Retail II (Daqing Chen, UCI Machine Learning Repository, 2019, CC BY 4.0): invoice lines with traps.

What counts as sold:
- products only: five digits and at most two letters; postage, fees, vouchers and samples are no products;
- lines with positive units and price on ordinary invoices;
- where the two sheets overlap (1 to 9 December 2010), the newer sheet; without a Sheet column this cannot be told;
- a line that a C-invoice takes back on the same day (same customer, product and units) never happened: both go, one
  for one. Every other return is left out, so a replayed shop has no refunds;
- a product that stands twice on an invoice stays two lines: a repeat cannot be told from a double scan.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from devstore.sales import numbering
from devstore.sales.arrays import Bools, Ints, Small
from devstore.sales.ledger import NEVER
from devstore.sales.moments import DAY
from devstore.sales.order_file import UNIX_EPOCH_ORDINAL, OrderFile
from devstore.sales.sold_lines import Named, Numbered, SoldLines, numbered, whole

OLD_SHEET = "Year 2009-2010"
OVERLAP_FROM = 14_944 + UNIX_EPOCH_ORDINAL
"""Ordinal of 2010-12-01."""


def sold(file: OrderFile, time_zone: str) -> SoldLines:
    """The lines that were sold and stayed sold that day."""
    invoice, invoices = file.text("Invoice")
    lines = _read(file, invoice, invoices, time_zone)
    special = np.array([not name.strip()[:1].isdigit() for name in [*invoices, ""]])[invoice]
    counted = lines.product.known & ~_overlap(file, lines.created)
    kept = counted & ~special & (lines.units > 0) & (lines.cents > 0)
    _undo(lines, kept, cancels=counted & special & (lines.units < 0))
    return lines.only(kept)


def _read(file: OrderFile, invoice: Small, invoices: list[str], time_zone: str) -> SoldLines:
    """Every line of the file as it stands; what is no product gets no product id."""
    code, stock_codes = file.text("StockCode")
    products = [numbering.of_stock_code(name) for name in stock_codes]
    return SoldLines(
        order=numbered(invoice, invoices),
        customer=_customers(file),
        product=Numbered(code, np.array([*products, NEVER], dtype=np.int64)),
        units=whole(file.numbers("Quantity")),
        cents=whole(file.numbers("Price") * 100),
        created=file.clock_seconds("InvoiceDate", time_zone),
        title=Named(*file.text("Description")),
    )


def _customers(file: OrderFile) -> Numbered:
    customers = whole(file.numbers("Customer ID", empty=NEVER))
    ids = np.unique(customers)
    position = np.searchsorted(ids, customers).astype(np.int32)
    return Numbered(position, np.append(ids, NEVER).astype(np.int64))


def _overlap(file: OrderFile, created: Ints) -> Bools:
    """Lines of the older sheet on days that the newer one holds as well."""
    if "Sheet" not in file.names:
        return np.zeros(len(created), dtype=bool)
    sheet, sheets = file.text("Sheet")
    old = np.array([name == OLD_SHEET for name in [*sheets, ""]])[sheet]
    return np.asarray(old & (created // DAY >= OVERLAP_FROM), dtype=bool)


def _undo(lines: SoldLines, kept: Bools, cancels: Bools) -> None:
    """Strike out of `kept` what a cancellation of the same day, customer, product and units takes back."""
    known = lines.customer.known
    mark = _mark(lines)
    possible = kept & known & _is_one_of(mark, np.unique(mark[cancels & known]))
    waiting = Counter(key for _, key in _keys(lines, cancels & known))
    for position, key in _keys(lines, possible):
        if waiting[key]:
            waiting[key] -= 1
            kept[position] = False


def _is_one_of(values: Ints, sought: Ints) -> Bools:
    """`np.isin` for a short sorted list of sought values, without sorting the long one."""
    if not len(sought):
        return np.zeros(len(values), dtype=bool)
    at = np.minimum(np.searchsorted(sought, values), len(sought) - 1)
    return np.asarray(sought[at] == values, dtype=bool)


def _mark(lines: SoldLines) -> Ints:
    """A cheap fingerprint of the key, to leave few lines for the exact comparison."""
    mark = lines.customer.position.astype(np.int64) * 1_000_003 + np.abs(lines.units)
    return mark * 10_007 + lines.created // DAY * 131_071


def _keys(lines: SoldLines, chosen: Bools) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Position and exact key of each chosen line."""
    for at in np.flatnonzero(chosen).tolist():
        customer, product = lines.customer.position.item(at), lines.product.ids.item(lines.product.position.item(at))
        yield at, (customer, product, lines.created.item(at) // DAY, abs(lines.units.item(at)))
