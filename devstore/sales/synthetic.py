"""A made-up outdoor and home shop that never stops selling: same seed, same shop, on any machine."""

from collections.abc import Iterator
from datetime import date, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import numpy as np

from devstore.sales import happenings
from devstore.sales.assortment import KINDS, SERIES
from devstore.sales.catalogue import FUTURE_SHARE, build
from devstore.sales.ledger import Day
from devstore.sales.model import Event, Order, Product, ShopFacts
from devstore.sales.moments import DAY
from devstore.sales.orders import Clerk, product_index
from devstore.sales.simulation import Simulation
from devstore.sales.truth import Truth

FACTS = ShopFacts(name="Harrow & Pine", currency="USD", time_zone="America/New_York", country="US")
HISTORY_UNTIL = date(2026, 6, 30)
"""A fixed day, so that two demos a month apart show the same figures."""


class SyntheticSales:
    """Sales of the synthetic shop.

    The days are simulated one after the other when first asked for, so opening the shop costs milliseconds and the
    540 days of its history a few seconds, once. It may be asked from several threads.
    """

    facts: ShopFacts = FACTS
    last_day: date | None = None

    def __init__(
        self,
        seed: int = 7,
        *,
        products: int = 120,
        orders_per_day: float = 36.0,
        history_days: int = 540,
        history_until: date = HISTORY_UNTIL,
    ) -> None:
        _check(products, orders_per_day, history_days)
        self.history_until = history_until
        self.first_day = history_until - timedelta(days=history_days - 1)
        self._catalogue = build(seed, products, self.first_day, history_until)
        self._simulation = Simulation(seed, self._catalogue, orders_per_day, self.first_day)
        self._clerk = Clerk(self._catalogue, ZoneInfo(self.facts.time_zone))
        self._stepping = Lock()

    @property
    def truth(self) -> Truth:
        """The causes behind the orders of all days simulated so far; for tests only."""
        return Truth(self._catalogue, self._simulation.ledger)

    def products(self, on: date) -> list[Product]:
        """The catalogue as it stands at the end of that day."""
        day = self._day(on)
        return [self._clerk.product(day, int(index)) for index in np.flatnonzero(day.live)]

    def available(self, product_id: int, on: date) -> int:
        """Units in stock at the end of that day; KeyError when the shop has no such product."""
        return int(self._day(on).on_hand[product_index(product_id, self._catalogue)])

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        """Orders created on the days start..end, oldest first, as they stand at the end of `as_of`."""
        now = ((as_of or max(end, self.history_until)).toordinal() + 1) * DAY - 1
        for ordinal in range(max(start, self.first_day).toordinal(), end.toordinal() + 1):
            yield from self._clerk.orders(self._day(date.fromordinal(ordinal)), now)

    def day(self, on: date) -> list[Event]:
        """Everything that happens on that business day, oldest first."""
        return happenings.of_day(self._simulation.ledger, self._day(on), self._clerk, self.facts)

    def _day(self, on: date) -> Day:
        """The record of that day, simulating up to it where that has not been done."""
        if on < self.first_day:
            raise ValueError(f"this shop's history begins on {self.first_day}; there is nothing on {on}")
        ledger = self._simulation.ledger
        with self._stepping:
            while len(ledger.days) <= on.toordinal() - ledger.first_ordinal:
                self._simulation.step()
        return ledger.day(on.toordinal())


def _check(products: int, orders_per_day: float, history_days: int) -> None:
    most = int(len(KINDS) * len(SERIES) / (1 + FUTURE_SHARE))
    if not 20 <= products <= most:
        raise ValueError(f"products must be between 20 and {most}, not {products}")
    if not 1 <= orders_per_day <= 2_000:
        raise ValueError(f"orders_per_day must be between 1 and 2000, not {orders_per_day}")
    if not 28 <= history_days <= 3_660:
        raise ValueError(f"history_days must be between 28 and 3660, not {history_days}")
