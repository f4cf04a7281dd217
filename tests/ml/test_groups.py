"""What is expected of each product type and collection: the sum of its products, with a range from groups' past."""

import json
from dataclasses import replace
from itertools import product
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
from ml.sales import Collection
from tests.ml.making import daily_sales, order_lines, write_dataset

SMALL = {"rounds": 20, "rows": 4000}


def a_shop(folder: Path, type_of: dict[int, str], members: dict[int, list[int]] | None = None) -> Path:
    """A dataset whose families of products have these types and, where told, whose collections have these members."""
    dataset = write_dataset(folder, order_lines(days=210))
    numbers = [1000 + 10 * family + member for family in range(8) for member in range(4)]
    columns: dict[str, list[Any]] = {"product_id": numbers, "product_type": [type_of.get(n, "") for n in numbers]}
    for name in ("title", "vendor", "tags"):
        columns[name] = [""] * len(numbers)
    pq.write_table(pa.table(columns), dataset / "products.parquet")
    if members is not None:
        rows = [(product, number, f"Set {number}") for number, mine in members.items() for product in sorted(mine)]
        told = dict(zip(("product_id", "collection_id", "title"), zip(*sorted(rows), strict=True), strict=True))
        pq.write_table(pa.table({name: list(values) for name, values in told.items()}), dataset / "collections.parquet")
    return dataset


TYPES = {
    1000 + 10 * family + member: ("Tea", "Cups", " Tea ")[family % 3] for family in range(6) for member in range(4)
}

COLLECTIONS = {
    71: [1000 + 10 * family for family in range(8)],
    72: [1000, 1001, 1010, 1011, 4711],
    73: [1000 + 10 * family + member for family in range(4) for member in range(4)],
    74: [4711],
}
"""They overlap, most of family 5 is in none of them, and 4711 never sold."""


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forecasts of a shop with two types and products without one, and with four collections."""
    folder = tmp_path_factory.mktemp("types")
    dataset = a_shop(folder / "shop", TYPES, COLLECTIONS)
    bundle = train.fit("forecast", dataset, folder / "bundle", config=SMALL, seed=1).folder
    train.predict(bundle, dataset, folder / "out")
    return folder / "out"


def test_a_type_is_the_sum_of_its_products_and_types_add_up_to_the_total(predicted: Path) -> None:
    types, days = pd.read_parquet(predicted / groups.TYPES_FILE), pd.read_parquet(predicted / "forecasts.parquet")
    assert dict(zip(types["type"], types["products"], strict=True)) == {"Tea": 16, "Cups": 8, "": 8}
    kind = days["series"].map(lambda name: TYPES.get(int(name), "").strip() if name != TOTAL else TOTAL)
    for first, told in types[types["days"] == 1].groupby("first"):
        then = days[days["ds"] == first]
        summed = then.groupby(kind.loc[then.index])["mean"].sum()
        for row in told.itertuples():
            assert row.mean == pytest.approx(summed[row.type], rel=1e-4)
        assert told["mean"].sum() == pytest.approx(summed[TOTAL], rel=1e-4)


def test_a_collection_is_the_sum_of_its_products_however_many_others_they_are_in(predicted: Path) -> None:
    collections = pd.read_parquet(predicted / groups.COLLECTIONS_FILE)
    days = pd.read_parquet(predicted / "forecasts.parquet")
    told = collections.drop_duplicates("collection")
    assert dict(zip(told["collection"], told["products"], strict=True)) == {71: 8, 72: 4, 73: 16}
    assert list(told["collection"]) == [73, 71, 72]
    assert list(told["title"]) == ["Set 73", "Set 71", "Set 72"]
    for row in collections[collections["days"] == 1].itertuples():
        mine = days["series"].isin([str(product) for product in COLLECTIONS[row.collection]])
        assert row.mean == pytest.approx(days[mine & (days["ds"] == row.first)]["mean"].sum(), rel=1e-4)


def test_without_collections_a_bundle_says_nothing_of_them_and_types_are_the_same_bytes(
    predicted: Path, tmp_path: Path
) -> None:
    dataset = a_shop(tmp_path / "shop", TYPES)
    bundle = train.fit("forecast", dataset, tmp_path / "bundle", config=SMALL, seed=1).folder
    train.predict(bundle, dataset, tmp_path / "out")
    with_collections = json.loads((predicted.parent / "bundle" / "profile.json").read_text())
    assert with_collections.pop("collections").keys() == {"1", "7", "28"}
    assert json.loads((bundle / "profile.json").read_text()) == with_collections
    assert not (tmp_path / "out" / groups.COLLECTIONS_FILE).exists()
    for name in ("forecasts.parquet", "windows.parquet", groups.TYPES_FILE):
        assert (tmp_path / "out" / name).read_bytes() == (predicted / name).read_bytes()


@pytest.mark.parametrize("file", [groups.TYPES_FILE, groups.COLLECTIONS_FILE])
def test_windows_are_the_sums_of_their_days_and_ranges_are_in_order(predicted: Path, file: str) -> None:
    found = pd.read_parquet(predicted / file)
    assert (found["p10"] <= found["p50"]).all()
    assert (found["p50"] <= found["p90"]).all()
    for _, told in found.groupby(found.columns[0]):
        days, weeks, whole = (told[told["days"] == length]["mean"] for length in (1, 7, 28))
        assert (len(days), len(weeks), len(whole)) == (28, 4, 1)
        assert days.sum() == pytest.approx(weeks.sum(), rel=1e-4) == pytest.approx(whole.iloc[0], rel=1e-4)
        assert np.isfinite(told[["mean", "p10", "p50", "p90"]].to_numpy()).all()


def test_the_range_of_a_type_is_narrower_than_those_of_its_products_together(predicted: Path) -> None:
    types, windows = pd.read_parquet(predicted / groups.TYPES_FILE), pd.read_parquet(predicted / "windows.parquet")
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
        assert not (tmp_path / f"{name}-out" / groups.TYPES_FILE).exists()


def test_beyond_the_largest_types_are_told_together_and_collections_not(predicted: Path) -> None:
    days, windows = (pd.read_parquet(predicted / name) for name in ("forecasts.parquet", "windows.parquet"))
    series = tuple(dict.fromkeys(days["series"]))
    mean = days["mean"].to_numpy().reshape(len(series), -1)
    points, whole = Points(mean, mean, mean, mean), windows[windows["days"] == 28]["mean"].to_numpy()[:, None]
    forecast = Forecast(series, days["origin"].iloc[0], points, points, Points(whole, whole, whole, whole))
    type_of = {name: f"Type {n % 8}" for n, name in enumerate(series[:-1])}
    types = groups.by_type({}, forecast, type_of, most=3).drop_duplicates("type")
    sets = {n: Collection("Set", series[n:-1]) for n in range(8)}
    assert list(groups.by_collection({}, forecast, sets, most=3)["collection"].unique()) == [0, 1, 2]
    assert len(types) == 4
    assert types["products"].sum() == len(series) - 1
    assert types["type"].iloc[-1] == groups.OTHERS


def test_ranges_hold_four_of_five_later_windows_of_types_as_noisy_as_their_past() -> None:
    shop = daily_sales(products=60, days=400, seed=3)
    shop = replace(shop, kinds={name: (f"t:{n % 6}",) for n, name in enumerate(shop.series)})
    known = groups.type_bands(shop.until(372))
    inside = []
    for kind in range(6):
        sold = shop.units[kind::6].sum(axis=0)
        said = np.array([[sold[:372].mean() * 7] * 4])
        low, _, high = known["7"].around(said)
        came = sold[372:].reshape(4, 7).sum(axis=1)
        inside += list((low[0] <= came) & (came <= high[0]))
    assert np.mean(inside) >= 0.6
    assert groups.type_bands(replace(shop, kinds={})) == {}


def test_in_a_shop_of_five_weeks_ranges_of_types_and_collections_hold_four_of_five_windows() -> None:
    """It has no past origins, so their forecasts were told with the range of a single count. Each order takes five."""
    inside: list[bool] = []
    for seed in range(12):
        shop = daily_sales(products=24, days=63, seed=seed)
        shop = replace(shop, units=shop.units * np.random.default_rng(seed).poisson(0.25, shop.units.shape) * 5)
        named = {n: Collection(f"Set {n}", shop.series[n::4]) for n in range(4)}
        kinds = {name: (f"t:{n % 4}",) for n, name in enumerate(shop.series)}
        young = replace(shop.until(35), kinds=kinds, collections=named)
        both = groups.type_bands(young), groups.collection_bands(young)
        for known, (row, days) in product(both, product(range(4), (7, 28))):
            sold = shop.units[row::4].sum(axis=0)
            low, _, high = known[str(days)].around(np.array([sold[28:35].sum() * days / 7]))
            came = sold[35 : 35 + days].sum()
            inside.append(bool(low[0] <= came <= high[0]))
    assert 0.7 <= np.mean(inside) <= 0.95


@pytest.mark.parametrize("overlap", [6, 17])
def test_ranges_of_collections_hold_four_of_five_later_windows_whatever_their_size(overlap: int) -> None:
    """60 collections of 2 to 40 products, far more than ranges are measured on."""
    shop = daily_sales(products=60, days=400, seed=3)
    sizes = [2 + n * 38 // 59 for n in range(60)]
    rows = [[(n * overlap + k) % 60 for k in range(size)] for n, size in enumerate(sizes)]
    named = {n: Collection(f"Set {n}", tuple(shop.series[row] for row in mine)) for n, mine in enumerate(rows)}
    known = groups.collection_bands(replace(shop.until(372), collections=named))
    inside: list[bool] = []
    for mine in rows:
        sold = shop.units[mine].sum(axis=0)
        low, _, high = known["7"].around(np.array([[sold[:372].mean() * 7] * 4]))
        came = sold[372:].reshape(4, 7).sum(axis=1)
        inside += list((low[0] <= came) & (came <= high[0]))
    assert 0.7 <= np.mean(inside) <= 0.95
    assert groups.collection_bands(shop) == {}


def test_show_tells_types_and_collections_in_words(predicted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", str(predicted)]) == 0
    told = capsys.readouterr().out
    assert "by type, 28 days" in told
    assert "by collection, 28 days\n  Set 73 " in told
    assert "16 products" in told
    assert cli.main(["show", str(predicted), "--series", "1000"]) == 0
    assert "by type" not in capsys.readouterr().out
