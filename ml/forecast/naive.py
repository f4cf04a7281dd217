"""Seasonal naive: next Tuesday sells what last Tuesday sold. The floor that everything else must beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.forecast.config import ForecastConfig
from ml.frames import WINDOW
from ml.sales import DailySales, Floats, Ints


@dataclass(frozen=True)
class SeasonalNaive:
    """Repeats the last week; with less than a week known, its daily mean."""

    name: str = "naive"
    is_scaled: bool = False

    def daily(self, sales: DailySales, rows: Ints, horizon: int) -> Floats:
        """Mean units of each day ahead, float64 [len(rows), horizon]."""
        week = sales.units[:, -WINDOW:][rows].astype(np.float64)
        if sales.days < WINDOW:
            return np.repeat(week.mean(axis=1, keepdims=True), horizon, axis=1)
        return week[:, np.arange(horizon) % WINDOW]

    def files(self) -> dict[str, bytes]:
        """Nothing is learned, so nothing is kept."""
        return {}


def fit(sales: DailySales, config: ForecastConfig, seed: int) -> SeasonalNaive:
    """The naive forecaster; it takes any history."""
    return SeasonalNaive()


def load(files: Mapping[str, bytes]) -> SeasonalNaive:
    """The same again."""
    return SeasonalNaive()
