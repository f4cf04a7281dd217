"""A shop's table of campaigns or weather lies in its snapshots and in nobody else's, and can be taken away again."""

from datetime import date
from pathlib import Path

import pytest

from ml.dataset import read_dataset
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import ForetallyError, NotFound
from shopify_app.lifecycle import signals
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
    told = signals.give(settings, alice.domain, csv)
    assert (told["signals"], told["first_on"], told["last_on"]) == (["campaign"], "2026-03-01", "2026-03-12")
    assert frozen(database, objects, alice)["signals.parquet"] == told["sha256"]
    assert "signals.parquet" not in frozen(database, objects, bob)
    snapshot = snapshots.freeze(database, objects, alice, CUTOFF, "test")
    given = read_dataset(snapshots.materialise(objects, snapshot, tmp_path / "dataset")).sales().signals
    assert given is not None
    assert (given.names, given.first_on, given.values[0, [0, -1]].tolist()) == (("campaign",), date(2026, 3, 1), [0, 1])
    assert given.sha256 == told["sha256"]


def test_a_new_table_takes_the_place_of_the_old_one_and_none_takes_it_away(
    database: Database, settings: Settings, objects: Objects, selling: tuple[Shop, Shop], csv: Path
) -> None:
    alice, _ = selling
    first = signals.give(settings, alice.domain, csv)["sha256"]
    before = frozen(database, objects, alice)
    csv.write_text(CSV + "2026-03-13,1\n")
    second = signals.give(settings, alice.domain, csv)["sha256"]
    assert frozen(database, objects, alice) == {**before, "signals.parquet": second}
    assert first != second
    assert signals.give(settings, alice.domain, None)["signals"] == []
    assert "signals.parquet" not in frozen(database, objects, alice)


def test_a_bad_file_changes_nothing_and_says_where_it_is_wrong(
    database: Database, settings: Settings, objects: Objects, selling: tuple[Shop, Shop], csv: Path
) -> None:
    alice, _ = selling
    signals.give(settings, alice.domain, csv)
    before = frozen(database, objects, alice)
    csv.write_text(CSV + "2026-03-13,lots\n")
    with pytest.raises(ForetallyError, match="line 4, column campaign: 'lots' is not a number"):
        signals.give(settings, alice.domain, csv)
    assert frozen(database, objects, alice) == before


def test_a_shop_that_is_not_here_gets_nothing(settings: Settings, database: Database, csv: Path) -> None:
    with pytest.raises(NotFound):
        signals.give(settings, "nobody.myshopify.com", csv)
