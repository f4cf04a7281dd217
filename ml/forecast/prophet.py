"""Prophet's curve of a shop's total: trend, year, holidays and offers, each of which can be told apart.

The curve says how the shop moves, not where it stands: as Prophet fits one trend to all of the past, its level is off
by more than that of a moving level. So its movements count by half, and the level is that of the newest days. Prophet
is loaded only where it trains: a version keeps its model (Prophet's own JSON) and, to forecast from, the curve.

Source: Taylor & Letham (2018), "Forecasting at scale".
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.calendars import public_holidays
from ml.errors import BadBundle, BadData
from ml.features import YEAR
from ml.forecast.totals import EvenDays, moving_level
from ml.frames import WINDOW
from ml.sales import Floats

if TYPE_CHECKING:
    import pandas as pd

FILE = "prophet.json"
MIN_KNOWN = 182
BELIEF = 0.5
"""The share of the curve's movements, as logarithms, that is believed."""
RATE = 0.04
LEAST = 0.2
"""The curve never falls below this share of its usual height: a straight trend may well end below zero."""
YEARLY_WAVES = 6


@dataclass(frozen=True)
class Curve:
    """The height of each day from `first_on` on, as a factor on the usual one."""

    first_on: date
    heights: tuple[float, ...]

    def on(self, first_on: date, days: int) -> Floats:
        """The heights of `days` days from `first_on`; before its start and past its end the curve is level."""
        start = (first_on - self.first_on).days
        return np.array(self.heights)[np.clip(np.arange(start, start + days), 0, len(self.heights) - 1)]


def fit(days: EvenDays, seed: int) -> bytes:
    """Prophet's own JSON of the model fitted on these days. Raises BadData when they are too few."""
    if days.known < MIN_KNOWN or (days.counts > 0).sum() < MIN_KNOWN // 2:
        raise BadData(f"prophet: {days.known} days are known, {MIN_KNOWN} are needed")
    with _silence():
        from prophet import Prophet
        from prophet.serialize import model_to_json

        model: Any = Prophet(
            yearly_seasonality=False,
            weekly_seasonality=False,
            daily_seasonality=False,
            seasonality_mode="multiplicative",
            holidays=_holidays(days),
            uncertainty_samples=0,
        )
        if days.known >= YEAR:
            model.add_seasonality("yearly", period=365.25, fourier_order=YEARLY_WAVES, prior_scale=1.0)
        if days.promo is not None:
            model.add_regressor("promo", mode="multiplicative")
        counted = np.flatnonzero(days.counts > 0)
        known = _frame(days, 0).assign(y=days.usual / np.where(days.counts > 0, days.counts, 1.0))
        try:
            model.fit(known.iloc[counted], seed=seed)
        except (RuntimeError, ValueError) as failed:
            raise BadData(f"prophet: no fit ({failed})") from failed
        return str(model_to_json(model)).encode()


def curve_of(model: bytes, days: EvenDays) -> Curve:
    """What the model of these days says of each of them and of a year from then on, as factors on its median.

    Raises BadBundle when the bytes are not a model of Prophet's, BadData when it says nothing of use.
    """
    with _silence():
        from prophet.serialize import model_from_json

        try:
            said = model_from_json(model.decode()).predict(_frame(days, YEAR))["yhat"].to_numpy(np.float64)
        except (KeyError, ValueError, TypeError, AttributeError) as wrong:
            raise BadBundle(f"{FILE}: not a model ({wrong!r})") from wrong
    usual = float(np.median(said[: days.known]))
    if not np.isfinite(said).all() or usual <= 0:
        raise BadData("prophet: its curve is no level")
    return Curve(days.first_on, tuple(float(f"{max(value, LEAST):.6g}") for value in said / usual))


def levels(curve: Curve, days: EvenDays) -> Floats:
    """The level of each day ahead."""
    shape = curve.on(days.first_on, days.known + days.horizon) ** BELIEF
    level = moving_level(days.usual, days.counts * shape[: days.known], RATE)
    return np.asarray(level * shape[days.known :])


def _frame(days: EvenDays, ahead: int) -> pd.DataFrame:
    """The days, known and ahead, with what is known of each. Offers ahead are as usual in the last 13 weeks."""
    import pandas as pd

    ds = pd.date_range(days.first_on, periods=days.known + ahead)
    if days.promo is None:
        return pd.DataFrame({"ds": ds})
    usual = np.full(ahead, days.promo[-13 * WINDOW :].mean())
    return pd.DataFrame({"ds": ds, "promo": np.concatenate([days.promo, usual])})


def _holidays(days: EvenDays) -> pd.DataFrame | None:
    """Public holidays with the day before and after, up to a year ahead, as one effect: each was seen once or twice."""
    import pandas as pd

    if days.country is None:
        return None
    span = days.known + YEAR + 1
    ds = pd.date_range(days.first_on, periods=span)[public_holidays(days.country, days.first_on, span)]
    return pd.DataFrame({"ds": ds, "holiday": "public holiday", "lower_window": -1, "upper_window": 1})


@contextmanager
def _silence() -> Iterator[None]:
    """Prophet and its Stan write several lines per fit, on loggers of their own, and warn of their own age."""
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.plot", "cmdstanpy")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
