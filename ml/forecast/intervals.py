"""How far off a forecast usually is: bands from its own past errors, per class of volume (split conformal).

An error is measured in units of sqrt(f + 0.05 f²), the spread of a count whose rate itself wavers, so that products of
all sizes can share their experience; each class of volume then keeps its own 10, 50 and 90 % points. Windows have
bands of their own, since a sum of daily quantiles is no quantile of the sum.

Source: Lei et al. (2018), "Distribution-free predictive inference for regression"; the finite-sample ranks are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.sales import Floats

LEVELS = (0.1, 0.5, 0.9)
CLASSES = 6
MIN_IN_CLASS = 60
MOST_ERRORS = 1_000_000
"""Errors that bands are made from; of more, every third, fifth … is enough."""
WAVER = 0.05
LEAST = 0.05
"""Spread is never below that of a forecast of this many units, so that a forecast of zero has a width, too."""


@dataclass(frozen=True)
class Bands:
    """Scaled error at the 10, 50 and 90 % points, per class of forecast volume.

    edges: upper ends of all classes but the last. points: [classes, 3].
    """

    edges: tuple[float, ...]
    points: tuple[tuple[float, float, float], ...]

    def around(self, mean: Floats) -> tuple[Floats, Floats, Floats]:
        """p10, p50 and p90 for forecasts of any shape; never negative, never out of order."""
        number, unit = np.searchsorted(np.array(self.edges), mean), spread(mean)
        low, middle, high = (np.maximum(mean + points[number] * unit, 0.0) for points in np.array(self.points).T)
        return low, middle, high

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a bundle."""
        return {"edges": list(self.edges), "points": [list(point) for point in self.points]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Bands:
        """The bands that `as_dict` gave."""
        a_class = [(float(low), float(middle), float(high)) for low, middle, high in values["points"]]
        return cls(tuple(float(edge) for edge in values["edges"]), tuple(a_class))


UNTRIED = Bands((), ((-1.3, -0.2, 1.6),))
"""For a shop too young to have errors of its own: somewhat wider than a pure count."""

NEW_SERIES = (0.7, 1.0, 1.4)
"""Actual / forecast, for a total that was never forecast before."""


def spread(mean: Floats) -> Floats:
    """The unit that errors of a forecast are measured in."""
    floor = np.maximum(mean, LEAST)
    return np.asarray(np.sqrt(floor + WAVER * floor**2))


def calibrate(mean: Floats, actual: Floats) -> Bands:
    """Bands that would have held these forecasts (any shape) against what came; `UNTRIED` when there are too few."""
    thin = every(mean.size)
    mean, actual = mean.ravel()[::thin], actual.ravel()[::thin]
    classes = min(CLASSES, len(mean) // MIN_IN_CLASS)
    if classes == 0:
        return UNTRIED
    edges = np.unique(np.quantile(mean, np.arange(1, classes) / classes))
    number = np.searchsorted(edges, mean)
    error = (actual - mean) / spread(mean)
    points = [_points(error[number == k]) for k in range(len(edges) + 1)]
    kept = [k for k, point in enumerate(points) if point is not None]
    return Bands(tuple(_short(edges[k]) for k in kept[:-1]), tuple(point for point in points if point is not None))


def every(errors: int) -> int:
    """Of so many errors, bands are made from each first, third, fifth …: an odd step meets all four weeks alike."""
    return max(-(-errors // MOST_ERRORS), 1) | 1


def ratio_points(forecast: Floats, actual: Floats, trust: float = 1.0) -> tuple[float, float, float]:
    """The 10, 50 and 90 % points of actual / forecast: bands of one series that is forecast again and again.

    trust: how much of a full record these errors are. Windows of a few weeks in a row overlap and err alike, so bands
    made of them alone are far too narrow: they keep their distance from 1 in part from `NEW_SERIES`. 1 is inside.
    """
    use = forecast > 0
    if use.sum() < 4:
        return NEW_SERIES
    low, middle, high = (conformal(actual[use] / forecast[use], level) for level in LEVELS)
    new_low, _, new_high = NEW_SERIES
    lowest = float(min(low, 1.0) ** trust * new_low ** (1 - trust))
    highest = float(max(high, 1.0) ** trust * new_high ** (1 - trust))
    return min(low, lowest), middle, max(high, highest)


def conformal(values: Floats, level: float) -> float:
    """The empirical quantile with the finite-sample rank: outer levels move outwards, by one value at most."""
    ordered = np.sort(values)
    n = len(ordered)
    if level == 0.5:
        return float(np.median(ordered))
    rank = int(np.ceil((n + 1) * level)) if level > 0.5 else int(np.floor((n + 1) * level))
    return float(ordered[min(max(rank, 1), n) - 1])


def _points(error: Floats) -> tuple[float, float, float] | None:
    if len(error) == 0:
        return None
    low, middle, high = (_short(conformal(error, level)) for level in LEVELS)
    return low, middle, high


def _short(value: float) -> float:
    """Six significant digits: what a bundle keeps and what is computed with are the same number."""
    return float(f"{value:.6g}")
