"""What becomes of an order afterwards: cancelled, sent back, or just touched by somebody in the shop."""

from dataclasses import dataclass

import numpy as np

from devstore.sales.arrays import Ints
from devstore.sales.ledger import NEVER
from devstore.sales.moments import DAY

CANCELLED_SHARE = 0.015
NOTED_SHARE = 0.04
RETURN_DAYS = (7, 31)
OFFICE = (9 * 3600, 18 * 3600)


@dataclass(frozen=True)
class Fate:
    """Times of later changes per order (NEVER for none) and units that come back per line."""

    cancelled: Ints
    refunded: Ints
    noted: Ints
    returned: Ints


def draw(rng: np.random.Generator, created: Ints, line_order: Ints, units: Ints, return_rate: Ints) -> Fate:
    """The future of one day's orders; a cancelled order has no other."""
    orders = len(created)
    cancelled = np.where(rng.random(orders) < CANCELLED_SHARE, _soon(rng, created), NEVER)
    comes_back = (rng.random(len(units)) < return_rate) & (cancelled[line_order] == NEVER)
    has_return = np.bincount(line_order[comes_back], minlength=orders) > 0
    refunded = np.where(has_return, _in_office(rng, created, *RETURN_DAYS), NEVER)
    touched = (rng.random(orders) < NOTED_SHARE) & (cancelled == NEVER)
    noted = np.where(touched, _in_office(rng, created, 1, 4), NEVER)
    return Fate(cancelled, refunded, noted, np.where(comes_back, units, 0))


def _soon(rng: np.random.Generator, created: Ints) -> Ints:
    """Minutes to hours later; what would fall into the night waits for the office to open."""
    later = created + rng.integers(600, 30_000, len(created))
    next_morning = (created // DAY + 1) * DAY + OFFICE[0] + rng.integers(0, 3600, len(created))
    return np.where(later // DAY == created // DAY, later, next_morning)


def _in_office(rng: np.random.Generator, created: Ints, least: int, most: int) -> Ints:
    """Some days later within office hours."""
    day = created // DAY + rng.integers(least, most, len(created))
    return np.asarray(day * DAY + rng.integers(*OFFICE, len(created)), dtype=np.int64)
