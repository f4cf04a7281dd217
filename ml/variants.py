"""How a product's forecast falls to its variants: by what each sold lately, shrunk to equal parts.

On 382 products of Online Retail II with several variants (colours and sizes of one number), the next 28 days of each
variant, its product's total being known: error .308 (origins up to July 2011, where span and trust were chosen) and
.277 (August to December), against .310 and .278 unshrunk and .568 and .603 in equal parts.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ml.errors import BadData
from ml.sales import Floats

SPAN = 91
"""Days of sales that tell the shares."""
LEAST_DAYS = 28
"""Of them a variant must have been there for what it sold to say more of the others: fewer days say too little."""
TRUST = 10.0
"""Units a product must have sold in them for its variants' own shares to weigh as much as equal ones."""


def shares(sold: ArrayLike) -> Floats:
    """Each variant's share of its product's next sales, adding up to 1; equal parts when none was sold.

    sold: units of each variant in the last `SPAN` days, 0 or more. Raises BadData without a variant or for less than 0.
    """
    units = np.asarray(sold, dtype=np.float64)
    if units.ndim != 1 or len(units) == 0 or not np.isfinite(units).all() or (units < 0).any():
        raise BadData(f"units per variant are {sold!r}, expected one number of 0 or more for each")
    return np.asarray((units + TRUST / len(units)) / (units.sum() + TRUST))


def as_if_there(sold: float, days_gone: int) -> float:
    """What a variant would have sold in `SPAN` days, of which it was out of stock on so many."""
    return sold * SPAN / max(SPAN - days_gone, LEAST_DAYS)


def spread_of_part(factor: ArrayLike, share: ArrayLike) -> Floats:
    """The 90 % point over the mean of a variant that has this share of a product whose own is `factor`.

    A part is harder to foresee than the whole: its factor's excess over 1 grows with the fourth root of the share,
    half way between variants that sell in step (not at all) and by chance of each other (the square root). Of windows
    of 7 and 14 days of real colours and sizes 91 % lay under it where 90 % of their products' lay under theirs (origins
    up to July 2011, where the root was chosen), 90 % and 89 % from August on; by the product's own factor 89 %, 86 %.
    """
    return np.asarray(1 + (np.maximum(factor, 1.0) - 1) / np.asarray(share, dtype=np.float64) ** 0.25)


def topped_up(least: int, planned: ArrayLike, held: ArrayLike, of: ArrayLike, step: int = 1) -> list[int]:
    """Units per variant of an order that has to have at least so many, in whole steps.

    What is missing goes to the variants that are shortest of what their shares of everything would be.
    planned: units of each that are ordered anyway, held: what there is of each, of: their shares.
    """
    units = np.asarray(planned, dtype=np.int64)
    steps = math.ceil((least - units.sum()) / step - 1e-9)
    if steps <= 0:
        return [int(one) for one in units]
    have = (np.maximum(np.asarray(held, dtype=np.float64), 0) + units) / step
    share = np.asarray(of, dtype=np.float64)
    wanting = np.ones(len(share), dtype=bool)
    while True:
        together = steps + have[wanting].sum()
        missing = np.where(wanting, together * share / share[wanting].sum() - have, 0.0)
        if (missing >= 0).all():
            break
        wanting &= missing >= 0
    return [int(one) + step * more for one, more in zip(units, whole_units(steps, missing / steps), strict=True)]


def whole_units(units: int, of: ArrayLike) -> list[int]:
    """Whole units in proportion to these shares, adding up to `units` exactly: the largest remainders get one more.

    Equal remainders go to the larger share, then to the first.
    """
    wanted = np.asarray(of, dtype=np.float64) * units
    floor = np.floor(wanted + 1e-9)
    order = sorted(range(len(wanted)), key=lambda k: (round(float(floor[k] - wanted[k]), 9), -wanted[k], k))
    found = [int(part) for part in floor]
    for k in order[: units - sum(found)]:
        found[k] += 1
    return found
