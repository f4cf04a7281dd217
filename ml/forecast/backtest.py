"""A forecast backtest: fit and predict at past origins, nothing after an origin in sight."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.costs import Costs
from ml.errors import BadData
from ml.forecast import reasons
from ml.forecast.config import ForecastConfig
from ml.forecast.forecast import FORECASTS_FILE, WINDOWS_FILE, Forecast, write_frame
from ml.forecast.leader import fit_forecast
from ml.promotions import Promotions, planned
from ml.sales import DailySales, from_frame
from ml.signals import Signals

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]


def backtest(
    sales: pd.DataFrame,
    origins: Sequence[date],
    horizon: int,
    out: Path,
    *,
    only: Sequence[str] | None = None,
    country: str | None = None,
    signals: Signals | None = None,
    promotions: Promotions | None = None,
    config: ForecastConfig | None = None,
    seed: int = 1,
    say: Say,
) -> dict[str, Any]:
    """Forecasts from each origin, written as `forecasts.parquet`, `windows.parquet` and `run.json`; returns the run.

    Why they are what they are goes into `explanations.parquet`. signals, promotions: what they say of the days
    after an origin counts as planned by then.

    Rows after an origin are dropped before anything else happens, so that nothing can look at them.
    """
    import pandas as pd

    costs, told, forecasts, why = Costs(), [], [], []
    for number, origin in enumerate(origins, start=1):

        def step(text: str, place: str = f"origin {origin} ({number} of {len(origins)})") -> None:
            say(f"{place}: {text}")

        with costs.of("read"):
            known = planned(replace(from_frame(sales, origin, country), signals=signals), promotions)
        forecast, explained, facts = _one_origin(known, horizon, only, config or ForecastConfig(), seed, costs, step)
        forecasts.append(forecast)
        why.append(explained)
        told.append({"origin": origin.isoformat(), **facts})
    write_frame(pd.concat([f.days_frame() for f in forecasts], ignore_index=True), out / FORECASTS_FILE)
    write_frame(pd.concat([f.windows_frame() for f in forecasts], ignore_index=True), out / WINDOWS_FILE)
    reasons.write(pd.concat(why, ignore_index=True), out)
    run = {**costs.as_dict(), "horizon": horizon, "series": len(forecasts[0].series) - 1, "origins": told}
    (out / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    return run


def _one_origin(
    sales: DailySales,
    horizon: int,
    only: Sequence[str] | None,
    config: ForecastConfig,
    seed: int,
    costs: Costs,
    say: Say,
) -> tuple[Forecast, pd.DataFrame, dict[str, Any]]:
    """The forecast from the last known day, its explanations, and what was chosen and why."""
    missing = sorted(set(only or ()) - set(sales.series))
    if only and len(missing) == len(set(only)):
        raise BadData(f"none of the wanted series has sales up to {sales.origin_on}; the first is {missing[0]}")
    if missing:
        say(f"no forecast for {len(missing)} series without usable sales, the first is {missing[0]}")
    with costs.of("fit"):
        fitted = fit_forecast(sales, config, seed, say)
    with costs.of("predict"):
        forecast = fitted.model.forecast(sales, horizon, only)
    with costs.of("explain"):
        explained = reasons.explanations(fitted.model, sales, forecast)
    facts = {"chosen": fitted.model.member.name, "because": fitted.because, "metrics": fitted.metrics}
    return forecast, explained, {**facts, "without_forecast": missing}
