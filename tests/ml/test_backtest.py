"""Backtests write what they promise and see nothing that came later."""

import json
import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.cli import main
from ml.frames import FORECASTS, TOTAL, WINDOWS, check
from tests.ml.making import START, order_lines, sales_frame, write_dataset

ORIGINS = [START + timedelta(days=k) for k in (150, 178)]
SMALL = ["--set", "rounds=15", "--set", "rows=3000"]


def run_forecast(sales: pd.DataFrame, folder: Path, *more: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    sales.to_parquet(folder / "sales.parquet")
    origins = ",".join(day.isoformat() for day in ORIGINS)
    given = ["--sales", str(folder / "sales.parquet"), "--origins", origins, "--out", str(folder / "out")]
    return main(["backtest", "forecast", *given, *SMALL, *more])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backtest")
    (folder / "series.txt").write_text("p001\np002\np003\n")
    more = ["--horizon", "28", "--series", str(folder / "series.txt"), "--calendar", "GB"]
    assert run_forecast(sales_frame(days=220), folder, *more) == 0
    return folder / "out"


def test_the_files_hold_each_origin_and_only_the_wanted_series_and_their_total(done: Path) -> None:
    days, windows = (pd.read_parquet(done / f"{name}.parquet") for name in ("forecasts", "windows"))
    check(days, FORECASTS)
    check(windows, WINDOWS)
    assert set(days["series"]) == set(windows["series"]) == {"p001", "p002", "p003", TOTAL}
    assert days.groupby("origin").size().to_dict() == dict.fromkeys(ORIGINS, 4 * 28)
    assert windows.groupby(["origin", "days"]).size().to_list() == [16, 4, 16, 4]


def test_products_add_up_to_the_total(done: Path) -> None:
    days = pd.read_parquet(done / "forecasts.parquet")
    products, total = days[days["series"] != TOTAL], days[days["series"] == TOTAL]
    summed = products.groupby(["origin", "ds"])["mean"].sum()
    assert np.allclose(summed, total.set_index(["origin", "ds"])["mean"], rtol=1e-5)


def test_the_run_says_what_was_chosen_and_what_it_cost(done: Path) -> None:
    run = json.loads((done / "run.json").read_text())
    assert {"cpu_seconds_fit", "cpu_seconds_predict", "peak_rss_mb"} <= set(run)
    assert [part["origin"] for part in run["origins"]] == [day.isoformat() for day in ORIGINS]
    assert all(part["chosen"] and part["because"] for part in run["origins"])


def test_shuffling_the_future_leaves_the_forecasts_byte_identical(done: Path, tmp_path: Path) -> None:
    sales = sales_frame(days=220)
    future = sales["ds"] > np.datetime64(ORIGINS[-1])
    random = np.random.default_rng(0)
    shuffled = sales.copy()
    shuffled.loc[future, "units"] = random.integers(0, 9999, future.sum())
    shuffled.loc[future, "series"] = random.permutation(shuffled.loc[future, "series"])
    shuffled = shuffled.sample(frac=1, random_state=1)
    (tmp_path / "series.txt").write_text("p001 p002 p003")
    more = ["--horizon", "28", "--series", str(tmp_path / "series.txt"), "--calendar", "GB"]
    assert run_forecast(shuffled, tmp_path, *more) == 0
    for name in ("forecasts.parquet", "windows.parquet", "explanations.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (done / name).read_bytes()


def test_show_explains_a_series_of_a_backtest_in_words(done: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(done), "--series", "p002"]) == 0
    told = capfd.readouterr().out.splitlines()
    assert told[0] == "p002"
    assert told[1].startswith("  Sold ")
    assert main(["show", str(done)]) == 0
    assert TOTAL in capfd.readouterr().out.splitlines()
    assert main(["show", str(done), "--series", "p999"]) == 2
    assert "no forecast of series p999" in capfd.readouterr().err


def test_progress_names_the_origin_it_is_at(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_forecast(sales_frame(days=220, products=5), tmp_path) == 0
    assert f"origin {ORIGINS[1]} (2 of 2): trying xgb" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--calendar", "XX"], "--calendar XX: unknown country"),
        (["--series", "/nowhere.txt"], "nowhere.txt"),
        (["--set", "rounds"], "expected NAME=VALUE"),
        (["--set", "rounds=no"], "rounds is ['no'], expected a number above 0"),
        (["--origins", "2011"], "expected a day such as"),
        (["--origins", "1999-01-01"], "no rows up to 1999-01-01"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(
    arguments: list[str], why: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_forecast(sales_frame(days=220, products=3), tmp_path, *arguments) == 2
    lines = capfd.readouterr().err.splitlines()
    assert lines[-1].startswith("error: ")
    assert why in lines[-1]


def test_wanted_series_without_sales_are_named_and_the_others_go_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.txt").write_text("p001 ghost")
    assert run_forecast(sales_frame(days=220, products=3), tmp_path, "--series", str(tmp_path / "s.txt")) == 0
    assert "no forecast for 1 series without usable sales, the first is ghost" in capfd.readouterr().err
    assert json.loads((tmp_path / "out" / "run.json").read_text())["origins"][0]["without_forecast"] == ["ghost"]


def recommend_inputs(folder: Path) -> list[str]:
    lines = order_lines(days=60).rename(columns={"customer": "customer_id"})
    lines["created_at"] = lines["created_at"].dt.tz_localize(None)
    lines["product_id"] = "sku" + lines["product_id"].astype(str)
    lines.drop(columns="created_on").to_parquet(folder / "orders.parquet")
    rows = [
        ("q1", "product", "sku1000", None, 0),
        ("q2", "cart", "sku1010", None, 0),
        ("q2", "cart", "sku1011", None, 1),
        ("q3", "customer", None, "c5", 0),
        ("q4", "customer_new", None, "c5", 0),
        ("q5", "product", "never seen", None, 0),
    ]
    names = ["query_id", "kind", "product_id", "customer_id", "position"]
    pd.DataFrame(rows, columns=names).to_parquet(folder / "queries.parquet")
    cut = (START + timedelta(days=50)).isoformat()
    given = {"--orders": "orders.parquet", "--queries": "queries.parquet"}
    paths = [part for option, name in given.items() for part in (option, str(folder / name))]
    return ["backtest", "recommend", *paths, "--cut", cut, "--out", str(folder / "out"), "--k", "5"]


def test_every_query_is_answered_with_ranks_from_one(tmp_path: Path) -> None:
    assert main(recommend_inputs(tmp_path)) == 0
    answers = pd.read_parquet(tmp_path / "out" / "answers.parquet")
    assert answers.groupby("query_id")["rank"].agg(list).to_dict() == {f"q{k}": [1, 2, 3, 4, 5] for k in range(1, 6)}
    best = answers[answers["rank"] <= 3].groupby("query_id")["product_id"].agg(set)
    assert best["q1"] == {"sku1001", "sku1002", "sku1003"}
    assert best["q2"] >= {"sku1012", "sku1013"}
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (run["queries"], run["answered"]) == (5, 5)


def test_lines_from_the_cut_on_change_no_answer(tmp_path: Path) -> None:
    arguments = recommend_inputs(tmp_path)
    assert main(arguments) == 0
    before = (tmp_path / "out" / "answers.parquet").read_bytes()
    orders = pd.read_parquet(tmp_path / "orders.parquet")
    late = orders["created_at"] >= pd.Timestamp(date.fromisoformat(arguments[arguments.index("--cut") + 1]))
    orders.loc[late, "product_id"] = "sku1000"
    orders.to_parquet(tmp_path / "orders.parquet")
    assert main(arguments) == 0
    assert (tmp_path / "out" / "answers.parquet").read_bytes() == before


def test_training_and_showing_work_from_the_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    dataset = write_dataset(tmp_path / "d", order_lines(days=40))
    out = tmp_path / "bundle"
    assert main(["train", "recommend", "--dataset", str(dataset), "--out", str(out)]) == 0
    assert main(["show", str(out)]) == 0
    assert re.search("recommend: (blend|together), cutoff 2025-02-14", capfd.readouterr().out)
    assert main(["train", "forecast", "--dataset", str(dataset), "--out", str(tmp_path / "f")]) == 0
    assert main(["show", str(tmp_path / "f")]) == 0
    assert "{" not in capfd.readouterr().out
    given = ["--dataset", str(dataset), "--out", str(tmp_path / "p"), "--horizon", "14"]
    assert main(["predict", str(tmp_path / "f"), *given]) == 0
    assert pd.read_parquet(tmp_path / "p" / "forecasts.parquet")["ds"].nunique() == 14
    assert main(["predict", str(out), *given]) == 2
    assert "a bundle for recommend, expected one for forecast" in capfd.readouterr().err
