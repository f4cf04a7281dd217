"""A day out of stock is demand nobody saw: filling it takes back the bias that zeros would teach."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ml.forecast.config import ForecastConfig
from ml.forecast.leader import fit_forecast
from ml.forecast.stockouts import uncensored
from ml.sales import DailySales, from_frame
from tests.ml.making import START, daily_sales, sales_frame

CONFIG = ForecastConfig(rounds=30, rows=8000)
DAYS = 228


def planted(sales: DailySales, rows: np.ndarray, *, is_told: bool) -> DailySales:
    """The same shop, these products out of stock for ten of the last fourteen days."""
    out = np.zeros(sales.units.shape, dtype=bool)
    out[rows, -12:-2] = True
    return replace(sales, units=np.where(out, 0, sales.units), is_out=out if is_told else None)


def test_telling_of_stock_outs_takes_back_more_than_half_of_their_bias() -> None:
    whole = daily_sales(products=120, days=DAYS, seed=3)
    known, rows = whole.until(DAYS - 28), np.arange(0, 120, 3)
    came = whole.units[rows, -28:].sum()
    bias = {}
    for name, sales in (
        ("none", known),
        ("ignored", planted(known, rows, is_told=False)),
        ("told", planted(known, rows, is_told=True)),
    ):
        forecast = fit_forecast(sales, CONFIG, 1, lambda step: None).model.forecast(sales)
        assert len(forecast.series) == 121
        bias[name] = forecast.whole.mean[rows, 0].sum() / came - 1
    assert bias["ignored"] < bias["none"] - 0.1
    assert abs(bias["told"] - bias["none"]) < 0.5 * abs(bias["ignored"] - bias["none"])


def test_a_day_out_of_stock_is_filled_with_the_rate_of_the_weeks_before_it() -> None:
    units = np.full((2, 100), 6.0, dtype=np.float32)
    sales = DailySales(("a", "b"), START, units)
    filled = uncensored(planted(sales, np.array([0]), is_told=True))
    assert filled.units == pytest.approx(units, rel=0.15)  # the shop's weekdays see the missing days, too
    assert np.array_equal(filled.units[1], units[1])


def test_what_was_sold_before_it_ran_out_is_never_taken_away() -> None:
    units = np.full((1, 60), 2.0, dtype=np.float32)
    units[0, 50] = 9
    out = np.zeros((1, 60), dtype=bool)
    out[0, 50] = True
    assert uncensored(DailySales(("a",), START, units, is_out=out)).units[0, 50] == 9


def test_a_product_that_never_comes_back_is_given_up_after_six_weeks() -> None:
    units, out = np.full((2, 200), 4.0, dtype=np.float32), np.zeros((2, 200), dtype=bool)
    out[0, 100:] = True
    units[0, 100:] = 0
    filled = uncensored(DailySales(("gone", "kept"), START, units, is_out=out)).units[0]
    assert filled[100:141].min() > 2
    assert filled[142:].max() == 0


def test_a_product_that_was_never_in_stock_stays_as_it_is() -> None:
    units = np.ones((1, 30), dtype=np.float32)
    sales = DailySales(("a",), START, units, is_out=np.ones((1, 30), dtype=bool))
    assert np.array_equal(uncensored(sales).units, units)


def test_a_frame_tells_stock_outs_and_promotions_by_day() -> None:
    frame = sales_frame(products=3, days=30).assign(in_stock=True, promo=False)
    frame.loc[frame.index[4], ["in_stock", "promo"]] = [False, True]
    row = frame.iloc[4]
    sales = from_frame(frame, START + timedelta(days=29))
    place = sales.series.index(row["series"]), (row["ds"].date() - START).days
    assert sales.is_out is not None
    assert sales.is_promo is not None
    assert (
        list(zip(*np.nonzero(sales.is_out), strict=True))
        == [place]
        == list(zip(*np.nonzero(sales.is_promo), strict=True))
    )
