"""Forecasts on real orders beside what other people would pick, and what they cost: `ORDERS=file.parquet`.

Rows as in docs/models.md: four windows of 28 days up to the last complete day, 500 products with a history, drawn by
the MD5 of their names. Products are judged on the median of each window, totals and bias on means. Targets stand first,
beside what was reached.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
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
from ml.costs import cpu_seconds
from ml.forecast import level, prophet
from ml.forecast.bulk import shop_total
from ml.forecast.config import ForecastConfig
from ml.forecast.forecast import Forecast
from ml.forecast.leader import Fitted, fit_forecast
from ml.forecast.model import window_sums
from ml.forecast.totals import even_days
from ml.sales import DailySales, Floats, Ints, from_frame

H, WEEK = 28, 7
PRODUCTS, SAMPLE = 500, 20
COUNTRY = "GB"
SIZES = (1_000, 10_000, 100_000)
POLICIES = (1, 7, 14)
"""Days between full fits."""
THRIFT_WEEKS = 14
EARLIER = 31
"""Weekly origins whose windows end before the judged ones: what the total's settings were chosen on."""
VIEWS = ("naive", "steady", "echo", "yearly", "blend", "prophet", "both")
TARGETS: dict[str, tuple[tuple[str, ...], float, float]] = {
    "product and week, WAPE": (("accuracy", "products", "ours", "product_week"), 0, 0.610),
    "product and 28 days, WAPE": (("accuracy", "products", "ours", "product_28d"), 0, 0.450),
    "total per week, WAPE": (("accuracy", "products", "ours", "total_week"), 0, 0.090),
    "total over 28 days, WAPE": (("accuracy", "products", "ours", "total_28d"), 0, 0.047),
    "bias of the means": (("accuracy", "products", "ours", "bias"), -0.05, 0.05),
    "80 % band of a product's 28 days covers": (("accuracy", "products", "ours", "coverage_80_28d"), 0.77, 0.83),
    "launches, WAPE": (("launches", "wape"), 0, 0.60),
    "bias of stock-outs recovered": (("stock_outs", "recovered"), 0.5, 10.0),
    "fit every 14 days, CPU saved": (("thrift", "every 14 days", "saved"), 0.85, 1),
    "fit every 14 days, WAPE it costs": (("thrift", "every 14 days", "costs_wape"), -1, 0.003),
    "CPU seconds at 1,000 products": (("costs", "1000", "fit_and_predict"), 0, 12),
    "CPU seconds at 10,000 products": (("costs", "10000", "fit_and_predict"), 0, 20),
    "CPU seconds at 100,000 products": (("costs", "100000", "fit_and_predict"), 0, 60),
    "MB at 100,000 products": (("costs", "100000", "peak_rss_mb"), 0, 1_200),
    "CPU seconds of a refresh after 500 orders": (("costs", "10000", "refresh"), 0, 0.3),
}
"""Where each figure stands in the report, and between what it should lie."""
Result = TypeVar("Result")
Item = TypeVar("Item")


def measure(orders: str | None = None) -> dict[str, Any]:
    """Accuracy beside the anchors, launches, stock-outs, thrift and costs; without orders only the costs."""
    found: dict[str, Any] = {"costs": {str(n): _cost(n) for n in SIZES}}
    if orders is None:
        return {**_against_targets(found), **found, "accuracy": "not measured: give ORDERS=file.parquet"}
    sales = read_sales(Path(orders))
    origins = last_windows(sales, H, 4)
    names = _judged_products(sales, origins[0])
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "accuracy": lambda: _accuracy(sales, origins, names),
        "total": lambda: _total(sales, origins, names),
        "launches": lambda: _launches(sales),
        "stock_outs": lambda: _stock_outs(sales, origins),
        "thrift": lambda: _thrift(sales, origins[0], names),
    }
    for name, part in parts.items():
        spent, found[name] = _cpu(part)
        _say(f"{name}: {spent} CPU s")
    return {**_against_targets(found), **found}


def _say(step: str) -> None:
    print(f"forecast: {step}", file=sys.stderr, flush=True)


def _each(what: str, items: Sequence[Item]) -> Iterator[Item]:
    """The items, told one by one: the whole bench takes ten minutes and more."""
    for number, item in enumerate(items, start=1):
        _say(f"{what}: {number} of {len(items)}")
        yield item


def _against_targets(found: dict[str, Any]) -> dict[str, Any]:
    """Each target beside its figure."""
    told: dict[str, Any] = {}
    for name, (path, low, high) in TARGETS.items():
        value: Any = found
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            told[name] = {"figure": round(value, 4), "from": low, "to": high, "is_met": bool(low <= value <= high)}
    return {"targets": told}


def _total(sales: pd.DataFrame, origins: list[date], names: list[str]) -> dict[str, Any]:
    """The judged products' total, forecast by itself, beside others; and the views of it on earlier origins."""
    known = [from_frame(sales, origin, COUNTRY) for origin in origins]
    came = np.stack([_came(sales, origin, names) for origin in origins]).sum(axis=1)
    sums = [_summed(past, names) for past in known]
    report: dict[str, Any] = {}
    ours = np.stack([_ours(past, names).days.mean[-1] for past in known])
    report["ours"] = _total_scores(came, ours)
    for name, anchor in {"seasonal naive": anchors.seasonal_naive, **anchors.ON_A_SAMPLE}.items():
        try:
            said = np.concatenate([anchor(one, np.array([0])) for one in sums])
        except ImportError as absent:
            report[name] = {"absent": f"{absent.name} is not installed; see bench/forecast-anchors.txt"}
            continue
        test = better(
            _errors(came[:, None], _weeks(said[:, None])), _errors(came[:, None], _weeks(ours[:, None])), gain=0.0
        )
        report[name] = {**_total_scores(came, said), "ours_is_better": test.told}
    return {"judged windows": report, "earlier windows, the whole shop": _earlier(sales, origins[0])}


def _earlier(sales: pd.DataFrame, first: date) -> dict[str, Any]:
    """Every view of the shop's total at weekly origins whose windows end before the judged ones begin."""
    past = from_frame(sales, first, COUNTRY)
    total = shop_total(past)
    said: dict[str, list[Floats]] = {view: [] for view in VIEWS}
    came = []
    for back in _each("total, earlier origins", range(EARLIER)):
        origin = past.days - H - WEEK * back
        then = shop_total(past.until(origin))
        days = even_days(then, H)
        curve = prophet.curve_of(prophet.fit(days, 1), days)
        came.append(total.units[origin : origin + H])
        for view, forecasts in said.items():
            forecasts.append(level.total_days(then, H, level.Lead(view, curve)))
    return {view: _total_scores(np.stack(came), np.stack(forecasts)) for view, forecasts in said.items()}


def _total_scores(came: Floats, said: Floats) -> dict[str, float]:
    return {
        "week": metrics.wape(_weeks(came), _weeks(said)),
        "28d": metrics.wape(came.sum(axis=1), said.sum(axis=1)),
        "bias": metrics.bias(came, said),
    }


def _summed(past: DailySales, names: list[str]) -> DailySales:
    """The products' total as a shop of one product."""
    rows = np.array([past.series.index(name) for name in names])
    units = past.units[rows].sum(axis=0, keepdims=True)
    return DailySales(("total",), past.first_on, units, country=past.country)


def _judged_products(sales: pd.DataFrame, first: date) -> list[str]:
    past = sales[sales["ds"] <= pd.Timestamp(first)].groupby("series")["ds"].agg(["min", "max", "size"])
    age, idle = (pd.Timestamp(first) - past["min"]).dt.days + 1, (pd.Timestamp(first) - past["max"]).dt.days
    kept = past.index[(age >= 180) & (past["size"] >= 60) & (idle < 56)]
    return sorted(sorted(kept, key=lambda name: hashlib.md5(name.encode()).hexdigest())[:PRODUCTS])


def _accuracy(sales: pd.DataFrame, origins: list[date], names: list[str]) -> dict[str, Any]:
    known = [from_frame(sales, origin, COUNTRY) for origin in origins]
    rows = [np.array([past.series.index(name) for name in names]) for past in known]
    came = np.stack([_came(sales, origin, names) for origin in origins])
    cpu, ours = _cpu(lambda: [_ours(past, names) for past in _each("ours", known)])
    mean = np.stack([forecast.days.mean[:-1] for forecast in ours])
    week, month = (np.stack([getattr(f, kind).p50[:-1] for f in ours]) for kind in ("weeks", "whole"))
    low, high = (np.stack([getattr(f.whole, side)[:-1, 0] for f in ours]) for side in ("p10", "p90"))
    report = {"ours": {**_scores(came, mean, week, month), "cpu_seconds": cpu}}
    report["ours"]["coverage_80_28d"] = float(((came.sum(2) >= low) & (came.sum(2) <= high)).mean())
    for name, anchor in anchors.EVERY_PRODUCT.items():
        _say(name)
        report[name] = _anchor(anchor, known, rows, came, week)
    few = slice(0, SAMPLE)
    sampled = {"ours": _scores(came[:, few], mean[:, few], week[:, few], month[:, few])}
    for name, anchor in anchors.ON_A_SAMPLE.items():
        _say(f"{name}, on {SAMPLE} products")
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
    for origin in _each("launches", last_windows(sales, H, 13)):
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
    for origin in _each("stock-outs", origins):
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
    """28 days of daily fits against fits every 7 and every 14 days with a prediction every night: CPU and accuracy.

    Accuracy is that of the week after each of 14 weekly origins, by a model fitted then and by models as old as a fit
    gets. The weeks end where the judged windows begin: how often to fit is no choice to make on those.
    """
    weeks = [origin - timedelta(days=WEEK * back) for back in range(THRIFT_WEEKS, 0, -1)]
    ages = {every: timedelta(days=every if every > 1 else 0) for every in POLICIES}
    models: dict[date, Fitted] = {}
    fits, nights, came = [], [], []
    off: dict[int, list[float]] = {every: [] for every in POLICIES}
    for day in _each("thrift", sorted({week - age for week in weeks for age in ages.values()})):
        past = from_frame(sales, day, COUNTRY)
        cpu, models[day] = _cpu(partial(_fit, past))
        fits.append(cpu)
        if day in weeks:
            night, _ = _cpu(partial(models[day].model.forecast, past))
            nights.append(night)
            sold = _came(sales, day, names, WEEK).sum(axis=1)
            came.append(sold.sum())
            for every, age in ages.items():
                said = models[day - age].model.forecast(past, WEEK, names).weeks.p50[:-1, 0]
                off[every].append(float(np.abs(said - sold).sum()))
    fit, night = float(np.mean(fits)), float(np.mean(nights))
    cpu_seconds = {every: H / every * fit + H * night for every in POLICIES}
    report: dict[str, Any] = {"cpu_seconds_fit": fit, "cpu_seconds_night": night}
    for every in POLICIES:
        lost = (np.array(off[every]) - np.array(off[1])) / np.mean(came)
        report[f"every {every} days"] = {
            "product_week": sum(off[every]) / sum(came),
            "costs_wape": float(lost.mean()),
            "standard_error": float(lost.std(ddof=1) / np.sqrt(len(lost))),
            "cpu_seconds": cpu_seconds[every],
            "saved": 1 - cpu_seconds[every] / cpu_seconds[1],
        }
    return report


def _cost(products: int) -> dict[str, float]:
    """CPU seconds and peak memory of a made-up shop of this size, in a process of its own."""
    _say(f"costs at {products:,} products")
    told = subprocess.run(
        [sys.executable, "-m", "bench.forecast_cost", str(products)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(told.stdout)
    return found


def _cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    started = cpu_seconds()
    result = work()
    return round(cpu_seconds() - started, 3), result
