"""Weekday average: the mean of the last eight Tuesdays, bulk orders capped. Hard to beat on quiet products."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.calendars import open_days, weekdays
from ml.forecast.bulk import capped
from ml.forecast.config import ForecastConfig
from ml.frames import WINDOW
from ml.sales import DailySales, Floats, Ints, in_chunks

WEEKS = 8
FILE = "weekday.json"


@dataclass(frozen=True)
class WeekdayAverage:
    """Mean of the open days of the same weekday over the last eight weeks, counted from a series' first sale."""

    cap_quantile: float
    name: str = "weekday"
    is_scaled: bool = True

    def daily(self, sales: DailySales, rows: Ints, horizon: int) -> Floats:
        """Mean units of each day ahead, float64 [len(rows), horizon]."""
        is_open = open_days(sales.total, sales.first_on, horizon, sales.country)
        span = min(sales.days, WEEKS * WINDOW)
        weekday = weekdays(sales.first_on, sales.days + horizon)
        past, ahead = weekday[sales.days - span : sales.days], weekday[sales.days :]
        daily = np.zeros((len(rows), horizon))
        for place in in_chunks(np.arange(len(rows))):
            units = capped(sales.rows(rows[place]), self.cap_quantile).units[:, -span:]
            alive = np.arange(sales.days - span, sales.days) >= sales.born[rows[place]][:, None]
            counted = alive & is_open[sales.days - span : sales.days]
            means = np.zeros((len(place), WINDOW))
            for day in range(WINDOW):
                mine = counted[:, past == day]
                means[:, day] = units[:, past == day].sum(axis=1, dtype=np.float64) / np.maximum(mine.sum(axis=1), 1)
            daily[place] = np.where(is_open[sales.days :], means[:, ahead], 0.0)
        return daily

    def files(self) -> dict[str, bytes]:
        """The cap."""
        return {FILE: json.dumps({"cap_quantile": self.cap_quantile}).encode()}


def fit(sales: DailySales, config: ForecastConfig, seed: int) -> WeekdayAverage:
    """The weekday average; it takes any history."""
    return WeekdayAverage(config.cap_quantile)


def load(files: Mapping[str, bytes]) -> WeekdayAverage:
    """The weekday average whose `files()` these are."""
    return WeekdayAverage(float(json.loads(files[FILE])["cap_quantile"]))
