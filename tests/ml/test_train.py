"""From a dataset folder to a bundle to a forecast: the same bytes each time, an honest choice, clear refusals."""

import json
import os
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ml import bundles, train
from ml.errors import BadBundle, BadConfig, BadData
from ml.frames import FORECASTS, TOTAL, WINDOWS, check
from ml.recommend.neighbours import NeighbourTable
from tests.ml.making import START, order_lines, write_dataset

SMALL = {"rounds": 20, "rows": 4000}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("shop") / "dataset", order_lines(days=210))


@pytest.fixture(scope="module")
def bundle(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train.fit("forecast", dataset, tmp_path_factory.mktemp("fit") / "b", config=SMALL, seed=1).folder


@pytest.fixture(scope="module")
def predicted(dataset: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("predicted")
    train.predict(bundle, dataset, out)
    return out


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("task", ["forecast", "recommend"])
def test_the_same_dataset_code_and_seed_give_the_same_bytes(task: train.Task, dataset: Path, tmp_path: Path) -> None:
    config = SMALL if task == "forecast" else {}
    for name in ("one", "two"):
        train.fit(task, dataset, tmp_path / name, config=config, seed=7)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_predicting_twice_gives_the_same_bytes(dataset: Path, bundle: Path, predicted: Path, tmp_path: Path) -> None:
    train.predict(bundle, dataset, tmp_path)
    assert bytes_of(tmp_path) == bytes_of(predicted)


def test_lines_after_the_cutoff_change_nothing(dataset: Path, tmp_path: Path) -> None:
    lines = order_lines(days=210)
    late = order_lines(days=30, seed=9)
    shift = timedelta(days=210)
    late["created_on"] = [day + shift for day in late["created_on"]]
    late["created_at"] += shift
    late["order_id"] += 1_000_000
    late.loc[0, "units"], late.loc[1, "units"], late.loc[2, "product_id"] = (
        -3,
        900_000,
        7,
    )  # two typing errors, a launch
    longer = pd.concat([lines, late], ignore_index=True)
    other = write_dataset(tmp_path / "longer", longer, cutoff=START + timedelta(days=209))
    for task in ("forecast", "recommend"):
        config = SMALL if task == "forecast" else {}
        seen = train.fit(task, dataset, tmp_path / f"{task}-a", config=config, seed=1)
        unseen = train.fit(task, other, tmp_path / f"{task}-b", config=config, seed=1)
        assert bytes_of(seen.folder) == bytes_of(unseen.folder)


def test_the_order_of_the_lines_changes_nothing(dataset: Path, tmp_path: Path) -> None:
    shuffled = order_lines(days=210).sample(frac=1, random_state=3).reset_index(drop=True)
    other = write_dataset(tmp_path / "shuffled", shuffled, cutoff=START + timedelta(days=209))
    seen = train.fit("recommend", dataset, tmp_path / "a", config={}, seed=1)
    unseen = train.fit("recommend", other, tmp_path / "b", config={}, seed=1)
    first, second = NeighbourTable.open(seen.folder), NeighbourTable.open(unseen.folder)
    assert np.array_equal(first.index, second.index)
    assert np.allclose(first.scores, second.scores)


def test_the_frames_keep_their_contract(predicted: Path) -> None:
    days = pd.read_parquet(predicted / "forecasts.parquet")
    windows = pd.read_parquet(predicted / "windows.parquet")
    check(days, FORECASTS)
    check(windows, WINDOWS)
    assert pq.read_schema(predicted / "forecasts.parquet").field("mean").type == "float"
    cutoff = START + timedelta(days=209)
    assert set(days["origin"]) == {cutoff}
    assert sorted(set(days["ds"])) == [cutoff + timedelta(days=k) for k in range(1, 29)]
    assert windows.groupby(["series", "days"]).size().unstack().to_numpy().tolist() == [[4, 1]] * 33


def test_products_add_up_to_the_total_and_bands_are_in_order(predicted: Path) -> None:
    days = pd.read_parquet(predicted / "forecasts.parquet")
    is_total = days["series"] == TOTAL
    summed = days[~is_total].groupby("ds")["mean"].sum()
    assert np.allclose(summed, days[is_total].set_index("ds")["mean"], rtol=1e-5)
    for frame in (days, pd.read_parquet(predicted / "windows.parquet")):
        assert (frame["p10"] <= frame["p50"]).all()
        assert (frame["p50"] <= frame["p90"]).all()
        assert (frame[["mean", "p10"]] >= 0).all().all()


def test_the_windows_means_are_the_sums_of_their_days(predicted: Path) -> None:
    days = pd.read_parquet(predicted / "forecasts.parquet")
    windows = pd.read_parquet(predicted / "windows.parquet")
    whole = windows[windows["days"] == 28].set_index("series")["mean"]
    assert np.allclose(days.groupby("series")["mean"].sum().loc[whole.index], whole, rtol=1e-5)


def test_the_bundle_says_how_good_it_is_and_why_it_leads(bundle: Path) -> None:
    trained = bundles.verify(bundle, task="forecast")
    for level in ("store_week", "product_week", "product_28d"):
        figures = trained.metrics[level]
        assert 0.2 < figures["accuracy"] <= 1
        assert abs(figures["bias"]) < 0.2
        assert 0.5 < figures["coverage"] <= 1
        assert figures["naive_accuracy"] < figures["accuracy"] + 0.05
    assert trained.metrics["n_orders"] == 210 * 12
    assert trained.metrics["n_products"] == 32
    assert "naive" in trained.chosen_because
    assert len(trained.metrics["trial_days"]["error"]) == 78


def test_a_product_not_sold_for_half_a_year_is_not_forecast(tmp_path: Path) -> None:
    lines = order_lines(days=210)
    gone = (lines["product_id"] == 1000) & (lines["created_on"] > START + timedelta(days=10))
    dataset = write_dataset(tmp_path / "d", lines[~gone].reset_index(drop=True))
    trained = train.fit("forecast", dataset, tmp_path / "b", config=SMALL, seed=1)
    train.predict(trained.folder, dataset, tmp_path / "p")
    assert "1000" not in set(pd.read_parquet(tmp_path / "p" / "forecasts.parquet")["series"])


def test_below_56_days_naive_leads_and_with_few_orders_tsb_and_they_say_so(tmp_path: Path) -> None:
    young = write_dataset(tmp_path / "young", order_lines(days=40))
    trained = train.fit("forecast", young, tmp_path / "a", config={}, seed=1)
    assert (trained.algorithm, trained.chosen_because.split(",")[0]) == ("naive", "naive leads: 40 days of history")
    quiet = write_dataset(tmp_path / "quiet", order_lines(days=100, per_day=1))
    trained = train.fit("forecast", quiet, tmp_path / "b", config={}, seed=1)
    assert (trained.algorithm, trained.chosen_because.split(",")[0]) == ("tsb", "tsb leads: 100 orders")


@pytest.mark.parametrize("days", [1, 2, 8, 30, 57, 61, 90])
def test_a_shop_of_any_age_gets_a_forecast(days: int, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", order_lines(days=days))
    trained = train.fit("forecast", dataset, tmp_path / "b", config=SMALL, seed=1)
    train.predict(trained.folder, dataset, tmp_path / "p")
    frame = pd.read_parquet(tmp_path / "p" / "forecasts.parquet")
    assert np.isfinite(frame[["mean", "p10", "p50", "p90"]]).all().all()
    assert frame[frame["series"] == TOTAL]["p90"].sum() > 0
    lists = train.fit("recommend", dataset, tmp_path / "r", config={}, seed=1)
    assert len(NeighbourTable.open(lists.folder).recommend([1000], 4)) == 4


def test_a_shop_that_stopped_selling_is_told_so(tmp_path: Path) -> None:
    lines = order_lines(days=60)
    dataset = write_dataset(tmp_path / "d", lines, cutoff=START + timedelta(days=59 + 200))
    trained = train.fit("forecast", dataset, tmp_path / "b", config=SMALL, seed=1)
    with pytest.raises(BadData, match="no product sold in the 182 days"):
        train.predict(trained.folder, dataset, tmp_path / "p")


def test_progress_is_told_step_by_step(dataset: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    train.fit("forecast", dataset, tmp_path / "b", config=SMALL, seed=1, progress=steps.append)
    assert steps[0].startswith("reading order lines")
    assert any(step.startswith("trying xgb") for step in steps)
    assert steps[-1].startswith("fitting")


def test_an_unknown_setting_is_named_with_those_that_are_known(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="unknown setting depth; known are members"):
        train.fit("forecast", dataset, tmp_path, config={"depth": 3}, seed=1)
    with pytest.raises(BadConfig, match="rounds is -1, expected a number above 0"):
        train.fit("forecast", dataset, tmp_path, config={"rounds": -1}, seed=1)
    with pytest.raises(BadConfig, match=r"neighbours is 2\.5, expected a whole number"):
        train.fit("recommend", dataset, tmp_path, config={"neighbours": 2.5}, seed=1)


def test_a_broken_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"dataset\.json is missing"):
        train.fit("forecast", tmp_path, tmp_path / "b", config={}, seed=1)
    (tmp_path / "dataset.json").write_text(json.dumps({"cutoff_on": "soon"}))
    with pytest.raises(BadData, match="YYYY-MM-DD"):
        train.fit("forecast", tmp_path, tmp_path / "b", config={}, seed=1)
    (tmp_path / "dataset.json").write_text(json.dumps({"cutoff_on": "2025-03-01"}))
    with pytest.raises(BadData, match="no Parquet file"):
        train.fit("recommend", tmp_path, tmp_path / "b", config={}, seed=1)
    (tmp_path / "lines").mkdir()
    order_lines(days=2).drop(columns="units").to_parquet(tmp_path / "lines" / "x.parquet")
    with pytest.raises(BadData, match=r"x\.parquet: missing units"):
        train.fit("forecast", tmp_path, tmp_path / "b", config={}, seed=1)


def test_an_unknown_country_is_no_reason_to_stop(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", order_lines(days=30), country="Atlantis")
    assert train.fit("forecast", dataset, tmp_path / "b", config={}, seed=1).algorithm == "naive"


def test_impossible_lines_leave_one_product_out_and_the_bundle_says_so(tmp_path: Path) -> None:
    lines = order_lines(days=100)
    lines["units"] = lines["units"].astype(float)
    lines.loc[lines["product_id"] == 1001, "units"] = 1e9
    dataset = write_dataset(tmp_path / "d", lines)
    trained = train.fit("forecast", dataset, tmp_path / "b", config=SMALL, seed=1)
    assert trained.metrics["refused"] == {"1001": "more than 1,000,000 units in one row"}
    assert trained.metrics["n_products"] == 31


def test_a_changed_file_is_found_before_it_is_parsed(dataset: Path, tmp_path: Path) -> None:
    folder = train.fit("forecast", dataset, tmp_path / "b", config=SMALL, seed=1).folder
    victim = max(folder.glob("*"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    with pytest.raises(BadBundle, match=r"was changed after training|damaged"):
        train.predict(folder, dataset, tmp_path / "p")


def test_a_file_changed_in_its_place_is_found_though_it_was_looked_at_before(dataset: Path, tmp_path: Path) -> None:
    folder = train.fit("recommend", dataset, tmp_path / "b", config={}, seed=1).folder
    assert bundles.verify(folder) == bundles.verify(folder)
    scores = folder / "scores.npy"
    when = scores.stat()
    with scores.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    os.utime(scores, ns=(when.st_atime_ns, when.st_mtime_ns))
    with pytest.raises(BadBundle, match=r"scores\.npy was changed after training"):
        bundles.verify(folder)


def test_a_missing_a_strange_and_a_foreign_file_are_named(dataset: Path, tmp_path: Path) -> None:
    folder = train.fit("recommend", dataset, tmp_path / "b", config={}, seed=1).folder
    with pytest.raises(BadBundle, match="a bundle for recommend, expected one for forecast"):
        train.predict(folder, dataset, tmp_path / "p")
    (folder / "more.pkl").write_bytes(b"x")
    with pytest.raises(BadBundle, match=r"more\.pkl is not in the manifest"):
        bundles.verify(folder)
    (folder / "more.pkl").unlink()
    (folder / "scores.npy").unlink()
    with pytest.raises(BadBundle, match=r"scores\.npy is missing"):
        bundles.verify(folder)


def test_a_packed_bundle_is_the_same_bytes_each_time_and_unpacks_to_the_same_files(
    bundle: Path, tmp_path: Path
) -> None:
    bundles.pack(bundle, tmp_path / "a.zip")
    (tmp_path / "again").mkdir()
    bundles.unpack(tmp_path / "a.zip", tmp_path / "again")
    bundles.verify(tmp_path / "again")
    bundles.pack(tmp_path / "again", tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_packed_file_that_would_lie_elsewhere_is_not_written(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../outside.json", "{}")
    (tmp_path / "in").mkdir()
    with pytest.raises(BadBundle, match="not a file that a bundle may hold"):
        bundles.unpack(tmp_path / "bad.zip", tmp_path / "in")
    (tmp_path / "bad.zip").write_text("hello")
    with pytest.raises(BadBundle, match="not a packed bundle"):
        bundles.unpack(tmp_path / "bad.zip", tmp_path / "in")
    assert list((tmp_path / "in").iterdir()) == []
    assert not (tmp_path / "outside.json").exists()


def test_the_cutoff_of_a_bundle_is_a_day(bundle: Path) -> None:
    trained = bundles.verify(bundle)
    assert trained.cutoff_on == date(2025, 8, 3)
