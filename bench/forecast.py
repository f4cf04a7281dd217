"""Forecasts on real orders beside what other people would pick, and what they cost: `ORDERS=file.parquet`.

Rows as in docs/models.md: four windows of 28 days up to the last complete day, 500 products with a history, drawn by
the MD5 of their names. Products are judged on the median of each window, totals and bias on means.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from bench import forecast_anchors as anchors
from bench.shop_sales import last_windows, read_sales
from ml import metrics
from ml.compare import better
from ml.forecast.config import ForecastConfig
from ml.forecast.forecast import Forecast
from ml.forecast.leader import Fitted, fit_forecast
from ml.forecast.model import window_sums
from ml.sales import DailySales, Floats, Ints, from_frame

H, WEEK = 28, 7
PRODUCTS, SAMPLE = 500, 20
COUNTRY = "GB"
SIZES = (1_000, 10_000, 100_000)
Result = TypeVar("Result")


def measure(orders: str | None = None) -> dict[str, Any]:
    """Accuracy beside the anchors, launches, stock-outs, thrift and costs; without orders only the costs."""
    found: dict[str, Any] = {"costs": {str(n): _cost(n) for n in SIZES}}
    if orders is None:
        return {**found, "accuracy": "not measured: give ORDERS=file.parquet"}
    sales = read_sales(Path(orders))
    origins = last_windows(sales, H, 4)
    names = _judged_products(sales, origins[0])
    return {
        "accuracy": _accuracy(sales, origins, names),
        "launches": _launches(sales),
        "stock_outs": _stock_outs(sales, origins),
        "thrift": _thrift(sales, origins[-1], names),
        **found,
    }


def _judged_products(sales: pd.DataFrame, first: date) -> list[str]:
    past = sales[sales["ds"] <= pd.Timestamp(first)].groupby("series")["ds"].agg(["min", "max", "size"])
    age, idle = (pd.Timestamp(first) - past["min"]).dt.days + 1, (pd.Timestamp(first) - past["max"]).dt.days
    kept = past.index[(age >= 180) & (past["size"] >= 60) & (idle < 56)]
    return sorted(sorted(kept, key=lambda name: hashlib.md5(name.encode()).hexdigest())[:PRODUCTS])


def _accuracy(sales: pd.DataFrame, origins: list[date], names: list[str]) -> dict[str, Any]:
    known = [from_frame(sales, origin, COUNTRY) for origin in origins]
    rows = [np.array([past.series.index(name) for name in names]) for past in known]
    came = np.stack([_came(sales, origin, names) for origin in origins])
    cpu, ours = _cpu(lambda: [_ours(past, names) for past in known])
    mean = np.stack([forecast.days.mean[:-1] for forecast in ours])
    week, month = (np.stack([getattr(f, kind).p50[:-1] for f in ours]) for kind in ("weeks", "whole"))
    low, high = (np.stack([getattr(f.whole, side)[:-1, 0] for f in ours]) for side in ("p10", "p90"))
    report = {"ours": {**_scores(came, mean, week, month), "cpu_seconds": cpu}}
    report["ours"]["coverage_80_28d"] = float(((came.sum(2) >= low) & (came.sum(2) <= high)).mean())
    for name, anchor in anchors.EVERY_PRODUCT.items():
        report[name] = _anchor(anchor, known, rows, came, week)
    few = slice(0, SAMPLE)
    sampled = {"ours": _scores(came[:, few], mean[:, few], week[:, few], month[:, few])}
    for name, anchor in anchors.ON_A_SAMPLE.items():
        sampled[name] = _anchor(anchor, known, [part[few] for part in rows], came[:, few], week[:, few])
    return {"origins": [str(day) for day in origins], "products": report, f"first {SAMPLE} products": sampled}


def _ours(past: DailySales, names: list[str]) -> Forecast:
    forecast = _fit(past).model.forecast(past, H, names)
    assert list(forecast.series[:-1]) == names
    return forecast


def _fit(past: DailySales) -> Fitted:
    return fit_forecast(past, ForecastConfig(), 1, lambda step: None)


def _anchor(
    anchor: anchors.Anchor, known: list[DailySales], rows: list[Ints], came: Floats, ours: Floats
) -> dict[str, Any]:
    """Scores of an anchor, and whether we are surely better than it per product and week."""
    try:
        cpu, said = _cpu(lambda: [anchor(past, part) for past, part in zip(known, rows, strict=True)])
    except ImportError as absent:
        return {"absent": f"{absent.name} is not installed; see bench/forecast-anchors.txt"}
    mean = np.stack(said)
    weeks = _weeks(mean)
    test = better(_errors(came, weeks), _errors(came, ours), gain=0.0)
    return {**_scores(came, mean, weeks, mean.sum(2, keepdims=True)), "cpu_seconds": cpu, "ours_is_better": test.told}


def _errors(came: Floats, weeks: Floats) -> Floats:
    """Units off per day: each week's errors, spread over its days, window after window."""
    return np.repeat(np.abs(_weeks(came) - weeks).sum(axis=1).ravel() / WEEK, WEEK)


def _scores(came: Floats, mean: Floats, week: Floats, month: Floats) -> dict[str, float]:
    total, expected = came.sum(axis=1), mean.sum(axis=1)
    return {
        "product_week": metrics.wape(_weeks(came), week),
        "product_28d": metrics.wape(came.sum(2, keepdims=True), month),
        "total_week": metrics.wape(window_sums(total, WEEK), window_sums(expected, WEEK)),
        "total_28d": metrics.wape(total.sum(1), expected.sum(1)),
        "bias": metrics.bias(came, mean),
    }


def _weeks(values: Floats) -> Floats:
    return np.asarray(values.reshape(*values.shape[:-1], H // WEEK, WEEK).sum(axis=-1))


def _came(sales: pd.DataFrame, origin: date, names: list[str], days: int = H) -> Floats:
    ahead = pd.date_range(origin + timedelta(days=1), periods=days)
    part = sales[sales["ds"].isin(ahead)].pivot_table(index="series", columns="ds", values="units", aggfunc="sum")
    return part.reindex(index=names, columns=ahead).fillna(0.0).to_numpy(np.float64)


def _launches(sales: pd.DataFrame) -> dict[str, Any]:
    """Products first sold 7 to 28 days before an origin, their next 28 days, at every fourth week of the last year."""
    came, said, medians = [], [], []
    for origin in last_windows(sales, H, 13):
        past = from_frame(sales, origin, COUNTRY)
        age = past.days - past.born
        names = [past.series[i] for i in np.flatnonzero((age >= 7) & (age <= 28) & (past.born > 60))]
        if names:
            whole, places = _fit(past).model.forecast(past).whole, _places(past, names)
            said.append(whole.mean[places, 0])
            medians.append(whole.p50[places, 0])
            came.append(_came(sales, origin, names).sum(axis=1))
    actual, mean, median = (np.concatenate(part) for part in (came, said, medians))
    return {
        "n": len(actual),
        "wape": metrics.wape(actual, median),
        "wape_of_means": metrics.wape(actual, mean),
        "bias": metrics.bias(actual, mean),
    }


def _stock_outs(sales: pd.DataFrame, origins: list[date]) -> dict[str, Any]:
    """Bias of products that were out of stock for ten of the last 28 days: not at all, ignored, and told."""
    random = np.random.default_rng(0)
    sums = dict.fromkeys(("came", "none", "ignored", "told"), 0.0)
    for origin in origins:
        past = from_frame(sales, origin, COUNTRY)
        busy = np.flatnonzero((past.born < past.days - 180) & ((past.units[:, -91:] > 0).sum(axis=1) >= 15))
        hit = busy[random.random(len(busy)) < 0.3]
        out = np.zeros(past.units.shape, dtype=bool)
        for row in hit:
            first = past.days - H + int(random.integers(0, 19))
            out[row, first : first + 10] = True
        names = [past.series[i] for i in hit]
        sums["came"] += _came(sales, origin, names).sum()
        for name, shop in _with_stock_outs(past, out).items():
            sums[name] += float(_fit(shop).model.forecast(shop).days.mean[_places(shop, names)].sum())
    bias = {name: sums[name] / sums["came"] - 1 for name in ("none", "ignored", "told")}
    return {**bias, "recovered": 1 - (bias["told"] - bias["none"]) / (bias["ignored"] - bias["none"])}


def _with_stock_outs(past: DailySales, out: np.ndarray[Any, Any]) -> dict[str, DailySales]:
    from dataclasses import replace

    zeroed = replace(past, units=np.where(out, 0, past.units).astype(np.float32))
    return {"none": past, "ignored": zeroed, "told": replace(zeroed, is_out=out)}


def _places(shop: DailySales, names: list[str]) -> list[int]:
    """Rows of these products in a forecast of everything sold lately."""
    rows = shop.sold_lately(ForecastConfig().sold_within_days)
    place = {shop.series[i]: k for k, i in enumerate(rows)}
    return [place[name] for name in names]


def _thrift(sales: pd.DataFrame, origin: date, names: list[str]) -> dict[str, Any]:
    """28 days of daily full fits against weekly fits with a prediction every night; scored on the week after each."""
    came: list[Floats] = []
    said: dict[str, list[Floats]] = {"daily_fits": [], "weekly_fits": []}
    fits, nights = [], []
    for back in range(H, 6, -3):
        today, fitted_on = origin - timedelta(days=back), origin - timedelta(days=-(-back // WEEK) * WEEK)
        past = from_frame(sales, today, COUNTRY)
        cpu, fresh = _cpu(partial(_fit, past))
        night, _ = _cpu(partial(fresh.model.forecast, past))
        fits.append(cpu)
        nights.append(night)
        weekly = fresh if fitted_on == today else _fit(from_frame(sales, fitted_on, COUNTRY))
        came.append(_came(sales, today, names, WEEK).sum(axis=1))
        for policy, fitted in (("daily_fits", fresh), ("weekly_fits", weekly)):
            said[policy].append(fitted.model.forecast(past, WEEK, names).weeks.p50[:-1, 0])
    fit, night = float(np.mean(fits)), float(np.mean(nights))
    cpu_seconds = {"daily_fits": H * (fit + night), "weekly_fits": H / WEEK * fit + H * night}
    return {
        "product_week": {name: metrics.wape(np.concatenate(came), np.concatenate(part)) for name, part in said.items()},
        "cpu_seconds": cpu_seconds,
        "saved": 1 - cpu_seconds["weekly_fits"] / cpu_seconds["daily_fits"],
        "cpu_seconds_fit": fit,
        "cpu_seconds_night": night,
    }


def _cost(products: int) -> dict[str, float]:
    """CPU seconds and peak memory of a made-up shop of this size, in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-m", "bench.forecast_cost", str(products)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(told.stdout)
    return found


def _cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.process_time()
    result = work()
    return round(time.process_time() - started, 3), result
