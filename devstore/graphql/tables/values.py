"""Small values that many types share: money, moments, counts, and the pages of connections."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from devstore.graphql.listing import Page

FieldFunction = Callable[..., Any]
Table = Mapping[str, FieldFunction]
"""Field name -> function of the object, the call and the field's arguments."""


class Money(NamedTuple):
    """An amount in the shop's currency, which is also the presentment currency here."""

    amount: str
    currency: str


class UserError(NamedTuple):
    """Why a mutation did nothing, in the reply itself."""

    message: str
    field: list[str] | None = None
    code: str | None = None
    element: int | None = None


def iso(when: datetime | None) -> str | None:
    """An instant as the API writes it."""
    return when.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z" if when else None


def times(price: str, units: int) -> str:
    """A price times units, as text."""
    return f"{Decimal(price) * units:.2f}"


MONEY_BAG: Table = {
    "shopMoney": lambda money, call: money,
    "presentmentMoney": lambda money, call: money,
}
MONEY: Table = {
    "amount": lambda money, call: money.amount,
    "currencyCode": lambda money, call: money.currency,
}
COUNT: Table = {
    "count": lambda count, call: count[0],
    "precision": lambda count, call: count[1],
}
USER_ERROR: Table = {
    "message": lambda error, call: error.message,
    "field": lambda error, call: error.field,
    "code": lambda error, call: error.code,
    "elementIndex": lambda error, call: error.element,
}
CONNECTION: Table = {
    "nodes": lambda page, call: page.nodes,
    "edges": lambda page, call: list(zip(page.cursors, page.nodes, strict=True)),
    "pageInfo": lambda page, call: page,
}
EDGE: Table = {
    "cursor": lambda edge, call: edge[0],
    "node": lambda edge, call: edge[1],
}


def _end(page: Page, place: int) -> str | None:
    return page.cursors[place] if page.cursors else None


PAGE_INFO: Table = {
    "hasNextPage": lambda page, call: page.has_next,
    "hasPreviousPage": lambda page, call: page.has_previous,
    "startCursor": lambda page, call: _end(page, 0),
    "endCursor": lambda page, call: _end(page, -1),
}


def capped(total: int, limit: int | None) -> tuple[int, str]:
    """A count as the API gives it: exact up to a limit, then a lower bound."""
    return (total, "EXACT") if limit is None or total <= limit else (limit, "AT_LEAST")
