"""Whatever one series is like, it is forecast with an honest width or refused by name, and the others never notice."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import train
from ml.cli import main
from ml.explain import PARTS
from ml.frames import TOTAL
from ml.sales import from_frame
from tests.ml.making import START, order_lines, sales_frame, write_dataset

DAYS = 200
CUTOFF = START + timedelta(days=DAYS - 1)
SMALL = ["--set", "rounds=15", "--set", "rows=3000"]
EVERY_FIFTH = range(0, DAYS, 5)
Rows = list[tuple[int, float, float]]
"""Day, units and price of each row."""

REFUSED: dict[str, tuple[Rows, str]] = {
    "no sales": ([(0, 0, 9.0)], "sold nothing"),
    "all zero": ([(day, 0, 9.0) for day in EVERY_FIFTH], "sold nothing"),
    "negative": ([(10, -3, 9.0), (11, 5, 9.0)], "negative units"),
    "a billion": ([(50, 1e9, 9.0), (60, 3, 9.0)], "more than 1,000,000 units in one row"),
    "a typing error": ([(day, 3, 9.0) for day in EVERY_FIFTH] + [(180, 900_000, 9.0)], "sells far less of everything"),
    "not a number": ([(3, float("nan"), 9.0), (9, 2, 9.0)], "not a number"),
    "endless": ([(3, float("inf"), 9.0)], "not a number"),
    "a negative price": ([(3, 1, -9.0), (9, 1, 9.0)], "negative price"),
}
FORECAST: dict[str, Rows] = {
    "one day": [(DAYS - 1, 5, 9.0)],
    "gifts": [(day, 2, 0.0) for day in range(0, DAYS, 3)],
    "gaps": [(5, 3, 9.0), (DAYS - 10, 4, 9.0)],
    "duplicate days": [(day // 3, 1, 9.0) for day in range(3 * DAYS)],
    "no price": [(day, 2, float("nan")) for day in range(0, DAYS, 4)],
    "halves": [(day, 0.5, 9.0) for day in range(0, DAYS, 4)],
}


def rows(series: str, found: Rows) -> pd.DataFrame:
    days = [pd.Timestamp(START) + pd.Timedelta(days=day) for day, _, _ in found]
    units, price = ([one[k] for one in found] for k in (1, 2))
    return pd.DataFrame({"series": series, "ds": days, "units": units, "price": price})


def shop() -> pd.DataFrame:
    return sales_frame(products=15, days=DAYS).astype({"units": float})


def run(folder: Path, frame: pd.DataFrame, *more: str) -> pd.DataFrame:
    """The windows of 28 days that a backtest of these rows writes, by series."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / "sales.parquet")
    given = ["--sales", str(folder / "sales.parquet"), "--origins", CUTOFF.isoformat(), "--out", str(folder / "out")]
    assert main(["backtest", "forecast", *given, *SMALL, *more]) == 0
    windows = pd.read_parquet(folder / "out" / "windows.parquet")
    return windows[windows["days"] == 28].set_index("series")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return run(tmp_path_factory.mktemp("alone"), shop())


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    folder = tmp_path_factory.mktemp("together")
    parts = [rows(name, found) for name, (found, _) in REFUSED.items()]
    parts += [rows(name, found) for name, found in FORECAST.items()]
    return run(folder, pd.concat([shop(), *parts]), "--calendar", "GB"), folder / "out"


@pytest.mark.parametrize("name", REFUSED)
def test_an_impossible_series_is_refused_by_name_with_the_reason(
    name: str, together: tuple[pd.DataFrame, Path]
) -> None:
    windows, out = together
    told = json.loads((out / "run.json").read_text())["origins"][0]["metrics"]["refused"]
    assert REFUSED[name][1] in told[name]
    assert name not in windows.index


@pytest.mark.parametrize("name", FORECAST)
def test_an_odd_series_is_forecast_with_a_width(name: str, together: tuple[pd.DataFrame, Path]) -> None:
    row = together[0].loc[name]
    assert 0 <= row["p10"] <= row["p50"] <= row["p90"]
    assert row["p90"] > 0
    assert np.isfinite(row[["mean", "p10", "p50", "p90"]].astype(float)).all()


def test_a_refused_series_changes_no_other_forecast(alone: pd.DataFrame, tmp_path: Path) -> None:
    parts = [rows(name, found) for name, (found, _) in REFUSED.items()]
    beside = run(tmp_path, pd.concat([shop(), *parts]))
    assert beside.index.tolist() == alone.index.tolist()
    assert np.allclose(beside[["mean", "p50", "p90"]], alone[["mean", "p50", "p90"]])


def test_every_forecast_is_explained_whatever_the_series_is_like(together: tuple[pd.DataFrame, Path]) -> None:
    windows, out = together
    why = pd.read_parquet(out / "explanations.parquet").set_index("series")
    assert np.isfinite(why[list(PARTS)]).all().all()
    assert np.allclose(why[list(PARTS)].sum(axis=1), windows.loc[why.index, "mean"], rtol=1e-3, atol=1e-2)


def test_an_unknown_price_is_no_gift() -> None:
    frame = pd.concat([rows("a", [(0, 2, 9.0), (1, 2, float("nan"))]), rows("b", [(0, 1, float("nan"))])])
    revenue = from_frame(frame).revenue
    assert revenue is not None
    assert revenue.tolist() == [[18, 18], [0, 0]]


def test_nothing_but_bad_series_is_refused_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows("a", [(0, -1, 9.0)]).to_parquet(tmp_path / "sales.parquet")
    given = [
        "--sales",
        str(tmp_path / "sales.parquet"),
        "--origins",
        CUTOFF.isoformat(),
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(["backtest", "forecast", *given]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_a_quiet_week_of_a_small_shop_does_not_promise_that_nothing_will_sell(tmp_path: Path) -> None:
    """After an order a day for 40 days and none for nine, last week again is nothing at all."""
    lines = order_lines(days=40, per_day=1)
    dataset = write_dataset(tmp_path / "d", lines, cutoff=START + timedelta(days=48))
    trained = train.fit("forecast", dataset, tmp_path / "b", config={"rounds": 15, "rows": 3000}, seed=1)
    train.predict(trained.folder, dataset, tmp_path / "p")
    windows = pd.read_parquet(tmp_path / "p" / "windows.parquet")
    total = windows[windows["series"] == TOTAL]
    whole = total[total["days"] == 28].iloc[0]
    assert (whole["mean"], whole["p10"]) == (0, 0)
    daily = lines.groupby("created_on")["units"].sum().reindex([START + timedelta(days=n) for n in range(49)]).fillna(0)
    assert whole["p90"] == pytest.approx(np.quantile(daily.rolling(28).sum().dropna(), 0.9), rel=0.1)
    assert (total[total["days"] == 7]["p90"] > 0).all()


@pytest.mark.parametrize("days", [1, 2, 6, 20, 60])
def test_a_young_shop_is_forecast_and_explained_from_its_first_day_on(days: int, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", order_lines(days=days))
    trained = train.fit("forecast", dataset, tmp_path / "b", config={"rounds": 15, "rows": 3000}, seed=1)
    train.predict(trained.folder, dataset, tmp_path / "p")
    windows = pd.read_parquet(tmp_path / "p" / "windows.parquet")
    whole = windows[windows["days"] == 28].set_index("series")
    usual = order_lines(days=days)["units"].sum() / days * 28
    assert whole.loc[TOTAL, "mean"] == pytest.approx(usual, rel=0.35)
    assert (whole["p90"] > whole["p10"]).all()
    assert pd.read_parquet(tmp_path / "p" / "explanations.parquet")["series"].tolist() == whole.index.tolist()


def test_a_shop_with_three_orders_a_week_is_forecast_within_reason(tmp_path: Path) -> None:
    lines = order_lines(days=150, per_day=1, seed=5)
    lines = lines[[day.weekday() in {0, 3, 5} for day in lines["created_on"]]].reset_index(drop=True)
    dataset = write_dataset(tmp_path / "d", lines, cutoff=START + timedelta(days=149))
    trained = train.fit("forecast", dataset, tmp_path / "b", config={}, seed=1)
    assert trained.algorithm == "tsb"
    train.predict(trained.folder, dataset, tmp_path / "p")
    windows = pd.read_parquet(tmp_path / "p" / "windows.parquet")
    total = windows[(windows["series"] == TOTAL) & (windows["days"] == 28)].iloc[0]
    assert total["mean"] == pytest.approx(lines["units"].sum() / 150 * 28, rel=0.4)
    assert total["p10"] < total["mean"] < total["p90"]


def test_days_are_those_of_the_shop_s_own_clock_when_it_is_put_forward_and_back() -> None:
    """In Berlin 29 March 2026 has 23 hours and 25 October 25; a sale at half past eleven belongs to its evening."""
    days = pd.date_range("2026-03-27 23:30", "2026-10-27 23:30", freq="D", tz="Europe/Berlin")
    frame = pd.DataFrame({"series": "a", "ds": days, "units": 1.0})
    sales = from_frame(frame)
    assert sales.units.tolist() == [[1.0] * len(days)]
    assert (sales.first_on.isoformat(), sales.origin_on.isoformat()) == ("2026-03-27", "2026-10-27")
