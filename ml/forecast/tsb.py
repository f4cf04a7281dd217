"""TSB: how often a product sells times how much, each smoothed on its own. For products that sell now and then.

Unlike Croston's method it learns from every day without a sale, so a product that stops selling fades out.

Source: Teunter, Syntetos & Babai (2011), "Intermittent demand: linking forecasting to inventory obsolescence".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.calendars import open_days
from ml.forecast.bulk import capped
from ml.forecast.config import ForecastConfig
from ml.forecast.weekshape import day_shares
from ml.frames import WINDOW
from ml.sales import Bools, DailySales, Floats, Ints, in_chunks

OFTEN, MUCH = 0.05, 0.1
"""Smoothing per open day of the chance of a sale, and per sale of its size."""
MEMORY = 300
"""Days looked back: older ones weigh under a thousandth."""
FILE = "tsb.json"


@dataclass(frozen=True)
class Intermittent:
    """Chance of a sale times its size, per open day, counted from a series' first sale."""

    cap_quantile: float
    name: str = "tsb"
    is_scaled: bool = True

    def daily(self, sales: DailySales, rows: Ints, horizon: int) -> Floats:
        """Mean units of each day ahead, float64 [len(rows), horizon]."""
        weeks = -(-horizon // WINDOW)
        is_open = open_days(sales.total, sales.first_on, weeks * WINDOW, sales.country)
        opened = is_open[sales.days :].reshape(weeks, WINDOW).sum(axis=1)
        daily = np.zeros((len(rows), weeks * WINDOW))
        for place in in_chunks(np.arange(len(rows))):
            usual = capped(sales.rows(rows[place]), self.cap_quantile)
            weekly = _rate(usual.units, usual.born, is_open[: sales.days])[:, None] * opened
            daily[place] = np.repeat(weekly, WINDOW, axis=1) * day_shares(usual, is_open, sales.total)
        return daily[:, :horizon]

    def files(self) -> dict[str, bytes]:
        """The cap."""
        return {FILE: json.dumps({"cap_quantile": self.cap_quantile}).encode()}


def fit(sales: DailySales, config: ForecastConfig, seed: int) -> Intermittent:
    """The intermittent forecaster; it takes any history."""
    return Intermittent(config.cap_quantile)


def load(files: Mapping[str, bytes]) -> Intermittent:
    """The forecaster whose `files()` these are."""
    return Intermittent(float(json.loads(files[FILE])["cap_quantile"]))


def _rate(units: Floats, born: Ints, is_open: Bools) -> Floats:
    """Units per open day after the last known one, [len(units)]."""
    n, days = units.shape
    chance, size, seen = np.zeros(n), np.zeros(n), np.zeros(n)
    for day in np.flatnonzero(is_open[-MEMORY:]) + max(days - MEMORY, 0):
        sold, alive = units[:, day] > 0, born <= day
        seen += alive
        # While little is seen a plain mean learns faster than smoothing does.
        chance += np.where(alive, np.maximum(OFTEN, 1 / np.maximum(seen, 1)) * (sold - chance), 0.0)
        step = np.where(size > 0, MUCH, 1.0)
        size += np.where(sold, step * (units[:, day] - size), 0.0)
    return np.asarray(chance * size)
