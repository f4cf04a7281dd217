"""What a shop tells of its campaigns, weather and promotions lies in its own snapshots and can be taken away again."""

from datetime import date
from pathlib import Path

import pytest

from ml.dataset import read_dataset
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import ForetallyError, NotFound
from shopify_app.lifecycle import table_imports
from shopify_app.records import snapshots
from shopify_app.records.objects import Objects
from shopify_app.tables import Shop
from tests.lifecycle.making import sell

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the SQL is that of the other files

CUTOFF = date(2026, 3, 10)
CSV = "date,campaign\n2026-03-01,0\n2026-03-12,1\n"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    file = tmp_path / "mine.csv"
    file.write_text(CSV)
    return file


def frozen(database: Database, objects: Objects, shop: Shop) -> dict[str, str]:
    """Hash of each file of a new snapshot, by name."""
    found = snapshots.freeze(database, objects, shop, CUTOFF, "test")
    return {file["name"]: file["sha256"] for file in found.manifest["files"]}


@pytest.fixture
def selling(database: Database, alice: Shop, bob: Shop) -> tuple[Shop, Shop]:
    with database.transaction() as db:
        for shop in (alice, bob):
            sell(db, shop, date(2026, 3, 9), {1: 2})
    return alice, bob


def test_signals_are_in_the_snapshots_of_the_shop_that_gave_them(
    database: Database, settings: Settings, objects: Objects, selling: tuple[Shop, Shop], csv: Path, tmp_path: Path
) -> None:
    alice, bob = selling
    told = table_imports.replace(settings, alice.domain, "signals", csv)
    assert (told["signals"], told["first_on"], told["last_on"]) == (["campaign"], "2026-03-01", "2026-03-12")
    assert frozen(database, objects, alice)["signals.parquet"] == told["sha256"]
    assert "signals.parquet" not in frozen(database, objects, bob)
    snapshot = snapshots.freeze(database, objects, alice, CUTOFF, "test")
    table = read_dataset(snapshots.materialise(objects, snapshot, tmp_path / "dataset")).sales().signals
    assert table is not None
    assert (table.names, table.first_on, table.values[0, [0, -1]].tolist()) == (("campaign",), date(2026, 3, 1), [0, 1])
    assert table.sha256 == told["sha256"]


def test_a_new_table_takes_the_place_of_the_old_one_and_none_takes_it_away(
    database: Database, settings: Settings, objects: Objects, selling: tuple[Shop, Shop], csv: Path
) -> None:
    alice, _ = selling
    first = table_imports.replace(settings, alice.domain, "signals", csv)["sha256"]
    before = frozen(database, objects, alice)
    csv.write_text(CSV + "2026-03-13,1\n")
    second = table_imports.replace(settings, alice.domain, "signals", csv)["sha256"]
    assert frozen(database, objects, alice) == {**before, "signals.parquet": second}
    assert first != second
    assert table_imports.replace(settings, alice.domain, "signals", None)["signals"] == []
    assert "signals.parquet" not in frozen(database, objects, alice)


def test_a_bad_file_changes_nothing_and_says_where_it_is_wrong(
    database: Database, settings: Settings, objects: Objects, selling: tuple[Shop, Shop], csv: Path
) -> None:
    alice, _ = selling
    table_imports.replace(settings, alice.domain, "signals", csv)
    before = frozen(database, objects, alice)
    csv.write_text(CSV + "2026-03-13,lots\n")
    with pytest.raises(ForetallyError, match="line 4, column campaign: 'lots' is not a number"):
        table_imports.replace(settings, alice.domain, "signals", csv)
    assert frozen(database, objects, alice) == before


def test_a_shop_that_is_not_here_gets_nothing(settings: Settings, database: Database, csv: Path) -> None:
    with pytest.raises(NotFound):
        table_imports.replace(settings, "nobody.myshopify.com", "signals", csv)


def test_planned_promotions_reach_the_training_of_their_shop(
    database: Database, settings: Settings, objects: Objects, selling: tuple[Shop, Shop], csv: Path, tmp_path: Path
) -> None:
    alice, bob = selling
    csv.write_text("series,first,last\n1,2026-03-10,2026-03-12\n")
    told = table_imports.replace(settings, alice.domain, "promotions", csv)
    assert told["promotions"] == ["1 2026-03-10 2026-03-12"]
    sales = []
    for shop in (alice, bob):
        snapshot = snapshots.freeze(database, objects, shop, CUTOFF, "test")
        sales.append(read_dataset(snapshots.materialise(objects, snapshot, tmp_path / shop.domain)).sales())
    assert sales[0].promo_ahead is not None
    assert (sales[0].plan_sha256, sales[0].promo_ahead[0].tolist()) == (told["sha256"], [True, True] + [False] * 26)
    assert sales[1].promo_ahead is None
