"""Do lists sell more? Two groups of visitors, one of which sees none; an exact test that may be looked at every day.

Each visitor falls into either group with the same chance. So under "lists make no difference" every new buyer is of
either group with chance one half, whatever else the shop does: a coin, counted in order of arrival. The same coin,
thrown for visitors instead of buyers, tells whether the split itself is sound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf, lgamma, log

BROAD = 100.0
"""The mixture's weight: tightest where one group buys about 15 % more than the other."""
ALPHA = 0.05
SPLIT_ALPHA = 0.001
"""A split that chance makes less often than this is taken for a fault: nothing may be read from such a test."""
FEWEST = 20
"""Buyers below which no bound is told: it would be wider than anybody believes."""


class Said(StrEnum):
    """What a test says so far."""

    UNEQUAL = "unequal"
    EARLY = "early"
    OPEN = "open"
    MORE = "more"
    FEWER = "fewer"


@dataclass(frozen=True)
class Compared:
    """Visitors and buyers of both groups. lift: how many more buy with lists (0.1: 10 %), with bounds that hold at
    every look at once; None below 20 buyers, or when nobody of the other group bought."""

    said: Said
    shown: int
    held: int
    shown_buyers: int
    held_buyers: int
    lift: float | None
    low: float | None
    high: float | None


def compare(shown: int, held: int, shown_buyers: int, held_buyers: int, alpha: float = ALPHA) -> Compared:
    """Visitors who saw lists and who did not, and how many of each bought. Raises ValueError for impossible counts."""
    if min(shown_buyers, held_buyers) < 0 or shown_buyers > shown or held_buyers > held:
        raise ValueError(f"impossible: {shown_buyers} of {shown} and {held_buyers} of {held}")
    counts = (shown, held, shown_buyers, held_buyers)
    if evidence(shown, held) >= log(1 / SPLIT_ALPHA):
        return Compared(Said.UNEQUAL, *counts, None, None, None)
    if shown_buyers + held_buyers < FEWEST:
        return Compared(Said.EARLY, *counts, None, None, None)
    low, high = (_odds(share) - 1 for share in bounds(shown_buyers, held_buyers, alpha))
    lift = shown_buyers / held_buyers - 1 if held_buyers else None
    said = Said.MORE if low > 0 else Said.FEWER if high < 0 else Said.OPEN
    return Compared(said, *counts, lift, low, high)


def evidence(heads: int, tails: int, share: float = 0.5) -> float:
    """Log of the evidence against a coin that shows heads with chance `share`: a mixture's likelihood over the coin's.

    If the coin is true, its evidence ever exceeds log(1 / alpha), at any time, with chance alpha at most. So it may be
    looked at after every throw. -inf < share < 1; a share of 0 or 1 is refuted by a single throw of the other side.

    Source: Ville (1939), "Étude critique de la notion de collectif"; for counts in A/B tests Lindon & Malek (2022),
    "Anytime-valid inference for multinomial count data". The mixture is Beta(100, 100).
    """
    if (heads and share <= 0) or (tails and share >= 1):
        return inf
    coin = (heads * log(share) if heads else 0.0) + (tails * log(1 - share) if tails else 0.0)
    return _log_beta(BROAD + heads, BROAD + tails) - _log_beta(BROAD, BROAD) - coin


def bounds(heads: int, tails: int, alpha: float = ALPHA) -> tuple[float, float]:
    """The shares that the throws do not refute: an interval that holds the true one at every look at once."""
    limit = log(1 / alpha)
    seen = heads / (heads + tails) if heads + tails else 0.5
    return (
        _edge(lambda share: evidence(heads, tails, share) < limit, 0.0, seen),
        _edge(lambda share: evidence(heads, tails, share) < limit, 1.0, seen),
    )


def _edge(holds: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where, on the way from a share that holds to one that may not, it stops holding. Evidence grows all the way."""
    if holds(outside):
        return outside
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (outside, middle) if holds(middle) else (middle, inside)
    return outside


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else inf


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
