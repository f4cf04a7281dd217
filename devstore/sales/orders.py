"""Ledger columns as orders and products, as they stand at a moment."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from devstore.sales import money, selections
from devstore.sales.assortment import DEPARTMENTS
from devstore.sales.catalogue import Catalogue
from devstore.sales.ledger import NEVER, Day
from devstore.sales.model import Line, Order, Product, Refund
from devstore.sales.moments import DAY, moment
from devstore.sales.naming import slug

ORDER_BASE = 5_600_000_000_000
LINE_BASE = 14_200_000_000_000
REFUND_BASE = 910_000_000_000
CUSTOMER_BASE = 7_100_000_000_000
PRODUCT_BASE = 8_400_000_000_000
VARIANT_BASE = 44_700_000_000_000
INVENTORY_ITEM_BASE = 46_800_000_000_000
FIRST_NUMBER = 1001


class Clerk:
    """Reads a day's columns aloud as the objects that the rest of the dev store knows."""

    def __init__(self, catalogue: Catalogue, zone: ZoneInfo) -> None:
        self._catalogue = catalogue
        self._zone = zone
        self._handles = [slug(title) for title in catalogue.titles]
        self._skus = [f"{_initials(kind.name)}-{index + 100}" for index, kind in enumerate(catalogue.kinds)]

    def orders(self, day: Day, now: int) -> Iterator[Order]:
        """The day's orders as they stand at `now`, in seconds on the shop's clock."""
        return (self.order(day, position, now) for position in range(len(day.created)))

    def order(self, day: Day, position: int, now: int) -> Order:
        """One order as it stands at `now`."""
        created = day.created.item(position)
        cancelled = _past(day.cancelled.item(position), now)
        refunded = _past(day.refunded.item(position), now)
        noted = _past(day.noted.item(position), now)
        lines = self._lines(day, position, cancelled != NEVER, refunded != NEVER)
        customer = day.customer.item(position)
        number = day.first_order + position
        return Order(
            order_id=ORDER_BASE + number,
            customer_id=None if customer == NEVER else CUSTOMER_BASE + customer,
            created_at=moment(created, self._zone),
            updated_at=moment(max(created, cancelled, refunded, noted), self._zone),
            cancelled_at=None if cancelled == NEVER else moment(cancelled, self._zone),
            test=day.test.item(position),
            total_price=money.text(day.totals.item(position)),
            lines=lines,
            number=FIRST_NUMBER + number,
            refunds=self._refunds(number, max(cancelled, refunded), lines),
        )

    def product(self, day: Day, index: int) -> Product:
        """One product as it stands at the end of that day."""
        kind = self._catalogue.kinds[index]
        department = DEPARTMENTS[self._catalogue.departments[index]]
        price, full = int(day.price[index]), int(day.list_price[index])
        return Product(
            product_id=PRODUCT_BASE + index,
            variant_id=VARIANT_BASE + index,
            inventory_item_id=INVENTORY_ITEM_BASE + index,
            title=self._catalogue.titles[index],
            handle=self._handles[index],
            product_type=kind.product_type,
            vendor=self._catalogue.vendors[index],
            tags=department.tags,
            sku=self._skus[index],
            price=money.text(price),
            created_at=self.morning(int(self._catalogue.launch_day[index]), index),
            updated_at=self.morning(int(day.priced_on[index]), index),
            compare_at_price=money.text(full) if price < full else None,
            collections=selections.of_department(department, price),
        )

    def morning(self, ordinal: int, index: int) -> datetime:
        """When the shop edits that product on a day on which it does: at five, one after the other."""
        return moment(ordinal * DAY + 5 * 3600 + index, self._zone)

    def _lines(self, day: Day, position: int, cancelled: bool, refunded: bool) -> tuple[Line, ...]:
        """An order's lines, net of what has come back so far."""
        start, end = day.lines_of.item(position), day.lines_of.item(position + 1)
        back = day.units if cancelled else day.returned
        known = cancelled or refunded
        return tuple(self._line(day, line, back.item(line) if known else 0) for line in range(start, end))

    def _line(self, day: Day, line: int, back: int) -> Line:
        product, units = day.product.item(line), day.units.item(line)
        return Line(
            line_id=LINE_BASE + day.first_line + line,
            product_id=PRODUCT_BASE + product,
            variant_id=VARIANT_BASE + product,
            sku=self._skus[product],
            title=self._catalogue.titles[product],
            quantity=units,
            current_quantity=units - back,
            price=money.text(day.cents.item(line)),
        )

    def _refunds(self, number: int, when: int, lines: tuple[Line, ...]) -> tuple[Refund, ...]:
        if when == NEVER:
            return ()
        back = [(line, line.quantity - line.current_quantity) for line in lines]
        amounts = tuple(
            (line.line_id, units, money.text(units * money.cents(line.price))) for line, units in back if units
        )
        return (Refund(REFUND_BASE + number, moment(when, self._zone), amounts),) if amounts else ()


def product_index(product_id: int, catalogue: Catalogue) -> int:
    """Position of a product in the catalogue; KeyError when the shop never had it."""
    index = product_id - PRODUCT_BASE
    if not 0 <= index < len(catalogue):
        raise KeyError(f"no product {product_id}")
    return index


def _past(seconds: int, now: int) -> int:
    return seconds if seconds <= now else NEVER


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.replace("-", " ").split()).upper()
