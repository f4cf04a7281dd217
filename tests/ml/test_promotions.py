"""Planned promotions: a table of periods that forecasts know ahead, as the shop does."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import promotions, train
from ml.cli import main
from ml.errors import BadData
from ml.explain import PARTS, words
from ml.frames import TOTAL
from ml.promotions import Promotions, planned
from tests.ml.making import START, daily_sales, order_lines, sales_frame, write_dataset

DAYS, LIFT = 340, 3.0
CUTOFF = START + timedelta(days=DAYS - 1)
SMALL = ["--set", "rounds=60", "--set", "rows=12000"]
PLANNED, QUIET = "p003", "p004"


def on(day: int) -> date:
    return START + timedelta(days=int(day))


def plan(ahead: bool = True) -> pd.DataFrame:
    """Each product is on promotion for some weeks of the past; one of them for the second week ahead, too."""
    random = np.random.default_rng(1)
    rows = []
    for product in range(40):
        for week in random.choice(DAYS // 7 - 2, 9, replace=False):
            rows.append((f"p{product:03d}", on(7 * week + 4), on(7 * week + 10)))
    rows = [row for row in rows if row[2] <= CUTOFF]
    if ahead:
        rows.append((PLANNED, CUTOFF + timedelta(days=8), CUTOFF + timedelta(days=14)))
    return pd.DataFrame(rows, columns=["series", "first", "last"])


def shop() -> pd.DataFrame:
    """Sales that a promotion multiplies by three."""
    frame = sales_frame(products=40, days=DAYS, seed=2)
    for series, first, last in plan(ahead=False).itertuples(index=False):
        hit = (frame["series"] == series) & frame["ds"].between(pd.Timestamp(first), pd.Timestamp(last))
        frame.loc[hit, "units"] *= int(LIFT)
    return frame


def run(folder: Path, table: pd.DataFrame | None) -> pd.DataFrame:
    """The weeks of a backtest from the cutoff, a column per week."""
    folder.mkdir(parents=True, exist_ok=True)
    shop().to_parquet(folder / "sales.parquet")
    more = []
    if table is not None:
        table.to_csv(folder / "plan.csv", index=False)
        more = ["--promotions", str(folder / "plan.csv")]
    given = ["--sales", str(folder / "sales.parquet"), "--origins", CUTOFF.isoformat(), "--out", str(folder / "out")]
    assert main(["backtest", "forecast", *given, *SMALL, *more]) == 0
    windows = pd.read_parquet(folder / "out" / "windows.parquet")
    return windows[windows["days"] == 7].pivot_table(index="series", columns="first", values="mean")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    folder = tmp_path_factory.mktemp("told")
    return run(folder, plan()), folder / "out"


def test_a_planned_week_is_forecast_higher_and_the_weeks_around_it_are_not(told: tuple[pd.DataFrame, Path]) -> None:
    weeks = told[0].loc[PLANNED].to_numpy()
    assert weeks[1] > 1.6 * max(weeks[0], weeks[2], weeks[3])
    others = told[0].drop([PLANNED, TOTAL]).sum().to_numpy()
    assert others[1] == pytest.approx(others[[0, 2, 3]].mean(), rel=0.15)


def test_products_add_up_and_the_explanation_tells_of_the_plan(told: tuple[pd.DataFrame, Path]) -> None:
    weeks, out = told
    assert np.allclose(weeks.drop(TOTAL).sum(), weeks.loc[TOTAL], rtol=1e-5)
    why = pd.read_parquet(out / "explanations.parquet").set_index("series")
    assert np.allclose(why[list(PARTS)].sum(axis=1), weeks.sum(axis=1).loc[why.index], rtol=1e-4)
    assert why.loc[PLANNED, "promotion"] > why.loc[QUIET, "promotion"]
    assert "planned on 7 days ahead" in " ".join(words(why.loc[PLANNED].to_dict()))


def test_the_run_records_the_file(told: tuple[pd.DataFrame, Path]) -> None:
    metrics = json.loads((told[1] / "run.json").read_text())["origins"][0]["metrics"]
    assert metrics["promotions"]["sha256"] == promotions.read(told[1].parent / "plan.csv").sha256


def test_what_is_planned_after_the_horizon_changes_nothing(told: tuple[pd.DataFrame, Path], tmp_path: Path) -> None:
    late = pd.DataFrame([("*", CUTOFF + timedelta(days=29), CUTOFF + timedelta(days=60))], columns=plan().columns)
    run(tmp_path, pd.concat([plan(), late]))
    for name in ("forecasts.parquet", "windows.parquet", "explanations.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (told[1] / name).read_bytes()


def test_an_earlier_day_knows_the_plan_that_later_days_followed() -> None:
    sales = planned(daily_sales(products=3, days=60), Promotions((("p001", on(40), on(65)),), "0" * 64))
    assert sales.is_promo is not None
    earlier = sales.until(35)
    assert earlier.is_promo is not None
    assert earlier.promo_ahead is not None
    assert not earlier.is_promo.any()
    assert np.flatnonzero(earlier.promo_ahead[1]).tolist() == list(range(5, 28))
    assert not earlier.rows(np.array([0, 2])).promo_ahead.any()  # type: ignore[union-attr]


def test_a_star_is_every_product_and_strangers_are_nobody() -> None:
    sales = planned(
        daily_sales(products=3, days=60), Promotions((("*", on(59), on(60)), ("x", on(0), on(9))), "0" * 64)
    )
    assert sales.is_promo is not None
    assert sales.promo_ahead is not None
    assert (sales.is_promo.sum(axis=1).tolist(), sales.promo_ahead.sum(axis=1).tolist()) == ([1] * 3, [1] * 3)


def test_a_model_that_learned_a_plan_forecasts_without_it_and_the_other_way_round(tmp_path: Path) -> None:
    dataset, config = write_dataset(tmp_path / "d", order_lines(days=230)), {"rounds": 10, "rows": 2000}
    config["members"] = ["xgb"]
    without = train.fit("forecast", dataset, tmp_path / "without", config=config, seed=1).folder
    (dataset / "promotions.csv").write_text(f"series,first,last\n1001,{on(200)},{on(240)}\n")
    having = train.fit("forecast", dataset, tmp_path / "with", config=config, seed=1).folder
    train.predict(without, dataset, tmp_path / "one")
    (dataset / "promotions.csv").unlink()
    train.predict(having, dataset, tmp_path / "two")
    assert pd.read_parquet(tmp_path / "two" / "windows.parquet")["mean"].notna().all()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("product,first,last\n", "line 1: needs the columns series, first and last, found product, first, last"),
        ("series,first,last\na,2026-01-01,2026-01-32\n", "line 2, column last: '2026-01-32' is no day"),
        ("series,first,last\na,2026-01-05,2026-01-01\n", "line 2, column last: 2026-01-01 is not in the year from"),
        ("series,first,last\na,2026-01-05,2036-01-05\n", "line 2, column last: 2036-01-05 is not in the year from"),
        ("series,first,last\n,2026-01-05,2026-01-06\n", "line 2, column series: empty; say * for every product"),
        ("series,first,last\na,2026-01-05\n", "line 2: 2 values, the first line has 3"),
    ],
)
def test_a_bad_plan_is_refused_with_its_line_and_column(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(text)
    with pytest.raises(BadData) as refused:
        promotions.read(tmp_path / "plan.csv")
    assert why in str(refused.value)


def test_csv_and_parquet_of_the_same_plan_say_the_same(tmp_path: Path) -> None:
    plan().to_csv(tmp_path / "plan.csv", index=False)
    read = promotions.read(tmp_path / "plan.csv")
    promotions.write(read, tmp_path / "plan.parquet")
    assert promotions.read(tmp_path / "plan.parquet").periods == read.periods
