"""Seeded chance: one independent random stream per purpose and day."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a random stream decides. Adding one at the end leaves every other stream as it was."""

    CATALOGUE = 1
    WEEK = 2
    PROMOTION = 3
    PRICE = 4
    DAY = 5
    FIRST_CUSTOMERS = 6
    SUPPLY = 7


def stream(seed: int, purpose: Purpose, when: int = 0) -> np.random.Generator:
    """A generator that depends on nothing but its arguments, so that any day can be drawn again."""
    return np.random.default_rng([seed, int(purpose), when])
