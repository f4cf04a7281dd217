"""What a simulated day wrote down: its orders, lines and later fate as columns, its shelf and its prices."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from devstore.sales.arrays import Bools, Ints
from devstore.sales.moments import DAY

NEVER = -1


@dataclass(frozen=True)
class Day:
    """One business day. Times are seconds on the shop's own clock since midnight of day one (ordinal * 86,400)."""

    ordinal: int
    first_order: int
    """Running number of the day's first order."""
    first_line: int
    created: Ints
    customer: Ints
    """Serial number of the customer, NEVER for a guest."""
    test: Bools
    cancelled: Ints
    refunded: Ints
    noted: Ints
    """When somebody in the shop touched the order without changing what was bought."""
    line_order: Ints
    """Position in the day's orders of each line; lines follow their orders."""
    product: Ints
    units: Ints
    returned: Ints
    """Units that come back when the order is refunded."""
    cents: Ints
    """Price of each line's unit."""
    on_hand: Ints
    """Units per product at the end of the day."""
    moved: Ints
    """When the stock of each product last changed on this day, NEVER when it did not."""
    price: Ints
    """Price per product on this day, in cents."""
    list_price: Ints
    priced_on: Ints
    """Ordinal of the day on which each product last changed its price or appeared."""
    live: Bools
    demand: Ints
    """Units asked for per product, sold or not. Truth: never shown through the API."""
    lost: Ints
    """Of these, units not sold for want of stock."""

    @cached_property
    def lines_of(self) -> Ints:
        """Where each order's lines begin; one entry more than there are orders."""
        return np.searchsorted(self.line_order, np.arange(len(self.created) + 1))

    @cached_property
    def totals(self) -> Ints:
        """What each order cost when it was placed, in cents."""
        return np.bincount(self.line_order, self.units * self.cents, minlength=len(self.created)).astype(np.int64)


@dataclass
class Ledger:
    """All days so far, and for each day the earlier orders that change on it."""

    first_ordinal: int
    days: list[Day] = field(default_factory=list)
    changes: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Ordinal of a day to the (ordinal, position) of orders cancelled, refunded or noted on it."""

    @property
    def orders(self) -> int:
        """Orders written so far."""
        return self.days[-1].first_order + len(self.days[-1].created) if self.days else 0

    @property
    def lines(self) -> int:
        """Lines written so far."""
        return self.days[-1].first_line + len(self.days[-1].product) if self.days else 0

    def day(self, ordinal: int) -> Day:
        """The record of that day; IndexError when it has not been simulated."""
        return self.days[ordinal - self.first_ordinal]

    def write(self, day: Day) -> None:
        """Append the next day and note when its orders change later."""
        self.days.append(day)
        for column in (day.cancelled, day.refunded, day.noted):
            for position in np.flatnonzero(column != NEVER):
                self.changes.setdefault(int(column[position]) // DAY, []).append((day.ordinal, int(position)))
