"""Orders, their lines and refunds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from devstore.gid import gid, number
from devstore.graphql.call import Call
from devstore.graphql.listing import Listing, listed
from devstore.graphql.search import Field, Wanted, compile_search, flag, moment, terms
from devstore.graphql.tables.metafields import OWNED
from devstore.graphql.tables.values import Money, Table, capped, iso, times
from devstore.orders import Entry
from devstore.sales.model import Line, Order, Refund


class Customer(NamedTuple):
    """Who bought; nothing but the id is known here, and that two in three accept marketing."""

    customer_id: int

    @property
    def accepts_marketing(self) -> bool:
        """By number, so that everybody can tell."""
        return self.customer_id % 3 != 0


class RefundOf(NamedTuple):
    """A refund with its order."""

    refund: Refund
    order: Order


class RefundLine(NamedTuple):
    """Some units of one line that came back."""

    line: Line
    units: int
    amount: str
    refund: RefundOf
    place: int


def _status(name: str) -> str:
    if name not in ("any", "open", "cancelled"):
        raise ValueError("devstore knows the states any, open and cancelled")
    return name


class _Status:
    """Compares equal to every state the order is in."""

    def __init__(self, thing: "Order | Entry") -> None:
        self._is_cancelled = thing.cancelled_at is not None

    def __eq__(self, other: object) -> bool:
        return other == "any" or other == ("cancelled" if self._is_cancelled else "open")

    __hash__ = None  # type: ignore[assignment]


SEARCH = {
    "id": Field(lambda order: order.order_id, int),
    "created_at": Field(lambda order: order.created_at, moment),
    "processed_at": Field(lambda order: order.created_at, moment),
    "updated_at": Field(lambda order: order.updated_at, moment),
    "test": Field(lambda order: order.test, flag),
    "status": Field(_Status, _status),
}


def _micros(order: "Order | Entry", name: str) -> int:
    return int(getattr(order, name).astimezone(UTC).timestamp() * 1_000_000)


SORT = {
    "CREATED_AT": lambda order: (_micros(order, "created_at"), order.order_id),
    "PROCESSED_AT": lambda order: (_micros(order, "created_at"), order.order_id),
    "UPDATED_AT": lambda order: (_micros(order, "updated_at"), order.order_id),
    "ID": lambda order: (order.order_id,),
}


def orders(
    _: Any, call: Call, query: str | None = None, reverse: bool = False, sort_key: str = "PROCESSED_AT"
) -> Listing:
    """Orders that this app may see."""
    wanted: Wanted = compile_search(query, SEARCH)
    book, since = call.shop.orders, _since(call, query)
    return Listing(
        items=lambda: book.entries(since, wanted),
        place=SORT[sort_key],
        load=book.load,
        stream=lambda: book.stream(since, wanted),
        is_reversed=reverse,
    )


def _since(call: Call, query: str | None) -> datetime | None:
    """The wall, or a later bound that the search itself names: days before it need not be read."""
    bounds = [moment(one.text) for one in terms(query) if one.field == "created_at" and one.comparison in (":>", ":>=")]
    return max([*bounds, *([call.orders_since] if call.orders_since else [])], default=None)


SEARCH_CUSTOMERS = {"accepts_marketing": Field(lambda customer: customer.accepts_marketing, flag)}


def customers(_: Any, call: Call, query: str | None = None, reverse: bool = False, sort_key: str = "ID") -> Listing:
    """Those who bought in orders that this app may see."""
    wanted = compile_search(query, SEARCH_CUSTOMERS)

    def found() -> list[Customer]:
        sold = call.shop.orders.stream(call.orders_since, lambda order: True)
        ids = {order.customer_id for order in sold if order.customer_id}
        is_ignored = call.shop.faults.plan.consent_unsaid
        return [one for one in map(Customer, sorted(ids)) if is_ignored or wanted(one)]

    return Listing(items=found, place=lambda customer: (customer.customer_id,), is_reversed=reverse)


def order(_: Any, call: Call, id: str) -> Order | None:
    """One order, None beyond the wall."""
    order_id = number(id, "Order")
    return call.shop.orders.get(order_id, call.orders_since) if order_id else None


def orders_count(_: Any, call: Call, query: str | None = None, limit: int | None = None) -> tuple[int, str]:
    """How many orders a search finds."""
    return capped(orders(_, call, query).count(), limit)


def _refunded(order: Order) -> Decimal:
    return sum((Decimal(amount) for refund in order.refunds for _, _, amount in refund.lines), Decimal(0))


def _financial_status(order: Order) -> str:
    if order.cancelled_at or (order.refunds and not any(line.current_quantity for line in order.lines)):
        return "REFUNDED"
    return "PARTIALLY_REFUNDED" if order.refunds else "PAID"


def _current_total(order: Order) -> str:
    return f"{sum((Decimal(line.price) * line.current_quantity for line in order.lines), Decimal(0)):.2f}"


def _refund_lines(refund: RefundOf) -> list[RefundLine]:
    lines = {line.line_id: line for line in refund.order.lines}
    found: Sequence[tuple[int, int, str]] = refund.refund.lines
    return [RefundLine(lines[one], units, amount, refund, place) for place, (one, units, amount) in enumerate(found)]


def _money(amount: str, call: Call) -> Money:
    return Money(amount, call.shop.facts.currency)


ORDER: Table = {
    "id": lambda order, call: gid("Order", order.order_id),
    "legacyResourceId": lambda order, call: str(order.order_id),
    "name": lambda order, call: f"#{order.number or order.order_id}",
    "createdAt": lambda order, call: iso(order.created_at),
    "processedAt": lambda order, call: iso(order.created_at),
    "updatedAt": lambda order, call: iso(order.updated_at),
    "cancelledAt": lambda order, call: iso(order.cancelled_at),
    "closedAt": lambda order, call: None,
    "test": lambda order, call: order.test,
    "currencyCode": lambda order, call: call.shop.facts.currency,
    "sourceName": lambda order, call: "web",
    "displayFinancialStatus": lambda order, call: _financial_status(order),
    "customer": lambda order, call: Customer(order.customer_id) if order.customer_id else None,
    "lineItems": lambda order, call, reverse=False: listed(order.lines, reverse),
    "refunds": lambda order, call, first=None: [RefundOf(one, order) for one in order.refunds[:first]],
    "currentSubtotalLineItemsQuantity": lambda order, call: sum(line.current_quantity for line in order.lines),
    "totalPriceSet": lambda order, call: _money(order.total_price, call),
    "currentTotalPriceSet": lambda order, call: _money(_current_total(order), call),
    "totalRefundedSet": lambda order, call: _money(f"{_refunded(order):.2f}", call),
    **OWNED,
}
CUSTOMER: Table = {
    "id": lambda customer, call: gid("Customer", customer.customer_id),
    "legacyResourceId": lambda customer, call: str(customer.customer_id),
}
LINE_ITEM: Table = {
    "id": lambda line, call: f"gid://shopify/LineItem/{line.line_id}",
    "title": lambda line, call: line.title,
    "name": lambda line, call: line.title,
    "sku": lambda line, call: line.sku,
    "quantity": lambda line, call: line.quantity,
    "currentQuantity": lambda line, call: line.current_quantity,
    "refundableQuantity": lambda line, call: line.current_quantity,
    "isGiftCard": lambda line, call: False,
    "product": lambda line, call: call.shop.products.get(line.product_id),
    "variant": lambda line, call: call.shop.products.variant(line.variant_id),
    "originalUnitPriceSet": lambda line, call: _money(line.price, call),
    "originalTotalSet": lambda line, call: _money(times(line.price, line.quantity), call),
}
REFUND: Table = {
    "id": lambda one, call: gid("Refund", one.refund.refund_id),
    "legacyResourceId": lambda one, call: str(one.refund.refund_id),
    "createdAt": lambda one, call: iso(one.refund.created_at),
    "processedAt": lambda one, call: iso(one.refund.created_at),
    "updatedAt": lambda one, call: iso(one.refund.created_at),
    "order": lambda one, call: one.order,
    "refundLineItems": lambda one, call, reverse=False: listed(_refund_lines(one), reverse),
    "totalRefundedSet": lambda one, call: _money(
        f"{sum((Decimal(amount) for _, _, amount in one.refund.lines), Decimal(0)):.2f}", call
    ),
}
REFUND_LINE_ITEM: Table = {
    "id": lambda one, call: gid("RefundLineItem", one.refund.refund.refund_id * 10 + one.place),
    "lineItem": lambda one, call: one.line,
    "quantity": lambda one, call: one.units,
    "priceSet": lambda one, call: _money(one.line.price, call),
    "subtotalSet": lambda one, call: _money(one.amount, call),
    "restockType": lambda one, call: "CANCEL" if one.refund.order.cancelled_at else "RETURN",
    "restocked": lambda one, call: True,
}
