"""Who buys: newcomers, and earlier customers who come back until they do not."""

from dataclasses import dataclass, field

import numpy as np

from devstore.sales.arrays import Floats, Ints
from devstore.sales.assortment import DEPARTMENTS
from devstore.sales.chance import Purpose, stream

NEW_SHARE = 0.56
GUEST_SHARE = 0.02
KNOWN_AT_START = 2_500
REMEMBERED = 20_000
"""The pool holds the newest customers only, so that a shop may run for ever."""
DROPOUT_A, DROPOUT_B = 0.793, 2.426
"""Beta parameters of leaving after a purchase (BG/NBD on CDNOW: Fader, Hardie, Lee 2005)."""
LOYALTY_SHAPE = 0.3


@dataclass
class Customers:
    """The pool of known customers as ring columns: `serial % REMEMBERED` is a customer's row."""

    count: int = 0
    loyalty: Floats = field(default_factory=lambda: np.zeros(REMEMBERED))
    dropout: Floats = field(default_factory=lambda: np.zeros(REMEMBERED))
    favourite: Ints = field(default_factory=lambda: np.zeros(REMEMBERED, dtype=np.int64))
    second: Ints = field(default_factory=lambda: np.zeros(REMEMBERED, dtype=np.int64))

    @classmethod
    def of_an_open_shop(cls, seed: int) -> "Customers":
        """A shop that had customers before its history begins."""
        customers = cls()
        customers._join(stream(seed, Purpose.FIRST_CUSTOMERS), KNOWN_AT_START)
        return customers

    def arrive(self, rng: np.random.Generator, orders: int) -> Ints:
        """Serial numbers of the customers behind that many orders."""
        returning = rng.random(orders) >= NEW_SHARE
        serials = np.empty(orders, dtype=np.int64)
        serials[returning] = self._returning(rng, int(returning.sum()))
        serials[~returning] = self._join(rng, int((~returning).sum()))
        return serials

    def tastes(self, serials: Ints) -> Floats:
        """How much each customer likes each department: shape (customers, departments)."""
        rows = np.arange(len(serials))
        liking = np.full((len(serials), len(DEPARTMENTS)), 0.45)
        liking[rows, self.second[serials % REMEMBERED]] = 2.0
        liking[rows, self.favourite[serials % REMEMBERED]] = 3.5
        return liking

    def _returning(self, rng: np.random.Generator, wanted: int) -> Ints:
        reach = np.cumsum(self.loyalty)
        rows = np.searchsorted(reach, rng.random(wanted) * reach[-1], side="right")
        rows = np.minimum(rows, REMEMBERED - 1)
        leaves = rng.random(wanted) < self.dropout[rows]
        self.loyalty[rows[leaves]] *= 0.02
        newest = self.count - 1
        return np.asarray(newest - (newest - rows) % REMEMBERED, dtype=np.int64)

    def _join(self, rng: np.random.Generator, wanted: int) -> Ints:
        serials = np.arange(self.count, self.count + wanted)
        rows = serials % REMEMBERED
        self.loyalty[rows] = rng.gamma(LOYALTY_SHAPE, 1.0, wanted)
        self.dropout[rows] = rng.beta(DROPOUT_A, DROPOUT_B, wanted)
        self.favourite[rows] = rng.integers(0, len(DEPARTMENTS), wanted)
        self.second[rows] = rng.integers(0, len(DEPARTMENTS), wanted)
        self.count += wanted
        return serials
