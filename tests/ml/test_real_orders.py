"""A small sample of real orders (UCI Online Retail II, CC BY 4.0): the models must earn their keep there, too."""

import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.compare import running_errors, worse
from ml.forecast.config import ForecastConfig
from ml.forecast.leader import Fitted, fit_forecast
from ml.frames import TOTAL
from ml.reorder import Band, Terms, lead_time_units, reorder_point
from ml.sales import from_frame

SHARED = Path(os.environ.get("FORETALLY_SHARED", Path(__file__).parents[3] / "shared"))
ORDERS = SHARED / "data" / "online_retail_ii.parquet"
ORIGIN = date(2011, 7, 7)


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    """Daily sales of the 150 products sold on most days before the origin."""
    if not ORDERS.is_file():
        pytest.skip(f"real orders are absent: {ORDERS} (set FORETALLY_SHARED)")
    lines = pd.read_parquet(ORDERS, columns=["StockCode", "Quantity", "InvoiceDate", "Price", "Sheet"])
    double = (lines["Sheet"] == "Year 2009-2010") & (lines["InvoiceDate"] >= "2010-12-01")
    lines = lines[~double & (lines["Quantity"] > 0) & (lines["Quantity"] < 5000) & (lines["Price"] > 0)]
    lines = lines.assign(series=lines["StockCode"].str.upper(), ds=lines["InvoiceDate"].dt.normalize())
    lines = lines[lines["series"].str.match(r"^\d{5}")]
    daily = lines.groupby(["series", "ds"], as_index=False)["Quantity"].sum().rename(columns={"Quantity": "units"})
    best = daily[daily["ds"] <= pd.Timestamp(ORIGIN)].groupby("series").size().nlargest(150).index
    return daily[daily["series"].isin(best)]


def fitted_at(sales: pd.DataFrame, origin: date) -> Fitted:
    return fit_forecast(from_frame(sales, origin, "GB"), ForecastConfig(), 1, lambda step: None)


def test_the_model_beats_naive_and_gives_way_only_when_it_should(sales: pd.DataFrame) -> None:
    fresh, older = fitted_at(sales, ORIGIN), fitted_at(sales, ORIGIN - timedelta(days=7))
    assert fresh.model.member.name == "xgb"
    assert fresh.metrics["product_28d"]["accuracy"] > fresh.metrics["product_28d"]["naive_accuracy"] + 0.1
    assert 0.7 < fresh.metrics["product_28d"]["coverage"] < 0.9
    known = from_frame(sales, ORIGIN, "GB")
    good, equal = (one.model.forecast(known).days_frame() for one in (fresh, older))
    assert good[good["ds"].dt.day_name() == "Saturday"]["mean"].sum() == 0
    names = good.loc[good["series"] != TOTAL, "series"].unique()
    swap = dict(zip(names, np.random.default_rng(0).permutation(names), strict=True))
    bad = good[good["series"] != TOTAL].assign(series=lambda d: d["series"].map(swap))
    previous = running_errors(sales, good)
    shuffled, same = running_errors(sales, bad), running_errors(sales, equal)
    assert any(worse(shuffled, previous, day).is_worse for day in range(1, 6))
    assert not any(worse(same, previous, day).is_worse for day in range(1, 29))


def test_reorder_points_of_the_best_sellers_are_enough_more_often_than_their_service_level(sales: pd.DataFrame) -> None:
    terms, enough = Terms(lead_days=14, service_level=0.95), []
    for back in (0, 28, 56, 84):
        origin = ORIGIN - timedelta(days=back)
        known = from_frame(sales, origin, "GB")
        said = fitted_at(sales, origin).model.forecast(known)
        bands = [Band(7, said.weeks.mean[:-1, 0], said.weeks.p90[:-1, 0])]
        bands.append(Band(28, said.whole.mean[:-1, 0], said.whole.p90[:-1, 0]))
        point = reorder_point(lead_time_units(said.days.mean[:-1], 14), bands, terms)
        ahead = sales[(sales["ds"] > pd.Timestamp(origin)) & (sales["ds"] <= pd.Timestamp(origin + timedelta(days=14)))]
        came = ahead.groupby("series")["units"].sum().reindex(said.series[:-1]).fillna(0.0)
        enough.append(came.to_numpy() <= point)
    assert 0.95 < np.concatenate(enough).mean() < 0.995  # orders are placed after busier days than these
