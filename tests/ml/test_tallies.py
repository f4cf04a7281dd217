"""Tallies against sums by hand, and the whole way: a shuffled version gives way, an equal one stays."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml.compare import running_errors, tally, tally_windows, worse
from ml.errors import BadData
from ml.forecast.config import ForecastConfig
from ml.forecast.leader import fit_forecast
from ml.frames import TOTAL
from ml.sales import from_frame
from tests.ml.making import START, sales_frame

DAY = START


def days(series: str, *units: float, column: str = "units") -> pd.DataFrame:
    return pd.DataFrame({"series": series, "ds": [DAY + timedelta(days=k) for k in range(len(units))], column: units})


def forecasts(*parts: pd.DataFrame) -> pd.DataFrame:
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(p10=frame["mean"] - 1, p90=frame["mean"] + 1)


def test_products_are_tallied_on_their_sums_over_the_window() -> None:
    actual = pd.concat([days("a", 4, 0, 2), days("b", 1)])
    forecast = forecasts(days("a", 2, 2, 2, column="mean"), days("b", 1, 1, 1, column="mean"))
    found = tally(actual, forecast)
    assert found.accuracy == pytest.approx(1 - (0 + 2) / 7)
    assert found.bias == pytest.approx(2 / 7)
    assert found.coverage == pytest.approx(4 / 6)  # a: 4 and 0 lie outside; b: each day lies at an end
    assert found.n == 2


def test_the_shop_is_tallied_with_everything_it_sold() -> None:
    actual = pd.concat([days("a", 4, 4), days("new", 2, 0)])
    forecast = forecasts(days("a", 4, 4, column="mean"), days(TOTAL, 5, 5, column="mean"))
    assert tally(actual, forecast, "store").bias == pytest.approx(0.0)
    without_total = forecast[forecast["series"] != TOTAL]
    assert tally(actual, without_total, "store").bias == pytest.approx(-0.2)


def test_days_of_any_type_are_the_same_days() -> None:
    actual, forecast = days("a", 4, 4), forecasts(days("a", 4, 4, column="mean"))
    as_times = forecast.assign(ds=pd.to_datetime(forecast["ds"]))
    assert tally(actual, as_times).accuracy == tally(actual, forecast).accuracy == 1.0


def test_a_window_without_sales_has_no_accuracy() -> None:
    found = tally(days("a", 0, 0), forecasts(days("a", 1, 1, column="mean")))
    assert (found.accuracy, found.bias, found.n) == (None, None, 1)


def test_windows_are_tallied_with_their_own_bands() -> None:
    actual = pd.concat([days("a", *[1] * 14), days("b", *[2] * 7)])
    rows = [("a", 0, 7, 8, 5, 6, 9), ("a", 7, 7, 8, 5, 7, 9), ("b", 0, 7, 10, 3, 11, 12), ("b", 7, 7, 1, 0, 0, 2)]
    windows = pd.DataFrame(rows, columns=["series", "start", "days", "mean", "p10", "p50", "p90"])
    windows["first"] = [DAY + timedelta(days=k) for k in windows["start"]]
    found = tally_windows(actual, windows)
    assert found.accuracy == pytest.approx(1 - (1 + 0 + 3 + 0) / 28)
    assert found.bias == pytest.approx((27 - 28) / 28)
    assert (found.coverage, found.n) == (0.75, 4)
    assert tally_windows(actual, windows, "store").bias == pytest.approx((27 - 28) / 28)
    assert tally_windows(actual, windows[:0]).n == 0


def test_running_errors_equal_sums_from_the_first_day_on() -> None:
    actual = pd.concat([days("a", 4, 0, 2), days("b", 1, 3)])
    forecast = pd.concat([days("a", 2, 2, 2, column="mean"), days("c", 1, 1, 1, column="mean")])
    found = running_errors(actual, forecast)
    assert found.error.tolist() == pytest.approx([(2 + 1 + 1) / 5, (0 + 4 + 2) / 8, (0 + 4 + 3) / 10])
    assert found.bias.tolist() == pytest.approx([(3 - 5) / 5, (6 - 8) / 8, (9 - 10) / 10])
    assert found.concentration.tolist() == pytest.approx([17**0.5 / 5, 32**0.5 / 8, 52**0.5 / 10])


def test_days_before_anything_is_sold_have_no_error() -> None:
    found = running_errors(days("a", 0, 2), days("a", 1, 1, column="mean"))
    assert np.isnan(found.error[0])
    assert found.error[1] == 0
    with pytest.raises(BadData, match="no day to tally"):
        running_errors(days("a", 1), days("a", column="mean"))


@pytest.fixture(scope="module")
def shop() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """A shop's sales, and forecasts of 28 days by its version, by one fitted a week earlier and by a shuffled one."""
    frame = sales_frame(products=150, days=228, seed=11)
    made = {}
    for name, back in (("fresh", 0), ("older", 7)):
        origin = START + timedelta(days=199)
        config = ForecastConfig(rounds=20, rows=4000)
        fitted = fit_forecast(from_frame(frame, origin - timedelta(days=back)), config, 1, lambda step: None)
        made[name] = fitted.model.forecast(from_frame(frame, origin)).days_frame()
    products = made["fresh"][made["fresh"]["series"] != TOTAL]
    names = products["series"].unique()
    swap = dict(zip(names, np.roll(names, 7), strict=True))
    made["shuffled"] = products.assign(series=products["series"].map(swap))
    return frame, made


def test_a_version_with_shuffled_products_gives_way_within_five_days(
    shop: tuple[pd.DataFrame, dict[str, pd.DataFrame]],
) -> None:
    frame, made = shop
    champion, previous = (running_errors(frame, made[name]) for name in ("shuffled", "fresh"))
    assert worse(champion, previous, 5).is_worse


def test_an_equal_version_never_gives_way(shop: tuple[pd.DataFrame, dict[str, pd.DataFrame]]) -> None:
    frame, made = shop
    for one, other in (("older", "fresh"), ("fresh", "older")):
        champion, previous = (running_errors(frame, made[name]) for name in (one, other))
        assert not any(worse(champion, previous, day).is_worse for day in range(1, 29))
