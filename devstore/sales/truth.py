"""What only the maker of a synthetic shop knows. For tests; nothing of it may pass through the API."""

from datetime import date

from devstore.sales.catalogue import Catalogue
from devstore.sales.ledger import Ledger
from devstore.sales.orders import PRODUCT_BASE, product_index


class Truth:
    """The causes behind the orders."""

    def __init__(self, catalogue: Catalogue, ledger: Ledger) -> None:
        self._catalogue = catalogue
        self._ledger = ledger

    @property
    def complements(self) -> dict[int, tuple[int, ...]]:
        """For each product what customers truly take along with it, most often first."""
        return {
            PRODUCT_BASE + index: tuple(PRODUCT_BASE + int(other) for other in row if other >= 0)
            for index, row in enumerate(self._catalogue.complements)
        }

    @property
    def elasticity(self) -> dict[int, float]:
        """Price elasticity of each product's demand, negative."""
        return {PRODUCT_BASE + index: float(value) for index, value in enumerate(self._catalogue.elasticity)}

    def demand(self, product_id: int, on: date) -> int:
        """Units asked for on a simulated day, sold or not, test orders aside."""
        return int(self._ledger.day(on.toordinal()).demand[product_index(product_id, self._catalogue)])

    def lost(self, product_id: int, on: date) -> int:
        """Units asked for in vain on a simulated day, because the shelf was empty."""
        return int(self._ledger.day(on.toordinal()).lost[product_index(product_id, self._catalogue)])
