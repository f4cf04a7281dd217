"""Discount codes for the whole shop, past and planned: told ahead, used when they brought something, and explained."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import promotions
from ml.cli import main
from ml.errors import BadData
from ml.frames import TOTAL
from ml.promotions import planned
from tests.ml.making import START, daily_sales, sales_frame

DAYS = 340
CUTOFF = START + timedelta(days=DAYS - 1)
SMALL = ["--set", "rounds=40", "--set", "rows=8000"]
TIMES = 2
"""What the code SPRING multiplies sales by; the code DULL does nothing."""


def on(day: int) -> str:
    return (START + timedelta(days=day)).isoformat()


def plan(ahead: bool) -> str:
    """Both codes ran for five days every six weeks, in turn; ahead, SPRING is planned for the third week."""
    rows = [
        f"*,{on(day)},{on(day + 4)},{code}"
        for k, code in enumerate(("spring", "Dull"))
        for day in range(20 + 21 * k, DAYS - 5, 42)
    ]
    rows += [f"*,{on(DAYS + 14)},{on(DAYS + 18)},SPRING"] if ahead else []
    return "\n".join(["series,first,last,code", *rows, f"p003,{on(100)},{on(110)},PERSONAL"]) + "\n"


def run(folder: Path, table: str | None) -> tuple[pd.DataFrame, Path]:
    """Weeks of the days after the cutoff, a column per week, and where they were written."""
    folder.mkdir(parents=True)
    frame = sales_frame(products=30, days=DAYS, seed=5)
    day = (frame["ds"] - pd.Timestamp(START)).dt.days
    frame.loc[(day >= 20) & ((day - 20) % 42 < 5), "units"] *= TIMES
    frame.to_parquet(folder / "sales.parquet")
    more = []
    if table is not None:
        (folder / "plan.csv").write_text(table)
        more = ["--promotions", str(folder / "plan.csv")]
    given = ["--sales", str(folder / "sales.parquet"), "--origins", CUTOFF.isoformat(), "--out", str(folder / "out")]
    assert main(["backtest", "forecast", *given, *SMALL, *more]) == 0
    windows = pd.read_parquet(folder / "out" / "windows.parquet")
    return windows[windows["days"] == 7].pivot_table(index="series", columns="first", values="mean"), folder / "out"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    return run(tmp_path_factory.mktemp("told") / "shop", plan(ahead=True))


def test_a_planned_campaign_lifts_its_days_and_no_others(told: tuple[pd.DataFrame, Path], tmp_path: Path) -> None:
    weeks, without = told[0].loc[TOTAL].to_numpy(), run(tmp_path / "shop", plan(ahead=False))[0].loc[TOTAL].to_numpy()
    assert 1.3 < weeks[2] / without[2] < 2
    assert weeks[[0, 1, 3]] == pytest.approx(without[[0, 1, 3]], rel=0.02)


def test_a_code_is_used_when_it_brought_something_and_held_back_when_not(told: tuple[pd.DataFrame, Path]) -> None:
    signals = json.loads((told[1] / "run.json").read_text())["origins"][0]["metrics"]["signals"]["signals"]
    assert set(signals) == {"code SPRING", "code DULL"}
    assert signals["code SPRING"]["used"]
    assert np.exp(signals["code SPRING"]["log_per_unit"]) == pytest.approx(TIMES, abs=0.35)
    assert not signals["code DULL"]["used"]


def test_the_explanation_names_the_code_and_what_it_contributes(
    told: tuple[pd.DataFrame, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["show", str(told[1]), "--series", TOTAL]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "code SPRING" in line)
    assert "DULL" not in line


def test_a_campaign_is_a_signal_and_a_single_product_s_code_a_promotion(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(plan(ahead=True))
    sales = planned(daily_sales(products=6, days=DAYS), promotions.read(tmp_path / "plan.csv"))
    assert sales.signals is not None
    assert sales.signals.names == ("code SPRING", "code DULL")
    assert sales.is_promo is not None
    assert [sales.series[row] for row in np.flatnonzero(sales.is_promo.any(axis=1))] == ["p003"]
    days = sales.signals.on(sales.first_on, DAYS + 28)
    assert days[0, DAYS:].tolist() == [0.0] * 14 + [1.0] * 5 + [0.0] * 9
    assert days[1, DAYS:].sum() == 0


def test_codes_survive_being_kept_and_stand_beside_other_signals(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(plan(ahead=True))
    first = promotions.read(tmp_path / "plan.csv")
    promotions.write(first, tmp_path / "kept.parquet")
    again = promotions.read(tmp_path / "kept.parquet")
    assert (again.periods, again.codes) == (first.periods, first.codes)
    (tmp_path / "old.csv").write_text(f"series,first,last\n*,{on(3)},{on(4)}\n")
    assert promotions.read(tmp_path / "old.csv").campaigns() == {}


def test_more_codes_than_can_be_told_apart_are_refused(tmp_path: Path) -> None:
    rows = "\n".join(f"*,{date(2025, 1, 1)},{date(2025, 1, 3)},C{n}" for n in range(21))
    (tmp_path / "plan.csv").write_text(f"series,first,last,code\n{rows}\n")
    with pytest.raises(BadData, match="21 codes for all products, 20 can be told apart"):
        promotions.read(tmp_path / "plan.csv")
