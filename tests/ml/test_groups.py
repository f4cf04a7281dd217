"""What is expected of each product type: the sum of its products, with a range that its own past gave."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml import cli, train
from ml.forecast import groups
from ml.forecast.forecast import Forecast, Points
from ml.frames import TOTAL
from tests.ml.making import daily_sales, order_lines, write_dataset

SMALL = {"rounds": 20, "rows": 4000}


def a_shop(folder: Path, type_of: dict[int, str]) -> Path:
    """A dataset whose families of products have these types."""
    dataset = write_dataset(folder, order_lines(days=210))
    numbers = [1000 + 10 * family + member for family in range(8) for member in range(4)]
    columns: dict[str, list[Any]] = {"product_id": numbers, "product_type": [type_of.get(n, "") for n in numbers]}
    for name in ("title", "vendor", "tags"):
        columns[name] = [""] * len(numbers)
    pq.write_table(pa.table(columns), dataset / "products.parquet")
    return dataset


TYPES = {
    1000 + 10 * family + member: ("Tea", "Cups", " Tea ")[family % 3] for family in range(6) for member in range(4)
}


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forecasts of a shop with two types and products without one."""
    folder = tmp_path_factory.mktemp("types")
    dataset = a_shop(folder / "shop", TYPES)
    bundle = train.fit("forecast", dataset, folder / "bundle", config=SMALL, seed=1).folder
    train.predict(bundle, dataset, folder / "out")
    return folder / "out"


def test_a_type_is_the_sum_of_its_products_and_types_add_up_to_the_total(predicted: Path) -> None:
    types, days = pd.read_parquet(predicted / groups.FILE), pd.read_parquet(predicted / "forecasts.parquet")
    assert dict(zip(types["type"], types["products"], strict=True)) == {"Tea": 16, "Cups": 8, "": 8}
    kind = days["series"].map(lambda name: TYPES.get(int(name), "").strip() if name != TOTAL else TOTAL)
    for first, told in types[types["days"] == 1].groupby("first"):
        then = days[days["ds"] == first]
        summed = then.groupby(kind.loc[then.index])["mean"].sum()
        for row in told.itertuples():
            assert row.mean == pytest.approx(summed[row.type], rel=1e-4)
        assert told["mean"].sum() == pytest.approx(summed[TOTAL], rel=1e-4)


def test_windows_are_the_sums_of_their_days_and_ranges_are_in_order(predicted: Path) -> None:
    types = pd.read_parquet(predicted / groups.FILE)
    assert (types["p10"] <= types["p50"]).all()
    assert (types["p50"] <= types["p90"]).all()
    for _, told in types.groupby("type"):
        days, weeks, whole = (told[told["days"] == length]["mean"] for length in (1, 7, 28))
        assert (len(days), len(weeks), len(whole)) == (28, 4, 1)
        assert days.sum() == pytest.approx(weeks.sum(), rel=1e-4) == pytest.approx(whole.iloc[0], rel=1e-4)
        assert np.isfinite(told[["mean", "p10", "p50", "p90"]].to_numpy()).all()


def test_the_range_of_a_type_is_narrower_than_those_of_its_products_together(predicted: Path) -> None:
    types, windows = pd.read_parquet(predicted / groups.FILE), pd.read_parquet(predicted / "windows.parquet")
    mine = windows[
        (windows["days"] == 28)
        & windows["series"].map(lambda name: TYPES.get(int(name), "") == "Cups" if name != TOTAL else False)
    ]
    row = types[(types["days"] == 28) & (types["type"] == "Cups")].iloc[0]
    assert row["p90"] - row["p10"] < (mine["p90"] - mine["p10"]).sum()


def test_a_shop_with_one_type_or_none_is_told_nothing_by_type(tmp_path: Path) -> None:
    for name, type_of in (("none", {}), ("one", {1000 + 10 * f + m: "Tea" for f in range(8) for m in range(4)})):
        dataset = a_shop(tmp_path / name, type_of)
        bundle = train.fit("forecast", dataset, tmp_path / f"{name}-b", config=SMALL, seed=1).folder
        train.predict(bundle, dataset, tmp_path / f"{name}-out")
        assert not (tmp_path / f"{name}-out" / groups.FILE).exists()


def test_beyond_the_largest_types_are_told_together(predicted: Path) -> None:
    days, windows = (pd.read_parquet(predicted / name) for name in ("forecasts.parquet", "windows.parquet"))
    series = tuple(dict.fromkeys(days["series"]))
    mean = days["mean"].to_numpy().reshape(len(series), -1)
    points, whole = Points(mean, mean, mean, mean), windows[windows["days"] == 28]["mean"].to_numpy()[:, None]
    forecast = Forecast(series, days["origin"].iloc[0], points, points, Points(whole, whole, whole, whole))
    type_of = {name: f"Type {n % 8}" for n, name in enumerate(series[:-1])}
    types = groups.by_type({}, forecast, type_of, most=3).drop_duplicates("type")
    assert len(types) == 4
    assert types["products"].sum() == len(series) - 1
    assert types["type"].iloc[-1] == groups.OTHERS


def test_ranges_hold_four_of_five_later_windows_of_types_as_noisy_as_their_past() -> None:
    shop = daily_sales(products=60, days=400, seed=3)
    shop = replace(shop, kinds={name: (f"t:{n % 6}",) for n, name in enumerate(shop.series)})
    known = groups.bands(shop.until(372))
    inside = []
    for kind in range(6):
        sold = shop.units[kind::6].sum(axis=0)
        said = np.array([[sold[:372].mean() * 7] * 4])
        low, _, high = known["7"].around(said)
        came = sold[372:].reshape(4, 7).sum(axis=1)
        inside += list((low[0] <= came) & (came <= high[0]))
    assert np.mean(inside) >= 0.6
    assert groups.bands(replace(shop, kinds={})) == {}


def test_show_tells_types_in_words(predicted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", str(predicted)]) == 0
    told = capsys.readouterr().out
    assert "by type, 28 days" in told
    assert "16 products" in told
    assert cli.main(["show", str(predicted), "--series", "1000"]) == 0
    assert "by type" not in capsys.readouterr().out
