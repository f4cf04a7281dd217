"""The plan for things that each have a shelf and a forecast of their own, be they products or variants."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ml import reorder
from ml.reorder import Terms
from shopify_app.lifecycle.advice import Advice, Floats, Ints, Need, Shelf
from shopify_app.lifecycle.forecast_arrays import ForecastArrays

PLANNED = (
    "lead_time_units",
    "cover_units",
    "safety_units",
    "reorder_point",
    "days_of_cover",
    "order_in",
    "order_units",
)
"""The numbers of `ml.reorder.Plan`."""


def planned(
    said: ForecastArrays,
    daily: Floats,
    shelves: Sequence[Shelf],
    terms: Mapping[str, Terms],
    arriving: Floats,
    tails: Mapping[int, float],
    today_on: date,
) -> Advice:
    """The advice about things that each have a shelf and a forecast of their own. tails: learned, by lead time."""
    held = np.array([shelf.in_stock or 0 for shelf in shelves], dtype=np.float64)
    numbers = {name: np.zeros(len(shelves)) for name in PLANNED}
    for shared, rows in _under(shelves, terms).items():
        tail = reorder.tail_for(shared.lead_days, tails)
        plan = reorder.plan(daily[rows], said.of(rows).bands, held[rows], shared, arriving[rows], tail)
        for name, values in numbers.items():
            values[rows] = getattr(plan, name)
    known = np.array([shelf.in_stock is not None for shelf in shelves], dtype=bool)
    cover, wait = numbers.pop("days_of_cover"), numbers.pop("order_in")
    return Advice(
        today_on=today_on,
        origin_on=said.origin_on,
        shelves=shelves,
        terms=terms,
        on_the_way=arriving.sum(axis=1).round().astype(np.int64),
        needs=_needs(known, wait, numbers["order_units"], daily.shape[1]),
        days_of_cover=np.where(known, cover, np.inf),
        order_in=np.where(known, wait, np.inf),
        numbers={**numbers, "per_day": daily.mean(axis=1)},
        horizon=daily.shape[1],
    )


def on_the_way(things: int, coming: Iterable[tuple[int, date, float]], today_on: date, horizon: int) -> Floats:
    """Units on their way by thing and day from today on, from the place of each, its day and its units.

    What comes after the forecast comes on its last day.
    """
    arriving = np.zeros((things, horizon))
    for place, due_on, units in coming:
        arriving[place, min((due_on - today_on).days, horizon - 1)] += units
    return arriving


def _under(shelves: Sequence[Shelf], terms: Mapping[str, Terms]) -> dict[Terms, Ints]:
    """The places of those under the same terms, which are planned together."""
    under: dict[Terms, list[int]] = defaultdict(list)
    for place, shelf in enumerate(shelves):
        under[terms[shelf.vendor]].append(place)
    return {shared: np.array(places, dtype=np.int64) for shared, places in under.items()}


def _needs(known: NDArray[np.bool_], order_in: Floats, units: Floats, horizon: int) -> NDArray[np.str_]:
    wanted = known & (units > 0) & (order_in < horizon)
    return np.select([~known, wanted & (order_in == 0), wanted], [Need.UNKNOWN, Need.NOW, Need.LATER], Need.NONE)
