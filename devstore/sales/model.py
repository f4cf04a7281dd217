"""What a shop of the local Shopify sells: the shape that every source of sales has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """The things about a shop that its sales decide."""

    name: str
    currency: str
    time_zone: str
    country: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A selection of products; one product may be in several, or in none."""

    collection_id: int
    title: str
    handle: str


@dataclass(frozen=True, slots=True)
class Product:
    """One product with its single variant; ids are Shopify-like integers."""

    product_id: int
    variant_id: int
    inventory_item_id: int
    title: str
    handle: str
    product_type: str
    vendor: str
    tags: tuple[str, ...]
    sku: str
    price: str
    created_at: datetime
    status: str = "ACTIVE"
    image_url: str | None = None
    updated_at: datetime | None = None
    """When the product last changed; None means at its creation."""
    compare_at_price: str | None = None
    """The price without the running promotion."""
    is_gift_card: bool = False
    collections: tuple[Collection, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One order line; `quantity` as ordered, `current_quantity` net of refunds and edits."""

    line_id: int
    product_id: int | None
    variant_id: int | None
    sku: str
    title: str
    quantity: int
    current_quantity: int
    price: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Units of one order that came back; `lines` holds (line id, units, amount)."""

    refund_id: int
    created_at: datetime
    lines: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One order as it stands now (newest version)."""

    order_id: int
    customer_id: int | None
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    test: bool
    total_price: str
    lines: tuple[Line, ...]
    number: int = 0
    """What the merchant calls it: #1001. Zero means the id serves as the number."""
    refunds: tuple[Refund, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in the shop: one webhook topic with its full REST payload."""

    topic: str
    at: datetime
    payload: dict[str, Any] = field(hash=False)


class Sales(Protocol):
    """A source of sales: deterministic, so that a second start finds the same shop."""

    facts: ShopFacts
    first_day: date
    history_until: date
    """Last business day (inclusive) that lies in the past when the shop opens for the app."""
    last_day: date | None
    """Last day with data; None when the source never ends."""

    def products(self, on: date) -> list[Product]:
        """The catalogue as it stands at the end of that day."""
        ...

    def available(self, product_id: int, on: date) -> int:
        """Units in stock at the end of that day."""
        ...

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        """Orders created on the days start..end (both inclusive), oldest first, never all in memory as objects.

        Each as it stands at the end of the day `as_of` (default: the later of `end` and `history_until`), so that a
        refund still to come does not show.
        """
        ...

    def day(self, on: date) -> list[Event]:
        """Everything that happens on that business day, oldest first."""
        ...
