"""How far off a forecast usually is: bands from its own past errors, per class of volume (split conformal).

An error is measured in units of sqrt(f + 0.05 f²), the spread of a count whose rate itself wavers, so that products of
all sizes can share their experience; each class of volume then keeps its own 10, 50 and 90 % points. Windows have
bands of their own, since a sum of daily quantiles is no quantile of the sum.

Source: Lei et al. (2018), "Distribution-free predictive inference for regression"; the finite-sample ranks are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.sales import Floats

Points = tuple[float, float, float]
"""The 10, 50 and 90 % points."""
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
    points: tuple[Points, ...]

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


UNTRIED: Mapping[int, tuple[Points, Points, Points]] = {
    1: ((0.0, 0.0, 3.84), (-0.8, -0.13, 0.75), (-1.19, -0.44, 0.23)),
    7: ((0.0, 0.0, 11.38), (-0.71, 0.0, 1.66), (-1.15, -0.23, 1.15)),
    28: ((0.0, 6.7, 40.51), (-0.48, 0.45, 3.97), (-1.54, -0.22, 1.98)),
}
"""Errors where a shop has too few of its own, by the length of a window: where nothing is expected, under four units,
more. In units of the spread of a count of lumps whose rate wavers, sqrt(lumps f + .05 f²). Measured on forecasts of
last week again in 400 small shops of 14 to 49 days cut out of Online Retail II up to May 2011, with orders as they were
and with three units a line at the most; each shop counts alike."""
UNTRIED_EDGES = (0.5, 4.0, 16.0, 64.0, 256.0, 1024.0)
"""Upper ends of classes, fine enough for one spread to stand for another."""
LATELY = 91
"""Days that tell in what lumps a shop sells."""

NEW_SERIES = (0.7, 1.0, 1.4)
"""Actual / forecast, for the total of a large shop that was never forecast before."""
BOTH = 2
"""What such a total is forecast from and what then comes are counts of lumps, both of them."""


def spread(mean: Floats) -> Floats:
    """The unit that errors of a forecast are measured in."""
    floor = np.maximum(mean, LEAST)
    return np.asarray(np.sqrt(floor + WAVER * floor**2))


def lumps(units: Floats) -> float:
    """Units that the average unit is sold together with on its day, itself included; units: [series, days].

    1 where nothing sells twice a day. It is what a product's days vary by, over what they hold, if orders come by
    chance: the index of dispersion of a compound Poisson count.
    """
    lately = units[:, -LATELY:]
    total = float(lately.sum(dtype=np.float64))
    return max(float(np.einsum("ij,ij->", lately, lately, dtype=np.float64)) / total, 1.0) if total > 0 else 1.0


def untried(days: int, lumps: float = 1.0) -> Bands:
    """Bands of windows of about so many days for who has too few errors to have their own; lumps: as `lumps` says."""
    nothing, few, more = UNTRIED[min(UNTRIED, key=lambda known: abs(np.log(known / days)))]
    return _of_lumps((nothing, few, *[more] * (len(UNTRIED_EDGES) - 1)), lumps)


def untried_sums(lumps: float = 1.0) -> Bands:
    """The same for sums of several products: each errs as a total of its size that was never forecast."""
    low, middle, high = ((ratio - 1) / np.sqrt(WAVER) for ratio in NEW_SERIES)
    return _of_lumps([(low, middle, high)] * (len(UNTRIED_EDGES) + 1), BOTH * lumps)


def untried_ratios(daily: float, days: int, lumps: float) -> Points:
    """Actual / forecast at the 10, 50 and 90 % points for a total of so many units a day, never forecast before.

    As for a large shop, and wider by what chance makes of few units.
    """
    wider = float(np.sqrt(1 + BOTH * lumps / (WAVER * daily * days))) if daily > 0 else 1.0
    low, middle, high = NEW_SERIES
    return _short(max(1 - (1 - low) * wider, 0.0)), middle, _short(1 + (high - 1) * wider)


def calibrate(mean: Floats, actual: Floats, otherwise: Bands) -> Bands:
    """Bands that would have held these forecasts (any shape) against what came; `otherwise` when there are too few."""
    thin = every(mean.size)
    mean, actual = mean.ravel()[::thin], actual.ravel()[::thin]
    classes = min(CLASSES, len(mean) // MIN_IN_CLASS)
    if classes == 0:
        return otherwise
    edges = np.unique(np.quantile(mean, np.arange(1, classes) / classes))
    number = np.searchsorted(edges, mean)
    error = (actual - mean) / spread(mean)
    points = [_points(error[number == k]) for k in range(len(edges) + 1)]
    kept = [k for k, point in enumerate(points) if point is not None]
    return Bands(tuple(_short(edges[k]) for k in kept[:-1]), tuple(point for point in points if point is not None))


def every(errors: int) -> int:
    """Of so many errors, bands are made from each first, third, fifth …: an odd step meets all four weeks alike."""
    return max(-(-errors // MOST_ERRORS), 1) | 1


def ratio_points(forecast: Floats, actual: Floats, trust: float = 1.0, otherwise: Points = NEW_SERIES) -> Points:
    """The 10, 50 and 90 % points of actual / forecast: bands of one series that is forecast again and again.

    trust: how much of a full record these errors are. Windows of a few weeks in a row overlap and err alike, so bands
    made of them alone are far too narrow: they keep their distance from 1 in part from `otherwise`. 1 is inside.
    """
    use = forecast > 0
    if use.sum() < 4:
        return otherwise
    low, middle, high = (conformal(actual[use] / forecast[use], level) for level in LEVELS)
    new_low, _, new_high = otherwise
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


def _of_lumps(errors: Sequence[Points], lumps: float) -> Bands:
    """Bands of errors that are told per class in units of the spread of a count of lumps."""
    middles = np.sqrt([LEAST**2, *np.multiply(UNTRIED_EDGES[:-1], UNTRIED_EDGES[1:]), (4 * UNTRIED_EDGES[-1]) ** 2])
    unit = np.sqrt(lumps * middles + WAVER * middles**2) / spread(middles)
    points = [(_short(a * k), _short(b * k), _short(c * k)) for (a, b, c), k in zip(errors, unit, strict=True)]
    return Bands(UNTRIED_EDGES, tuple(points))


def _points(error: Floats) -> Points | None:
    if len(error) == 0:
        return None
    low, middle, high = (_short(conformal(error, level)) for level in LEVELS)
    return low, middle, high


def _short(value: float) -> float:
    """Six significant digits: what a bundle keeps and what is computed with are the same number."""
    return float(f"{value:.6g}")
