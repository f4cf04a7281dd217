"""Products and their variants as records, from a webhook or a bulk query."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """Which stock figure belongs to a variant."""

    inventory_item_id: int
    variant_id: int
    title: str = ""
    sku: str = ""
    sells_on: bool | None = None
    """Whether it can be bought when none is left; None when nobody said."""


MOST_COLLECTIONS = 250
"""Kept of one product, those made first: nobody needs more, and a row is no book."""


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """One version of a product; `price_amount` is that of its cheapest variant."""

    product_id: int
    title: str
    handle: str
    product_type: str
    vendor: str
    tags: tuple[str, ...]
    price_amount: float | None
    is_published: bool
    units_in_stock: int | None
    created_at: datetime | None
    updated_at: datetime
    items: tuple[ItemRecord, ...]
    is_gift_card: bool | None = None
    """None when nobody said."""
    collections: tuple[tuple[int, str], ...] | None = None
    """Number and title of each collection it is in; None when nobody said: webhooks do not."""
    is_whole: bool = True
    """Whether `items` are all it has: a webhook leaves out what comes after a hundred."""

    @property
    def sells_on(self) -> bool | None:
        """Whether any of its variants can be bought when none is left; None when nobody said."""
        told = [item.sells_on for item in self.items if item.sells_on is not None]
        return any(told) if told else None


def collections_of(pairs: Iterable[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Numbers and titles of collections, each once, by number, and no more than a product's row keeps."""
    return tuple(sorted({pair[0]: pair for pair in pairs}.values())[:MOST_COLLECTIONS])
