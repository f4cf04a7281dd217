"""Reorder advice replayed on real orders: does it keep its service level, with how much stock? `ORDERS=file.parquet`.

From the first year on a forecast is made every evening and fitted anew every four weeks. The form of `ml/reorder.py`
and one tail for all were chosen on orders up to July; those after it are the test. `learned` lets the shop's own replay
set the tail anew every week, as the app does.
"""

import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.shop_sales import read_sales
from ml.errors import Implausible
from ml.forecast.config import ForecastConfig
from ml.forecast.forecast import Forecast
from ml.forecast.leader import fit_forecast
from ml.forecast.model import ForecastModel
from ml.reorder import TAIL, Band, Terms, lead_time_units, spread
from ml.replenish import Evenings, learned, replay
from ml.sales import from_frame

LEADS, LEVELS, COVER = (7, 14, 21, 28), (0.9, 0.95, 0.98), 28
CHOSEN = 3.2
"""The tail that orders up to July need."""
FIT_EVERY, LEARN_EVERY, WINDOW = 28, 7, 364
BEGIN, HELD_OUT = date(2011, 1, 6), date(2011, 8, 1)
"""Chosen on days from the one, tested on days from the other on."""


def measure(orders: str | None = None) -> dict[str, Any]:
    """Share of orders in time and mean units on the shelf per product, by lead time and level."""
    if orders is None:
        return {"service": "not measured: give ORDERS=file.parquet"}
    started = time.process_time()
    shops = _evenings(Path(orders))
    split, found = (HELD_OUT - BEGIN).days, {}
    for days, shop in shops.items():
        for level in LEVELS:
            terms = Terms(days, level, COVER)
            found[f"{days} days, {level}"] = _kept(shop, terms, split)
    return {"service": found, "cpu_seconds": round(time.process_time() - started, 1)}


def _kept(shop: Evenings, terms: Terms, split: int) -> dict[str, Any]:
    early = replay(_between(shop, 0, split), terms, CHOSEN)
    late, own = replay(shop, terms, CHOSEN, split), replay(shop, terms, _weekly_tails(shop, terms), split)
    return {
        "chosen_on": early.kept,
        "held_out": late.kept,
        "orders_held_out": late.orders,
        "stock_per_product": round(late.stock, 1),
        "learned_held_out": own.kept,
        "learned_stock": round(own.stock, 1),
    }


def _weekly_tails(shop: Evenings, terms: Terms) -> np.ndarray[Any, Any]:
    """The tail in force on each day, learned from the days before it."""
    tails = np.full(len(shop.sold), TAIL)
    for day in range(LEARN_EVERY, len(tails), LEARN_EVERY):
        tails[day:] = learned(_between(shop, max(day - WINDOW, 0), day), terms) or TAIL
    return tails


def _between(shop: Evenings, first: int, last: int) -> Evenings:
    parts = (getattr(shop, name)[first:last] for name in ("lead_time", "factor", "cover", "sold"))
    return Evenings(*parts)


def _evenings(orders: Path) -> dict[int, Evenings]:
    """Every evening's forecast of every product, per lead time, and what was sold on the day after it."""
    sales = read_sales(orders)
    names = sorted(sales["series"].unique())
    place = {name: n for n, name in enumerate(names)}
    days = (sales["ds"].max().date() - BEGIN).days
    empty = np.full((days, len(names)), np.nan, np.float32)
    shops = {lead: Evenings(empty.copy(), empty.copy(), empty.copy(), np.zeros_like(empty)) for lead in LEADS}
    model: ForecastModel | None = None
    for day in range(days):
        past = from_frame(sales, BEGIN + timedelta(days=day), "GB")
        if model is None or day % FIT_EVERY == 0:
            model = fit_forecast(past, ForecastConfig(), 1, lambda step: None).model
        try:
            _note(shops, day, model.forecast(past), place)
        except Implausible:
            continue
    sold = np.zeros((days, len(names)))
    ahead = sales[sales["ds"].dt.date > BEGIN]
    np.add.at(sold, ([(ds.date() - BEGIN).days - 1 for ds in ahead["ds"]], ahead["series"].map(place)), ahead["units"])
    return {lead: replace(shop, sold=sold) for lead, shop in shops.items()}


def _note(shops: dict[int, Evenings], day: int, said: Forecast, place: dict[str, int]) -> None:
    at = np.array([place[name] for name in said.series[:-1]])
    daily = said.days.mean[:-1]
    bands = [Band(7, said.weeks.mean[:-1, 0], said.weeks.p90[:-1, 0])]
    bands.append(Band(28, said.whole.mean[:-1, 0], said.whole.p90[:-1, 0]))
    for lead, shop in shops.items():
        shop.lead_time[day, at] = lead_time_units(daily, lead)
        shop.factor[day, at] = spread(bands, lead)
        shop.cover[day, at] = lead_time_units(daily, COVER)
