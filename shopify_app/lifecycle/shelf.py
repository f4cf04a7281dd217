"""What a shop's shoppers can buy just now, as serving needs it: one look per product."""

import heapq
from collections.abc import Container
from dataclasses import dataclass

from sqlalchemy.orm import Session

from shopify_app.lifecycle import publishing
from shopify_app.records import parts

NEWEST = 100
"""More than anybody may ask about and be shown at once."""


@dataclass(frozen=True)
class Shelf:
    """The products that may be shown; `newest` of them when nothing better is known. `state` is the catalogue's."""

    products: frozenset[int]
    newest: tuple[int, ...] = ()
    state: int = parts.NEVER

    @property
    def lacks(self) -> Container[int]:
        """Everything that may not be shown."""
        return _Lacking(self.products)


@dataclass(frozen=True)
class _Lacking:
    products: frozenset[int]

    def __contains__(self, product_id: object) -> bool:
        return product_id not in self.products


def look(db: Session, shop_id: int, before: Shelf | None) -> Shelf:
    """The shop's shelf; the one before it while no product has changed, because 100,000 products take a while."""
    state = parts.catalogue_state(db, shop_id)
    if before is not None and before.state == state != parts.NEVER:
        return before
    products = publishing.sellable(db, shop_id)
    return Shelf(products, tuple(heapq.nlargest(NEWEST, products)), state)
