"""Order files with plain columns, one row per line: those of `order_file.PLAIN`, title and product_type if known."""

import numpy as np

from devstore.sales.order_file import OrderFile
from devstore.sales.sold_lines import Named, SoldLines, numbered, whole


def sold(file: OrderFile, time_zone: str) -> SoldLines:
    """The lines with an order, a product, and a positive number of units and price; the rest is left out."""
    order = numbered(*file.text("order_id"))
    rows = len(order.position)
    lines = SoldLines(
        order=order,
        customer=numbered(*file.text("customer_id")),
        product=numbered(*file.text("product_id")),
        units=whole(file.numbers("units")),
        cents=whole(file.numbers("price") * 100),
        created=file.clock_seconds("created_at", time_zone),
        title=_named(file, "title") or Named(np.full(rows, -1, dtype=np.int32), []),
        product_type=_named(file, "product_type"),
    )
    return lines.only(lines.order.known & lines.product.known & (lines.units > 0) & (lines.cents > 0))


def _named(file: OrderFile, name: str) -> Named | None:
    return Named(*file.text(name)) if name in file.names else None
