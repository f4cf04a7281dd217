"""Advice tallied: once a week a shop's own last year is replayed as if everything had been ordered as advised.

What is learned is how much stock this shop's sales need for a service level (`ml/replenish.py`), for each lead time
that its vendors have: what was learned at weeks is too little for a day. It holds from the next day on. Forecasts are
those that were stored on their evenings, so nothing is known before its time.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from ml import replenish
from ml.reorder import Terms, lead_time_units, spread, tail_for
from ml.replenish import Evenings
from shopify_app import clock
from shopify_app.db import insert
from shopify_app.lifecycle import forecast_arrays, outcomes
from shopify_app.lifecycle.forecast_arrays import ForecastArrays
from shopify_app.lifecycle.tallies import SERVED
from shopify_app.policy import Policy
from shopify_app.records import vendors
from shopify_app.records.objects import Objects
from shopify_app.tables import Evaluation, ForecastRun, Shop, Task

LEVEL = "reorder"
EVERY_DAYS, WINDOW_DAYS = 7, 364
MOST_LEADS = 5
"""Lead times that are replayed: the shop's own, and of its vendors' those of most products. Others take the nearest."""
MOST_PRODUCTS = 2_000
"""Of a larger shop those that are expected to sell most: their orders tell enough."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Tallied:
    """A replay. kept: the share of orders in time with the tail that was in force, at the shop's own lead time.

    tails: those from now on, by lead time in days; none where too few orders told.
    """

    evaluated_on: date
    days: int
    orders: int
    kept: float | None
    service_level: float
    lead_days: int
    tails: Mapping[int, float]


def newest(db: Session, shop_id: int) -> Tallied | None:
    """The last replay of a shop."""
    query = select(Evaluation).where(
        Evaluation.shop_id == shop_id, Evaluation.task == Task.FORECAST, Evaluation.level == LEVEL
    )
    row = db.scalar(query.order_by(Evaluation.evaluated_on.desc()).limit(1))
    if row is None:
        return None
    numbers = row.numbers
    return Tallied(
        row.evaluated_on,
        row.window_days,
        row.orders,
        row.accuracy,
        float(numbers["service_level"]),
        int(numbers["lead_days"]),
        {int(days): float(tail) for days, tail in _tails(numbers).items()},
    )


def _tails(numbers: Mapping[str, Any]) -> Mapping[Any, float]:
    """Replays of earlier releases told of the shop's own lead time alone."""
    return numbers["tails"] if "tails" in numbers else {numbers["lead_days"]: numbers["tail"]}


def tally(db: Session, objects: Objects, shop: Shop, closed_on: date) -> Tallied | None:
    """Replay the time up to this evening under the shop's own terms; None when the last replay is younger than a week.

    Only reads: it takes seconds, during which others may want to write.
    """
    before = newest(db, shop.id)
    if before is not None and (closed_on - before.evaluated_on).days < EVERY_DAYS:
        return None
    runs = _runs(db, shop.id, closed_on)
    if not runs:
        return None
    policy = Policy.of(shop.settings)
    own = Terms(policy.lead_days, policy.service_level, policy.cover_days)
    all_terms = [replace(own, lead_days=days) for days in _leads(db, shop.id, own.lead_days)]
    evenings = dict(zip(all_terms, _evenings(db, objects, shop.id, runs, all_terms, closed_on), strict=True))
    done = replenish.replay(evenings[own], own, tail_for(own.lead_days, before.tails if before else {}))
    learned = {terms.lead_days: replenish.learned(told, terms) for terms, told in evenings.items()}
    tails = {days: tail for days, tail in learned.items() if tail is not None}
    return Tallied(closed_on, len(evenings[own].sold), done.orders, done.kept, own.service_level, own.lead_days, tails)


def keep(db: Session, shop_id: int, tallied: Tallied) -> None:
    """Write it down; twice is once."""
    numbers = {"service_level": tallied.service_level, "lead_days": tallied.lead_days, "tails": dict(tallied.tails)}
    row = insert(db, Evaluation).values(
        shop_id=shop_id,
        task=Task.FORECAST,
        version_id=SERVED,
        role="served",
        level=LEVEL,
        evaluated_on=tallied.evaluated_on,
        window_days=tallied.days,
        orders=tallied.orders,
        actual_units=0.0,
        forecast_units=0.0,
        accuracy=tallied.kept,
        numbers=numbers,
        created_at=clock.now(),
    )
    db.execute(row.on_conflict_do_nothing())


def _runs(db: Session, shop_id: int, closed_on: date) -> dict[date, ForecastRun]:
    """What was served on each evening before the last complete day, oldest first."""
    rows = db.scalars(
        select(ForecastRun)
        .where(
            ForecastRun.shop_id == shop_id,
            ForecastRun.was_champion,
            ForecastRun.origin_on >= closed_on - timedelta(days=WINDOW_DAYS),
            ForecastRun.origin_on < closed_on,
        )
        .order_by(ForecastRun.origin_on, ForecastRun.created_at)
    )
    return {run.origin_on: run for run in rows}


def _leads(db: Session, shop_id: int, own: int) -> list[int]:
    """The lead times to replay: the shop's own first, then those of its vendors by how many products they have."""
    told, products = vendors.said(db, shop_id), vendors.names(db, shop_id)
    known: Counter[int] = Counter()
    for name, terms in told.items():
        if terms["lead_days"] is not None and name in products:
            known[int(terms["lead_days"])] += products[name]
    ranked = sorted(known, key=lambda days: (-known[days], days))
    return list(dict.fromkeys([own, *ranked]))[:MOST_LEADS]


def _evenings(
    db: Session, objects: Objects, shop_id: int, runs: dict[date, ForecastRun], terms: Sequence[Terms], closed_on: date
) -> list[Evenings]:
    """The evenings from the oldest run on, under each of these terms, which differ in their lead times alone.

    One without a run repeats the one before it.
    """
    first_on, ids = min(runs), _leading(*(forecast_arrays.read(objects, runs[on]) for on in (min(runs), max(runs))))
    days = (closed_on - first_on).days
    leads, factors = ([np.full((days, len(ids)), np.nan) for _ in terms] for _ in range(2))
    cover = np.full((days, len(ids)), np.nan)
    for day in range(days):
        run = runs.get(first_on + timedelta(days=day))
        if run is None:
            for part in (*leads, *factors, cover):
                part[day] = part[day - 1]
            continue
        said = forecast_arrays.read(objects, run)
        there = np.flatnonzero(np.isin(ids, said.product_ids))
        mine = said.of(np.searchsorted(said.product_ids, ids[there]))
        cover[day, there] = lead_time_units(mine.daily, terms[0].cover_days)
        for one, lead, factor in zip(terms, leads, factors, strict=True):
            lead[day, there] = lead_time_units(mine.daily, one.lead_days)
            factor[day, there] = spread(mine.bands, one.lead_days)
    sold = np.zeros((days, len(ids)))
    place = {product_id: n for n, product_id in enumerate(ids.tolist())}
    first = first_on + timedelta(days=1)
    for product_id, day_on, units in outcomes.by_product_and_day(db, shop_id, first, closed_on, list(place)):
        sold[(day_on - first_on).days - 1, place[product_id]] = units
    return [Evenings(lead, factor, cover, sold) for lead, factor in zip(leads, factors, strict=True)]


def _leading(*said: ForecastArrays) -> NDArray[np.int64]:
    """Products that these runs together expect to sell most: the newest alone would pick those that have grown."""
    ids = np.unique(np.concatenate([one.product_ids for one in said])).astype(np.int64)
    expected = np.zeros(len(ids))
    for one in said:
        expected[np.searchsorted(ids, one.product_ids)] += one.daily.mean(axis=1)
    return np.sort(ids[np.argsort(-expected, kind="stable")[:MOST_PRODUCTS]])
