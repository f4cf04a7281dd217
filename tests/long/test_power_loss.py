"""The power goes right after an acknowledgement: of every file only what was synced to disk by then is left.

On SQLite. What PostgreSQL acknowledges is PostgreSQL's word, and the app asks for nothing less than its default.
"""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.tables import Shop
from tests.factories import order
from tests.long.app_processes import program
from tests.long.test_dispatch_faults import NOBODY, answer, web

pytestmark = pytest.mark.long


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A library that writes down what the process it is loaded into has synced."""
    made, source = tmp_path / "synced.so", Path(__file__).with_name("synced.c")
    subprocess.run([program("cc"), "-shared", "-fPIC", "-o", str(made), str(source), "-ldl"], check=True)
    return made


def synced(log: Path, file: Path) -> int:
    """How much of the file is on the disk for certain."""
    lines = [line.split(" ", 1) for line in log.read_text().splitlines()] if log.exists() else []
    return max((int(size) for size, path in lines if path == str(file)), default=0)


def deliveries_after_power_loss(database: Path, log: Path, folder: Path) -> int:
    """What a machine finds that starts again with what was synced."""
    folder.mkdir()
    wal = Path(f"{database}-wal")
    shutil.copyfile(database, folder / "left.db")
    (folder / "left.db-wal").write_bytes(wal.read_bytes()[: synced(log, wal)])
    with closing(sqlite3.connect(folder / "left.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return int(db.execute("SELECT count(*) FROM inbox").fetchone()[0])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_was_acknowledged_is_on_the_disk_whenever_the_power_goes(
    database: Database, settings: Settings, alice: Shop, witness: Path, tmp_path: Path
) -> None:
    database.engine.dispose()
    log, file = tmp_path / "synced.log", tmp_path / "foretally.db"
    with web(settings, NOBODY, LD_PRELOAD=str(witness), SYNCED=str(log)) as (_, door):
        for number in range(1, 21):
            assert answer(door, alice, order(number)) == 200
            assert deliveries_after_power_loss(file, log, tmp_path / f"left-{number}") == number
