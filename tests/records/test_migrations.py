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
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.migrate import ROOT, to_head
from shopify_app.records import keys, parts, shops
from shopify_app.records.parts import Part
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Base, Shop, ShopSecret, SnapshotPart
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


def test_a_full_database_gets_numbers_that_never_come_again_and_every_row_stays(empty: str) -> None:
    settings = Config(str(ROOT / "alembic.ini"))
    settings.attributes["url"] = empty
    command.upgrade(settings, "0020")
    database = Database(empty, (b"k" * 32,))
    with database.transaction() as db:
        for name in ("a", "b"):
            shop = install(db, name)
            keys.of(db, shop.id)
    database.engine.dispose()
    to_head(empty)
    with database.transaction() as db:
        held = dict(db.execute(select(Shop.domain, Shop.id)).all())
        assert held == {"a.myshopify.com": 1, "b.myshopify.com": 2}
        assert db.scalars(select(ShopSecret.shop_id).order_by(ShopSecret.shop_id)).all() == [1, 2]
        db.execute(delete(ShopSecret).where(ShopSecret.shop_id == 2))
        db.execute(delete(Shop).where(Shop.id == 2))
        assert install(db, "c").id == 3
    with pytest.raises(IntegrityError), database.transaction() as db:
        db.execute(delete(Shop).where(Shop.id == 1))  # rows still hold on to it
    database.engine.dispose()


def install(db: Session, name: str) -> Shop:
    return shops.install(db, f"{name}.myshopify.com", ShopFacts("A", "EUR", "UTC", "DE"), "", clock.now())
