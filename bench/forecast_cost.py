"""python -m bench.forecast_cost PRODUCTS: what a fit, a night, its explanations and a refresh cost at this size."""

import json
import sys

import numpy as np

from bench.shop_sales import made_up
from ml.costs import cpu_seconds, peak_rss_mb
from ml.forecast.config import ForecastConfig
from ml.forecast.leader import fit_forecast
from ml.forecast.reasons import explanations

TOUCHED = 1_000
"""Products that 500 new orders touch at most, at two lines each."""


def measure(products: int) -> dict[str, float]:
    """CPU seconds and the peak of memory; imports are not counted."""
    import prophet  # noqa: F401
    import xgboost  # noqa: F401

    sales = made_up(products)
    started = cpu_seconds()
    model = fit_forecast(sales, ForecastConfig(), 1, lambda step: None).model
    fitted = cpu_seconds()
    forecast = model.forecast(sales)
    predicted = cpu_seconds()
    explanations(model, sales, forecast)
    explained = cpu_seconds()
    touched = np.random.default_rng(0).choice(products, min(TOUCHED, products), replace=False)
    model.forecast(sales, only=[sales.series[i] for i in touched])
    refreshed = cpu_seconds()
    steps = {"fit": fitted - started, "predict": predicted - fitted, "explain": explained - predicted}
    steps["refresh"] = refreshed - explained
    steps["fit_and_predict"] = steps["fit"] + steps["predict"]
    return {**{name: round(cpu, 2) for name, cpu in steps.items()}, "peak_rss_mb": peak_rss_mb()}


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
