"""What other people would pick, on the same rows: each gives units per day ahead, or says that it is not installed."""

import logging
import os
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd

from ml.sales import DailySales, Floats, Ints

H = 28
Anchor = Callable[[DailySales, Ints], Floats]
SPANS = (7, 14, 28, 56, 91, 182, 364)
WEEKDAY_MEANS = (4, 8, 13)
ROUNDS = 300


def seasonal_naive(sales: DailySales, rows: Ints) -> Floats:
    """Last week again."""
    return np.tile(sales.units[rows, -7:].astype(np.float64), 4)


def xgboost_direct(sales: DailySales, rows: Ints) -> Floats:
    """One global XGBoost per day ahead: Tweedie 1.2, 300 rounds of 63 leaves, the horizon as a feature."""
    import xgboost as xgb

    x, y, ahead = _tables(sales.rows(rows))
    settings = {"objective": "reg:tweedie", "tweedie_variance_power": 1.2, "eta": 0.05, "max_depth": 0}
    settings |= {"max_leaves": 63, "grow_policy": "lossguide", "tree_method": "hist", "max_bin": 128, "nthread": 1}
    settings |= {"min_child_weight": 30, "subsample": 0.8, "colsample_bytree": 0.7, "seed": 1, "verbosity": 0}
    booster = xgb.train(settings, xgb.QuantileDMatrix(x, y, max_bin=128, nthread=1), ROUNDS)
    return _days(booster.inplace_predict(ahead), len(rows))


def lightgbm_direct(sales: DailySales, rows: Ints) -> Floats:
    """The same with LightGBM."""
    import lightgbm as lgb  # type: ignore[import-not-found]

    x, y, ahead = _tables(sales.rows(rows))
    settings = {"objective": "tweedie", "tweedie_variance_power": 1.2, "learning_rate": 0.05, "num_leaves": 63}
    settings |= {"min_data_in_leaf": 100, "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1}
    settings |= {"lambda_l2": 1.0, "max_bin": 127, "num_threads": 1, "seed": 1, "verbosity": -1}
    return _days(lgb.train(settings, lgb.Dataset(x, y), ROUNDS).predict(ahead), len(rows))


def ets(sales: DailySales, rows: Ints) -> Floats:
    """statsforecast's AutoETS per series, season 7."""
    from statsforecast.models import AutoETS  # type: ignore[import-not-found]

    return _per_series(AutoETS(7), sales, rows)


def theta(sales: DailySales, rows: Ints) -> Floats:
    """statsforecast's AutoTheta per series, season 7."""
    from statsforecast.models import AutoTheta

    return _per_series(AutoTheta(7), sales, rows)


def tsb(sales: DailySales, rows: Ints) -> Floats:
    """statsforecast's TSB per series, both rates 0.1."""
    from statsforecast.models import TSB

    return _per_series(TSB(0.1, 0.1), sales, rows)


def prophet(sales: DailySales, rows: Ints) -> Floats:
    """Prophet per series with yearly and weekly seasons and the country's holidays."""
    from prophet import Prophet

    for name in ("cmdstanpy", "prophet"):
        logging.getLogger(name).setLevel(logging.ERROR)
    out = np.zeros((len(rows), H))
    days = pd.date_range(sales.first_on, periods=sales.days + H)
    for k, row in enumerate(rows):
        model = Prophet(yearly_seasonality=True, weekly_seasonality=True, daily_seasonality=False)
        model.add_country_holidays(sales.country or "GB")
        born = int(sales.born[row])
        model.fit(pd.DataFrame({"ds": days[born : sales.days], "y": sales.units[row, born:]}))
        out[k] = np.maximum(model.predict(pd.DataFrame({"ds": days[sales.days :]}))["yhat"].to_numpy(), 0)
    return out


EVERY_PRODUCT: dict[str, Anchor] = {
    "seasonal naive": seasonal_naive,
    "xgboost": xgboost_direct,
    "lightgbm": lightgbm_direct,
}
ON_A_SAMPLE: dict[str, Anchor] = {"autoets": ets, "autotheta": theta, "tsb": tsb, "prophet": prophet}


def _per_series(model: object, sales: DailySales, rows: Ints) -> Floats:
    os.environ["NIXTLA_ID_AS_COL"] = "1"
    from statsforecast import StatsForecast  # type: ignore[import-not-found]

    days = pd.date_range(sales.first_on, periods=sales.days)
    parts = [
        pd.DataFrame(
            {"unique_id": k, "ds": days[sales.born[row] :], "y": sales.units[row, sales.born[row] :].astype(float)}
        )
        for k, row in enumerate(rows)
    ]
    told = StatsForecast(models=[model], freq="D", n_jobs=1).forecast(df=pd.concat(parts, ignore_index=True), h=H)
    told = told.sort_values(["unique_id", "ds"])
    name = next(column for column in told if column not in ("unique_id", "ds"))
    return np.asarray(np.maximum(told[name].to_numpy(np.float64), 0).reshape(len(rows), H))


def _tables(sales: DailySales) -> tuple[Floats, Floats, Floats]:
    """Features and targets of a year of origins, five of their days each, and the features of the days ahead."""
    random = np.random.default_rng(0)
    running = np.pad(np.cumsum(sales.units, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    sold = np.pad(np.cumsum(sales.units > 0, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    x, y = [], []
    for t in range(max(sales.days - 364, 120), sales.days, 6):
        live = np.flatnonzero(sales.born < t - 14)
        ahead = np.arange(1, min(H, sales.days - t) + 1)
        for h in np.sort(random.choice(ahead, min(len(ahead), 5), replace=False)):
            x.append(_row(sales, running, sold, t, int(h))[live])
            y.append(sales.units[live, t + h - 1])
    rows = [_row(sales, running, sold, sales.days, h) for h in range(1, H + 1)]
    return np.concatenate(x), np.concatenate(y), np.concatenate(rows)


def _row(sales: DailySales, running: Floats, sold: Floats, t: int, h: int) -> Floats:
    """Features of every series for day h after the first t days, float32 [series, features]."""
    target, day = t + h - 1, sales.first_on + timedelta(days=t + h - 1)
    columns = [(running[:, t] - running[:, max(t - span, 0)]) / span for span in SPANS]
    same = [sales.units[:, k] for k in range(target - 7 * ((h + 6) // 7), max(target - 7 * 20, -1), -7) if k >= 0]
    columns += [np.mean(same[:weeks], axis=0) if same else np.zeros(len(running)) for weeks in WEEKDAY_MEANS]
    ago = max(target - 364, 0)
    year = (running[:, ago + 4] - running[:, max(ago - 3, 0)]) / 7 if target >= 371 else np.full(len(running), np.nan)
    columns += [year, (sold[:, t] - sold[:, max(t - 91, 0)]) / 91, np.minimum(t - sales.born, 730)]
    shop = running[:, t].sum() - running[:, t - 28].sum(), running[:, t].sum() - running[:, t - 91].sum()
    plain = [shop[0] / max(shop[1], 1), day.weekday(), day.isocalendar().week, day.day, h]
    columns += [np.full(len(running), value) for value in plain]
    return np.stack(columns, axis=1).astype(np.float32)


def _days(flat: Floats, n: int) -> Floats:
    return np.maximum(np.asarray(flat, np.float64), 0).reshape(H, n).T
