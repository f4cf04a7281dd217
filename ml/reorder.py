"""When to order and how much: a forecast and its own quantiles, a lead time and a service level.

Safety stock comes from the bands that the forecast was measured to have and not from a normal curve: on two years of a
wholesaler's orders the textbook formula reached 85 % where 95 % was asked for. A service level is a share of orders:
those that arrive before the shelf is empty. Orders are placed just after much was sold, so it takes more stock than
being covered on an ordinary day; `ml/replenish.py` replays orders and learns how much more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.errors import BadConfig
from ml.sales import Floats, Ints

TAIL = 2.0
"""How fast stock grows with the service level, for a shop whose own orders have not told yet: between 1.5, which steady
sales need, and the 3.2 of a wholesaler with orders of hundreds (docs/models.md)."""
WORTH = 0.5
"""What is expected to sell less than this until an order is used up is not ordered, but for what is owed."""


@dataclass(frozen=True)
class Band:
    """Expected units of a window of `days` days and its 90 % point; one value or an array per product."""

    days: int
    mean: Floats
    p90: Floats


@dataclass(frozen=True)
class Terms:
    """How a vendor delivers: days until it arrives, how often there should be enough, smallest and step of an order.

    cover_days: how long an order should last once it has arrived. Raises BadConfig when a term makes no sense.
    """

    lead_days: int
    service_level: float = 0.95
    cover_days: int = 28
    least_units: int = 1
    step_units: int = 1

    def __post_init__(self) -> None:
        if not 0.5 <= self.service_level < 1:
            raise BadConfig(f"service level is {self.service_level}, expected 0.5 or more and below 1, such as 0.95")
        if min(self.lead_days, self.cover_days, self.least_units, self.step_units) < 1:
            raise BadConfig(f"{self}: days and units of an order are 1 or more")


@dataclass(frozen=True)
class Plan:
    """What to do about many products under the same terms; arrays [n].

    days_of_cover: how long stock and what arrives lasts. order_in: whole days until an order is due, 0 for now.
    order_units: what to order then.
    """

    lead_time_units: Floats
    cover_units: Floats
    safety_units: Floats
    reorder_point: Floats
    days_of_cover: Floats
    order_in: Floats
    order_units: Ints


def plan(
    daily: Floats,
    bands: Sequence[Band],
    stock_units: Floats,
    terms: Terms,
    arriving: Floats | None = None,
    tail: float = TAIL,
) -> Plan:
    """The plan for products whose forecasts of the days ahead are `daily` [n, horizon].

    stock_units: what is on the shelf [n], less than nothing when customers wait for some. arriving: units on their way
    by day of arrival [n, horizon]. Past its end a forecast goes on at its mean.
    """
    arriving = np.zeros_like(daily) if arriving is None else arriving
    lead, cover = (lead_time_units(daily, days) for days in (terms.lead_days, terms.cover_days))
    enough = reorder_point(lead, bands, terms, tail)
    held = stock_units + arriving.sum(axis=-1)
    wanted = enough + cover - np.minimum(held, enough)
    return Plan(
        lead_time_units=lead,
        cover_units=cover,
        safety_units=enough - lead,
        reorder_point=enough,
        days_of_cover=_days_of_cover(daily, stock_units[..., None] + arriving.cumsum(axis=-1)),
        order_in=np.floor(_days_of_cover(daily, np.broadcast_to((held - enough)[..., None], daily.shape))),
        order_units=np.where((lead + cover < WORTH) & (held >= 0), 0, _allowed(wanted, terms)),
    )


def lead_time_units(daily: Floats, days: int) -> Floats:
    """Expected units of the first `days` days of [..., horizon]; past its end a forecast goes on at its mean."""
    known = daily[..., :days].sum(axis=-1)
    return np.asarray(known + max(days - daily.shape[-1], 0) * daily.mean(axis=-1))


def reorder_point(expected: Floats, bands: Sequence[Band], terms: Terms, tail: float = TAIL) -> Floats:
    """Units that are enough for the lead time of the wanted share of orders, for one product or many."""
    return point(expected, spread(bands, terms.lead_days), terms, tail)


def point(expected: Floats, factor: Floats, terms: Terms, tail: float) -> Floats:
    """The reorder point of products whose 90 % point over the lead time is `factor` times what is expected.

    With f its logarithm, stock is exp(reach f / (1 + f)) times the expected units: regular products need more than a
    power of the factor, rare ones less. The reach grows with log10 1 / (1 - level), and for short lead times, where one
    day's sales count for more. This form was chosen on orders of January to July 2011 and held on those of August to
    December (`python -m bench reorder`).
    """
    log = np.log(np.maximum(factor, 1.0))
    reach = tail * math.log10(1 / (1 - terms.service_level)) * (0.65 + 1.3 / math.sqrt(terms.lead_days))
    return np.asarray(expected * np.exp(reach * log / (1 + log)))


def tail_for(lead_days: int, tails: Mapping[int, float]) -> float:
    """The tail learned at the lead time nearest to this one by ratio; `TAIL` when none was. tails: by lead time."""
    return tails[min(tails, key=lambda days: (abs(math.log(days / lead_days)), days))] if tails else TAIL


def spread(bands: Sequence[Band], days: int) -> Floats:
    """p90 over mean of a window of this length, read off the two nearest ones along the root of their length."""
    ordered = sorted(bands, key=lambda band: band.days)
    known = np.array([1 / math.sqrt(band.days) for band in ordered])
    factors = [np.asarray(band.p90 / np.maximum(band.mean, 1e-9)) for band in ordered]
    at = float(np.clip(1 / math.sqrt(max(days, 1)), known.min(), known.max()))
    if len(ordered) == 1:
        return factors[0]
    place = int(np.clip(np.searchsorted(-known, -at) - 1, 0, len(known) - 2))
    share = (at - known[place]) / (known[place + 1] - known[place])
    return np.asarray(factors[place] * (1 - share) + factors[place + 1] * share)


def _days_of_cover(daily: Floats, supply: Floats) -> Floats:
    """How many days last what is there by each day, both [n, horizon].

    Past its end the forecast goes on at its mean, and nothing sells for ever.
    """
    sold = daily.cumsum(axis=1)
    short = sold > supply
    first = np.where(short.any(axis=1), short.argmax(axis=1), daily.shape[1] - 1)
    row = np.arange(len(daily))
    share = 1 - (sold - supply)[row, first] / np.maximum(daily[row, first], 1e-9)
    left, mean = (supply - sold)[:, -1], daily.mean(axis=1)
    beyond = daily.shape[1] + np.where(mean > 0, left / np.maximum(mean, 1e-9), np.inf)
    return np.asarray(np.where(short.any(axis=1), first + np.clip(share, 0, 1), beyond))


def _allowed(units: Floats, terms: Terms) -> Ints:
    """The least allowed orders of at least these units."""
    wanted = np.maximum(units, terms.least_units)
    return np.asarray(np.ceil(wanted / terms.step_units - 1e-9) * terms.step_units, np.int64)
