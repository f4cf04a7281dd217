"""Units on the shelf: sold, reordered by an (s, S) rule, arriving late now and then."""

from dataclasses import dataclass, field

import numpy as np

from devstore.sales.arrays import Floats, Ints
from devstore.sales.catalogue import Catalogue
from devstore.sales.chance import Purpose, stream

MEMORY_DAYS = 21.0
"""The buyer goes by an exponential average of about this many days."""
COVER_DAYS = 24.0
SAFETY_DAYS = 1.0
LATE_SHARE = 0.15


@dataclass
class Stock:
    """Units on hand and on order, by product index."""

    on_hand: Ints
    pace: Floats
    """Units a day that the buyer reckons with."""
    lead_days: Ints
    on_order: Ints
    arriving: dict[int, Ints] = field(default_factory=dict)

    @classmethod
    def filled(cls, seed: int, catalogue: Catalogue, units_a_day: float) -> "Stock":
        """A well-filled shelf before the first day."""
        rng = stream(seed, Purpose.SUPPLY)
        pace = catalogue.popularity * units_a_day
        on_hand = np.ceil(pace * (COVER_DAYS + SAFETY_DAYS) * rng.uniform(0.6, 1.2, len(pace))) + 4
        lead = rng.integers(4, 13, len(pace))
        return cls(on_hand.astype(np.int64), pace, lead, np.zeros(len(pace), dtype=np.int64))

    def receive(self, day: int) -> Ints:
        """Put what arrives on that day on the shelf; returns the units by product."""
        units = self.arriving.pop(day, np.zeros_like(self.on_hand))
        self.on_hand += units
        self.on_order -= units
        return units

    def take(self, product: int, units: int) -> bool:
        """Sell these units if all are there."""
        if self.on_hand[product] < units:
            return False
        self.on_hand[product] -= units
        return True

    def reorder(
        self, rng: np.random.Generator, day: int, wanted: Ints, live: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> None:
        """At closing time: learn from what was asked for, then order what falls below the line."""
        self.pace += np.where(live, wanted - self.pace, 0) / MEMORY_DAYS
        line = self.pace * (self.lead_days + SAFETY_DAYS) + 0.9 * np.sqrt(self.pace * self.lead_days) + 1
        position = self.on_hand + self.on_order
        order = np.where(live & (position <= line), np.ceil(line + self.pace * COVER_DAYS + 3 - position), 0)
        late = np.where(rng.random(len(order)) < LATE_SHARE, rng.integers(6, 22, len(order)), 0)
        self._send(day + self.lead_days + late, order.astype(np.int64))

    def _send(self, due: Ints, order: Ints) -> None:
        self.on_order += order
        for product in np.flatnonzero(order):
            batch = self.arriving.setdefault(int(due[product]), np.zeros_like(order))
            batch[product] += order[product]
