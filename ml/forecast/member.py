"""The shape every forecaster has, and the list of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol

from ml.forecast.config import ForecastConfig
from ml.sales import DailySales, Floats, Ints

MEMBERS = ("naive", "weekday", "tsb", "xgb")
"""Members that a fit can put in charge, the plainest first. Each is a module of this package."""


class Member(Protocol):
    """A fitted forecaster."""

    name: str
    is_scaled: bool
    """Whether its products are scaled to the shop's total; the naive floor is served as it is."""

    def daily(self, sales: DailySales, rows: Ints, horizon: int) -> Floats:
        """Mean units of each day ahead, float64 [len(rows), horizon], for these row numbers of `sales`."""

    def files(self) -> dict[str, bytes]:
        """What must be kept to load it again, by file name."""


class Forecaster(Protocol):
    """A module that fits members."""

    def fit(self, sales: DailySales, config: ForecastConfig, seed: int) -> Member:
        """A member fitted on everything in `sales`. Raises BadData when there is too little to learn from."""

    def load(self, files: Mapping[str, bytes]) -> Member:
        """The member whose `files()` these are."""


def forecaster(name: str) -> Forecaster:
    """The forecaster of this name."""
    module: Forecaster = import_module(f"ml.forecast.{name}")
    return module
