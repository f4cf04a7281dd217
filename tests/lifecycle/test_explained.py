"""What each part contributed is stored with a forecast and read back for one product, in numbers and words."""

from pathlib import Path

import pytest

from ml import train
from ml.explain import PARTS
from shopify_app.db import Database
from shopify_app.lifecycle import forecasts
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, Shop
from tests.lifecycle.making import a_version, say
from tests.ml.making import START, order_lines, write_dataset

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the SQL is that of the other files


def kept(database: Database, objects: Objects, shop: Shop, folder: Path, seed: int) -> ForecastRun:
    """The stored run of a forecast that the shop's own orders were trained for."""
    dataset = write_dataset(folder / "dataset", order_lines(days=70, seed=seed))
    bundle = train.fit("forecast", dataset, folder / "bundle", config={"rounds": 10, "rows": 2000}, seed=1).folder
    train.predict(bundle, dataset, folder / "said")
    with database.transaction() as db:
        version = a_version(db, shop, "forecast")
        assert forecasts.keep(db, version, "0" * 64, forecasts.put(objects, folder / "said"), was_champion=True)
        run = forecasts.newest(db, shop.id, version.id)
        assert run is not None
        db.expunge(run)
        return run


def test_each_shop_reads_why_its_own_forecast_is_what_it_is(
    database: Database, objects: Objects, alice: Shop, bob: Shop, tmp_path: Path
) -> None:
    runs = [kept(database, objects, shop, tmp_path / shop.domain, seed) for seed, shop in enumerate((alice, bob))]
    told = [forecasts.explanation(objects, run, "1000") for run in runs]
    for run, why in zip(runs, told, strict=True):
        assert why is not None
        assert sum(why[part] for part in PARTS) == pytest.approx(why["mean"], rel=1e-4)
        window = forecasts.of_window(objects, run, START.replace(month=3, day=17), 28).set_index("series")
        assert window["mean"]["1000"] == pytest.approx(why["mean"], rel=1e-4)
        assert why["words"][0].startswith("Sold ")
        assert "units in 28 days." in " ".join(why["words"])
    assert told[0] != told[1]
    assert forecasts.explanation(objects, runs[0], forecasts.TOTAL) is not None
    assert forecasts.explanation(objects, runs[0], "424242") is None


def test_a_forecast_made_elsewhere_explains_nothing(
    database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    with database.transaction() as db:
        for shop in (alice, bob):
            version = a_version(db, shop, "forecast", algorithm="table")
            say(db, objects, version, START, {1: 2.0})
            run = forecasts.newest(db, shop.id, version.id)
            assert run is not None
            assert forecasts.explanation(objects, run, "1") is None
