"""A forecast made elsewhere is served as it was given, and refused when it is no forecast."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import train
from ml.errors import BadData
from ml.forecast import table as forecast_table
from ml.frames import TOTAL
from tests.ml.making import START, order_lines, write_dataset

CUTOFF = START + timedelta(days=29)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset", order_lines(days=30))


def given_days(first: int = 1, days: int = 28, **values: float) -> pd.DataFrame:
    ds = [CUTOFF + timedelta(days=k) for k in range(first, first + days)]
    parts = [
        pd.DataFrame({"series": name, "ds": ds, "mean": value + np.arange(days)}) for name, value in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


def served(bundle: Path, dataset: Path, out: Path, horizon: int = 28) -> pd.DataFrame:
    train.predict(bundle, dataset, out, horizon=horizon)
    return pd.read_parquet(out / "forecasts.parquet")


def test_a_table_is_served_as_it_was_given_with_its_total(dataset: Path, tmp_path: Path) -> None:
    trained = forecast_table.write(tmp_path / "b", given_days(a=1.0, b=5.0), because="by hand")
    frame = served(trained.folder, dataset, tmp_path / "p")
    assert (trained.algorithm, trained.chosen_because) == ("table", "by hand")
    wide = frame.pivot(index="series", columns="ds", values="mean")
    assert np.allclose(wide.loc["a"], 1 + np.arange(28))
    assert np.allclose(wide.loc[TOTAL], 6 + 2 * np.arange(28))
    assert set(frame["origin"]) == {CUTOFF}


def test_given_points_are_kept_and_the_rest_made_up(dataset: Path, tmp_path: Path) -> None:
    table = given_days(a=4.0).assign(p10=1.0, p90=99.0)
    frame = served(forecast_table.write(tmp_path / "b", table).folder, dataset, tmp_path / "p")
    mine = frame[frame["series"] == "a"]
    assert (mine["p10"] == 1.0).all()
    assert (mine["p90"] == 99.0).all()
    assert mine["p50"].between(1, 99).all()


def test_beyond_its_last_day_a_table_goes_on_with_its_last_week(dataset: Path, tmp_path: Path) -> None:
    table = given_days(first=-6, days=20, a=0.0)  # the last ten of its days lie ahead of the cutoff
    frame = served(forecast_table.write(tmp_path / "b", table).folder, dataset, tmp_path / "p")
    mean = frame[frame["series"] == "a"]["mean"].to_numpy()
    assert mean[:13].tolist() == list(range(7, 20))
    assert mean[13:20].tolist() == list(range(13, 20))
    assert mean[20:27].tolist() == list(range(13, 20))


def test_windows_of_a_table_are_narrower_than_the_sum_of_its_days(dataset: Path, tmp_path: Path) -> None:
    table = given_days(a=10.0).assign(p10=5.0, p50=10.0, p90=60.0)
    trained = forecast_table.write(tmp_path / "b", table)
    served(trained.folder, dataset, tmp_path / "p")
    windows = pd.read_parquet(tmp_path / "p" / "windows.parquet")
    whole = windows[(windows["series"] == "a") & (windows["days"] == 28)].iloc[0]
    assert whole["mean"] < whole["p90"] < 60 * 28


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (lambda t: t.drop(index=3), "series a has not exactly one row"),
        (lambda t: pd.concat([t, t[:1]]), "series a has not exactly one row"),
        (lambda t: t.assign(mean=-1.0), "below 0"),
        (lambda t: t.assign(mean=np.inf), "below 0 or none"),
        (lambda t: t.rename(columns={"mean": "yhat"}), "missing mean"),
    ],
)
def test_what_is_no_forecast_is_refused(break_it: object, why: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=why):
        forecast_table.write(tmp_path / "b", break_it(given_days(a=1.0, b=2.0)))  # type: ignore[operator]
