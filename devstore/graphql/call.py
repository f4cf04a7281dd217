"""One GraphQL call: for which shop, with which rights, at which moment of its business."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devstore.shop import Shop

WALL = timedelta(days=60)


@dataclass
class Call:
    """What every field function is given besides its object."""

    shop: "Shop"
    scopes: frozenset[str]
    api_version: str
    base_url: str
    """Where this dev store is reached, for the addresses of bulk results."""

    @property
    def orders_since(self) -> datetime | None:
        """The 60-day wall, None for an app that may read all orders."""
        return None if "read_all_orders" in self.scopes else self.shop.clock.now - WALL

    def may(self, *scopes: str) -> bool:
        """Whether one of these scopes is granted; a write scope brings its read scope along."""
        return any(scope in self.scopes or scope.replace("read_", "write_", 1) in self.scopes for scope in scopes)
