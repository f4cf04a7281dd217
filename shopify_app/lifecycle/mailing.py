"""What to put into an e-mail to each customer: their own list, by the same rules as on the storefront."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from ml.recommend.customers import AGAIN, PERSONAL, CustomerTable
from ml.recommend.neighbours import HOME, NeighbourTable
from shopify_app.errors import NotFound
from shopify_app.lifecycle import counted, registry, shelf
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.picking import pick, pick_own
from shopify_app.lifecycle.shelf import Shelf
from shopify_app.policy import Policy
from shopify_app.tables import Shop, Task

ONWARD = "onward"
"""The list of a customer without a personal one: what goes with what they bought most, of which nothing is in it."""
OWN_LOOKED_AT = 10
SPARE = 4
"""So many more than are shown, for products that turn out to have no page."""


class Letter(NamedTuple):
    """The products for one customer, best first. list_name: personal, onward or home."""

    list_name: str
    product_ids: tuple[int, ...]


@dataclass(frozen=True)
class Writer:
    """Writes letters by the version in charge. home: what whoever is not known gets."""

    near: NeighbourTable
    own: CustomerTable | None
    on_sale: Shelf
    limit: int
    home: Letter

    @classmethod
    def of(cls, db: Session, bundles: Bundles, shop: Shop) -> "Writer":
        """A writer for this shop. Raises NotFound while no version is in charge."""
        version = registry.champion(db, shop.id, Task.RECOMMEND)
        if version is None:
            raise NotFound(f"{shop.domain} has no recommendations yet")
        near = NeighbourTable.open(bundles.folder(counted.answering(db, version)))
        on_sale, limit = shelf.look(db, shop.id), Policy.of(shop.settings).list_length + SPARE
        own = CustomerTable.open(bundles.folder(version.bundle))
        return cls(near, own, on_sale, limit, Letter(HOME, pick(near, [], limit, on_sale)))

    def letter(self, pseudonym: str | None) -> Letter:
        """For the customer of this pseudonym; None for one who never bought, as far as is known."""
        if self.own is None or pseudonym is None:
            return self.home
        personal = pick_own(self.own, PERSONAL, pseudonym, [], self.limit, self.on_sale)
        if personal:
            return Letter(PERSONAL, personal)
        bought = self.own.products(AGAIN, pseudonym, OWN_LOOKED_AT)
        onward = pick(self.near, bought, self.limit, self.on_sale) if bought else ()
        return Letter(ONWARD, onward) if onward else self.home
