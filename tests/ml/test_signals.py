"""External signals: a table by date, used only where forecasts were surely better with it, never looking ahead."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import bundles, signals, train
from ml.cli import main
from ml.errors import BadData
from ml.explain import PARTS, words
from ml.forecast import effects
from ml.frames import TOTAL
from ml.sales import from_frame
from tests.ml.making import START, order_lines, sales_frame, write_dataset

DAYS, LIFT = 300, 1.8
CUTOFF = START + timedelta(days=DAYS - 1)
SMALL = ["--set", "rounds=15", "--set", "rows=3000"]


def campaign() -> np.ndarray:
    """Whether each known day and each of the 60 after them has a campaign; two of the first seven ahead do."""
    days = np.random.default_rng(4).random(DAYS + 60) < 0.2
    days[DAYS : DAYS + 7] = [True, False, False, True, False, False, False]
    return days


def shop() -> pd.DataFrame:
    """Sales that a campaign multiplies by 1.8."""
    frame, on = sales_frame(products=25, days=DAYS, seed=2), campaign()
    day = (frame["ds"] - pd.Timestamp(START)).dt.days.to_numpy()
    return frame.assign(units=np.round(frame["units"] * np.where(on[day], LIFT, 1.0) * 5))


def table(days: int = DAYS + 60, **more: np.ndarray) -> pd.DataFrame:
    ds = [START + timedelta(days=k) for k in range(days)]
    moon = np.sin(np.arange(days) / 4.7)
    return pd.DataFrame({"date": ds, "campaign": campaign()[:days].astype(int), "moon": moon, **more})


def written(folder: Path, frame: pd.DataFrame) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "signals.csv", index=False)
    return folder / "signals.csv"


def run(folder: Path, frame: pd.DataFrame | None) -> tuple[pd.DataFrame, dict[str, dict[str, object]]]:
    """The daily forecasts of a backtest from the cutoff, and what became of each signal."""
    folder.mkdir(parents=True, exist_ok=True)
    shop().to_parquet(folder / "sales.parquet")
    more = ["--signals", str(written(folder, frame))] if frame is not None else []
    given = ["--sales", str(folder / "sales.parquet"), "--origins", CUTOFF.isoformat(), "--out", str(folder / "out")]
    assert main(["backtest", "forecast", *given, *SMALL, *more]) == 0
    metrics = json.loads((folder / "out" / "run.json").read_text())["origins"][0]["metrics"]
    return pd.read_parquet(folder / "out" / "forecasts.parquet"), metrics.get("signals", {}).get("signals", {})


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame, dict[str, dict[str, object]]]:
    folder = tmp_path_factory.mktemp("told")
    return folder, *run(folder, table())


def total_of(days: pd.DataFrame) -> np.ndarray:
    return np.asarray(days.loc[days["series"] == TOTAL, "mean"])


def test_a_signal_that_helps_is_used_and_one_that_does_not_is_held_back(
    told: tuple[Path, pd.DataFrame, dict[str, dict[str, object]]],
) -> None:
    _, _, became = told
    assert became["campaign"]["used"] is True
    assert np.exp(became["campaign"]["log_per_unit"]) == pytest.approx(LIFT, rel=0.1)
    assert became["moon"]["used"] is False


def test_days_ahead_with_a_campaign_are_forecast_higher_and_products_still_add_up(
    told: tuple[Path, pd.DataFrame, dict[str, dict[str, object]]], tmp_path: Path
) -> None:
    _, with_it, _ = told
    without, _ = run(tmp_path, None)
    ratio = total_of(with_it) / total_of(without)
    on = campaign()[DAYS : DAYS + 28]
    assert (ratio[on].mean() / ratio[~on].mean()) == pytest.approx(LIFT, rel=0.1)
    summed = with_it[with_it["series"] != TOTAL].groupby("ds")["mean"].sum()
    assert np.allclose(summed, total_of(with_it), rtol=1e-5)


def test_the_explanation_names_the_signals_and_still_adds_up(
    told: tuple[Path, pd.DataFrame, dict[str, dict[str, object]]],
) -> None:
    rows = pd.read_parquet(told[0] / "out" / "explanations.parquet").set_index("series")
    windows = pd.read_parquet(told[0] / "out" / "windows.parquet")
    whole = windows[windows["days"] == 28].set_index("series")["mean"]
    assert np.allclose(rows[list(PARTS)].sum(axis=1), whole.loc[rows.index], rtol=1e-4)
    assert abs(rows.loc[TOTAL, "signals"]) > 0
    assert any(line.startswith("Signals (campaign)") for line in words(rows.loc[TOTAL].to_dict()))


def test_what_comes_after_the_horizon_changes_nothing(
    told: tuple[Path, pd.DataFrame, dict[str, dict[str, object]]], tmp_path: Path
) -> None:
    folder, _, _ = told
    changed = table()
    changed.loc[changed.index >= DAYS + 28, ["campaign", "moon"]] = 77
    run(tmp_path, changed)
    for name in ("forecasts.parquet", "windows.parquet", "explanations.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / "out" / name).read_bytes()


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (table(DAYS + 20), r"no value for 2025-11-22; all 28 days ahead are needed"),
        (table().assign(campaign=1), "it has not changed in half a year"),
        (table().iloc[DAYS - 30 :], "known on 16% of the last 182 days, 90% are needed"),
    ],
)
def test_a_signal_that_cannot_be_used_is_held_back_and_the_reason_is_kept(frame: pd.DataFrame, why: str) -> None:
    given = signals.Signals(
        ("campaign",), frame["date"].iloc[0], frame[["campaign"]].to_numpy(float).T, sha256="0" * 64
    )
    sales, became = effects.chosen(replace(from_frame(shop(), CUTOFF), signals=given), lambda step: None)
    assert sales.signals is None
    assert became is not None
    assert (became["signals"]["campaign"]["used"], became["signals"]["campaign"]["because"]) == (
        False,
        why.replace("\\", ""),
    )


def test_a_young_shop_holds_every_signal_back() -> None:
    given = signals.Signals(("campaign",), START, campaign()[None].astype(float), "0" * 64)
    sales, became = effects.chosen(replace(from_frame(shop(), CUTOFF).until(90), signals=given), lambda step: None)
    assert sales.signals is None
    assert became is not None
    assert became["signals"]["campaign"]["because"] == "90 days of history, 140 are needed to judge it"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("day,rain\n2026-01-01,1\n", "line 1: needs one column called date, found day, rain"),
        ("date\n2026-01-01\n", "line 1: needs columns of numbers beside date"),
        ("date,rain,rain\n", "line 1: needs columns of numbers beside date, each with a name of its own"),
        ("date,rain\n2026-01-01,1\n2026-13-01,2\n", "line 3, column date: '2026-13-01' is no day such as 2026-03-01"),
        ("date,rain,sun\n2026-01-01,1,much\n", "line 2, column sun: 'much' is not a number"),
        ("date,rain\n2026-01-01,nan\n", "line 2, column rain: 'nan' is not a number that can be used"),
        ("date,rain\n2026-01-01,inf\n", "line 2, column rain: 'inf' is not a number that can be used"),
        ("date,rain\n2026-01-01,1,2\n", "line 2: 3 values, the first line has 2"),
        ("date,rain\n2026-01-01,1\n\n2026-01-01,2\n", "line 4, column date: 2026-01-01 for the second time"),
        ("date,rain\n", "not one day below the first line"),
        ("", "empty"),
        ("date,rain\n1026-01-01,1\n2026-01-01,1\n", "one of them is a typing error"),
        ("date," + ",".join(f"s{k}" for k in range(21)) + "\n", "21 signals, at most 20"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_column(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "signals.csv"
    file.write_text(text)
    with pytest.raises(BadData) as refused:
        signals.read(file)
    assert why in str(refused.value)


def test_files_that_are_no_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no such file"):
        signals.read(tmp_path / "none.csv")
    for name, why in (("a.csv", "not CSV in UTF-8"), ("b.parquet", "not a Parquet file")):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00")
        with pytest.raises(BadData, match=why):
            signals.read(tmp_path / name)


def test_an_empty_cell_a_gap_and_true_and_false_are_understood(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("date,on,rain\n2026-01-03,TRUE,\n2026-01-01,false,2.5\n")
    read = signals.read(tmp_path / "s.csv")
    assert (read.names, read.first_on) == (("on", "rain"), date(2026, 1, 1))
    assert np.array_equal(read.values, [[0, np.nan, 1], [2.5, np.nan, np.nan]], equal_nan=True)
    assert np.isnan(read.on(date(2025, 12, 30), 2)).all()


def test_csv_and_parquet_of_the_same_table_say_the_same(tmp_path: Path) -> None:
    first = signals.read(written(tmp_path, table(20)))
    signals.write(first, tmp_path / "signals.parquet")
    again = signals.read(tmp_path / "signals.parquet")
    assert (again.names, again.first_on) == (first.names, first.first_on)
    assert np.array_equal(again.values, first.values, equal_nan=True)


def test_a_bundle_records_the_file_it_was_trained_with_and_forecasts_without_it_too(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", order_lines(days=230))
    written(dataset, table(230 + 40))
    config = {"rounds": 10, "rows": 2000}
    trained = train.fit("forecast", dataset, tmp_path / "b", config=config, seed=1)
    assert trained.metrics["signals"]["sha256"] == signals.read(dataset / "signals.csv").sha256
    again = train.fit("forecast", dataset, tmp_path / "c", config=config, seed=1)
    assert (again.files, again.metrics) == (trained.files, trained.metrics)
    (dataset / "signals.csv").unlink()
    train.predict(trained.folder, dataset, tmp_path / "p")
    assert bundles.verify(trained.folder).metrics["signals"]["signals"]["moon"]["used"] is False
