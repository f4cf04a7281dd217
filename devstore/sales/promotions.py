"""Promotions and list prices: what a product costs on a given day."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from devstore.sales.arrays import Floats, Ints
from devstore.sales.assortment import DEPARTMENTS
from devstore.sales.catalogue import Catalogue
from devstore.sales.chance import Purpose, stream

BLOCK_DAYS = 14
"""One promotion at most begins in each block of this many days."""
QUARTER_DAYS = 91
LEVELS = np.array([0.93, 1.0, 1.0, 1.06, 1.12])


@dataclass(frozen=True)
class _Promotion:
    """Days into its block on which it runs, and the share it takes off each price."""

    start: int
    end: int
    off: Floats


class Prices:
    """List prices and promotion prices of a catalogue, each a function of the seed and the day."""

    def __init__(self, seed: int, catalogue: Catalogue) -> None:
        self._seed = seed
        self._catalogue = catalogue
        self._promotions: dict[int, _Promotion] = {}
        self._levels: dict[int, Floats] = {}
        self._repriced: dict[int, Ints] = {}

    def list_cents(self, on: date) -> Ints:
        """Prices without promotion: a product is repriced at most once a quarter, on a day of its own."""
        quarter, into = divmod(on.toordinal(), QUARTER_DAYS)
        level = np.where(into >= self._repriced_on(quarter), self._level(quarter), self._level(quarter - 1))
        cents = self._catalogue.base_cents * level
        return np.where(cents < 1500, np.round(cents / 50) * 50, np.round(cents / 100) * 100).astype(np.int64)

    def discount(self, on: date) -> Floats:
        """Share taken off each price on that day; zero for most products on most days."""
        block, into = divmod(on.toordinal(), BLOCK_DAYS)
        off = np.zeros(len(self._catalogue))
        for promotion, day in ((self._promotion(block), into), (self._promotion(block - 1), into + BLOCK_DAYS)):
            if promotion.start <= day < promotion.end:
                off = np.maximum(off, promotion.off)
        return off

    def cents(self, on: date, list_cents: Ints) -> Ints:
        """What a product costs that day, given the list prices of the day."""
        return np.round(list_cents * (1 - self.discount(on))).astype(np.int64)

    def pull(self, cents: Ints) -> Floats:
        """What these prices do to demand: constant elasticity against the price at launch."""
        ratio = cents / self._catalogue.base_cents
        return np.asarray(ratio**self._catalogue.elasticity, dtype=np.float64)

    def _promotion(self, block: int) -> _Promotion:
        """The promotion that begins in this block: some products of one department for four to nine days, or none."""
        if block not in self._promotions:
            rng = stream(self._seed, Purpose.PROMOTION, block)
            start, days = int(rng.integers(0, 10)), int(rng.integers(4, 10))
            share = float(rng.choice([0.10, 0.15, 0.20, 0.25, 0.30])) * (rng.random() < 0.7)
            inside = self._catalogue.departments == rng.integers(0, len(DEPARTMENTS))
            chosen = inside & (rng.random(len(self._catalogue)) < 0.45)
            self._promotions[block] = _Promotion(start, start + days, np.where(chosen, share, 0.0))
        return self._promotions[block]

    def _level(self, quarter: int) -> Floats:
        """Price levels: every other product draws a new one each quarter, so each keeps its own for two."""
        if quarter not in self._levels:
            draws_now = (quarter + np.arange(len(self._catalogue))) % 2 == 0
            now, before = (self._draw(q).integers(0, len(LEVELS), draws_now.size) for q in (quarter, quarter - 1))
            self._levels[quarter] = np.asarray(LEVELS[np.where(draws_now, now, before)], dtype=np.float64)
        return self._levels[quarter]

    def _repriced_on(self, quarter: int) -> Ints:
        if quarter not in self._repriced:
            rng = self._draw(quarter).spawn(1)[0]
            self._repriced[quarter] = rng.integers(0, QUARTER_DAYS, len(self._catalogue))
        return self._repriced[quarter]

    def _draw(self, quarter: int) -> np.random.Generator:
        return stream(self._seed, Purpose.PRICE, quarter)
