"""How a product's forecast falls to its variants: by what each sold lately, shrunk to equal parts.

On 382 products of Online Retail II with several variants (colours and sizes of one number), the next 28 days of each
variant, its product's total being known: error .308 (origins up to July 2011, where span and trust were chosen) and
.277 (August to December), against .310 and .278 unshrunk and .568 and .603 in equal parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ml.errors import BadData
from ml.sales import Floats

SPAN = 91
"""Days of sales that tell the shares."""
TRUST = 10.0
"""Units a product must have sold in them for its variants' own shares to weigh as much as equal ones."""


def shares(sold: ArrayLike) -> Floats:
    """Each variant's share of its product's next sales, adding up to 1; equal parts when none was sold.

    sold: units of each variant in the last `SPAN` days, 0 or more. Raises BadData without a variant or for less than 0.
    """
    units = np.asarray(sold, dtype=np.float64)
    if units.ndim != 1 or len(units) == 0 or not np.isfinite(units).all() or (units < 0).any():
        raise BadData(f"units per variant are {sold}, expected one number of 0 or more for each")
    return np.asarray((units + TRUST / len(units)) / (units.sum() + TRUST))


def whole_units(units: int, of: ArrayLike) -> list[int]:
    """Whole units in proportion to these shares, adding up to `units` exactly: the largest remainders get one more.

    Equal remainders go to the larger share, then to the first.
    """
    wanted = np.asarray(of, dtype=np.float64) * units
    floor = np.floor(wanted + 1e-9)
    order = sorted(range(len(wanted)), key=lambda k: (round(floor[k] - wanted[k], 9), -wanted[k], k))
    found = [int(part) for part in floor]
    for k in order[: units - sum(found)]:
        found[k] += 1
    return found
