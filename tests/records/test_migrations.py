"""The migrations make the tables that the code expects, on both databases, and can be taken back one by one."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import select, update

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.migrate import ROOT, to_head
from shopify_app.records import parts, shops
from shopify_app.records.parts import Part
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Base, SnapshotPart
from tests.conftest import SERVER


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    request.getfixturevalue("postgresql")  # fails or skips when there is no server
    name = f"foretally_migrations_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        yield f"postgresql+psycopg://{SERVER.split('://', 1)[1].rpartition('/')[0]}/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


def differences(url: str) -> list[object]:
    with Database(url).engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def revision(url: str) -> str | None:
    with Database(url).engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_the_migrations_make_the_tables_of_the_code(empty: str) -> None:
    to_head(empty)
    assert differences(empty) == []


def test_the_newest_migration_can_be_taken_back_and_made_again(empty: str) -> None:
    to_head(empty)
    settings = Config(str(ROOT / "alembic.ini"))
    settings.attributes["url"] = empty
    newest = revision(empty)
    command.downgrade(settings, "-1")
    assert revision(empty) not in (newest, None)
    to_head(empty)
    assert (revision(empty), differences(empty)) == (newest, [])


def test_files_of_snapshots_that_others_made_stay_and_ours_are_written_anew(empty: str) -> None:
    to_head(empty)
    database = Database(empty, (b"k" * 32,))
    with database.transaction() as db:
        shop = shops.install(db, "a.myshopify.com", ShopFacts("A", "EUR", "UTC", "DE"), "read_orders", clock.now())
        parts.note(db, shop.id, [Part(name, 7, "0" * 64) for name in ("lines/2026-03", "products", "signals")])
    database.engine.dispose()
    settings = Config(str(ROOT / "alembic.ini"))
    settings.attributes["url"] = empty
    command.downgrade(settings, "0016")
    with database.transaction() as db:
        db.execute(update(SnapshotPart).values(written_state=7))
    database.engine.dispose()
    to_head(empty)
    with database.reading() as db:
        rows = db.execute(select(SnapshotPart.name, SnapshotPart.written_state)).all()
        written = {row.name: row.written_state for row in rows}
    assert written == {"lines/2026-03": None, "products": None, "signals": 7}
