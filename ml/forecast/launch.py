"""New products lean on how launches of their kind began, the less the older they get.

What a product sold per open day since its first sale is shrunk towards a prior: the geometric mean of what products
launched before sold in their first four weeks, moved by what is special about its own type, vendor and tags. A model
learned from products with a history takes over week by week.

On 1,550 products of Online Retail II up to 56 days old (origins every 28 days up to 21 July 2011, words of the title as
tags) the error of their next 28 days fell from .908 to .82 up to 6 days old, from .530 to .48 up to 28 and from .501 to
.45 up to 56; settings were chosen there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ml.sales import Bools, DailySales, Floats, Ints

YOUNG = 84
"""Days since the first sale after which a product has no prior any more."""
BEFORE = 60
"""Days that must be known before a first sale for it to be a launch: else a quiet product may just have been idle."""
FIRST = 28
LEAST = 20
"""Launches that make a prior."""
TRUST = 8.0
"""Open days of its own after which a product weighs as much as its prior."""
KIND_TRUST = 10.0
"""Launches of a kind after which what is special about them counts half."""
NOTHING = 0.004
"""Units per day below which a rate is as good as none."""


@dataclass(frozen=True)
class Launches:
    """What is known of new products. rate: units per open day, shrunk; share: how much of the forecast is the model's.

    Both float64 [series] of the whole shop; share is 1 for a product that is not new.
    """

    rate: Floats
    share: Floats

    def logs(self, rows: Ints, rates: Floats) -> Floats:
        """Logs of the factors that the model's `rates` [len(rows), weeks] (units per open day) are to be moved by."""
        gap = np.log((self.rate[rows, None] + NOTHING) / (rates + NOTHING))
        return np.asarray((1 - self.share[rows, None]) * gap)


def launches(sales: DailySales, is_open: Bools) -> Launches:
    """The new products of this shop and their rates; nobody is new without enough launches to compare with."""
    n = len(sales.series)
    found = Launches(np.zeros(n), np.ones(n))
    age = sales.days - sales.born
    begun = np.flatnonzero((sales.born >= BEFORE) & (age > 0))
    young, seen = begun[age[begun] < YOUNG], begun[age[begun] >= FIRST]
    if len(young) == 0 or len(seen) < LEAST:
        return found
    opened = np.concatenate([[0.0], np.cumsum(is_open)])
    prior = _prior(sales, seen, np.log(_rate_at_first(sales, seen, opened)), young)
    born = sales.born[young]
    units = np.array([sales.units[i, b:].sum(dtype=np.float64) for i, b in zip(young, born, strict=True)])
    days = opened[sales.days] - opened[born]
    found.rate[young] = (units + TRUST * prior) / (days + TRUST)
    found.share[young] = age[young] / YOUNG
    return found


def _rate_at_first(sales: DailySales, rows: Ints, opened: Floats) -> Floats:
    """Units per open day in the four weeks from each first sale on; never zero, because of that sale."""
    born = sales.born[rows]
    units = sales.units[rows[:, None], born[:, None] + np.arange(FIRST)].sum(axis=1, dtype=np.float64)
    return np.asarray(units / np.maximum(opened[born + FIRST] - opened[born], 1))


def _prior(sales: DailySales, seen: Ints, logs: Floats, young: Ints) -> Floats:
    """The rate to expect of each young product before it has sold anything."""
    usual = float(logs.mean())
    of_kind: dict[str, list[float]] = defaultdict(list)
    for row, log in zip(seen, logs, strict=True):
        for kind in sales.kinds.get(sales.series[row], ()):
            of_kind[kind].append(float(log))
    special = {kind: (sum(found) - len(found) * usual) / (len(found) + KIND_TRUST) for kind, found in of_kind.items()}
    moved = np.zeros(len(young))
    for place, row in enumerate(young):
        known = [special[kind] for kind in sales.kinds.get(sales.series[row], ()) if kind in special]
        moved[place] = sum(known) / len(known) if known else 0.0
    return np.asarray(np.exp(usual + moved))
