"""Sessions: what they keep, what they leave alone, and a server that was away."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from shopify_app import db as databases
from shopify_app.db import Database
from shopify_app.tables import Shop
from tests.records.cutting import cut

of_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def alone(database: Database) -> Iterator[None]:
    """Each test begins without connections of those before it, and leaves none that it had ended."""
    database.engine.dispose()
    yield
    database.engine.dispose()


def test_what_is_changed_in_a_reading_session_is_not_kept(database: Database, alice: Shop) -> None:
    with database.reading() as db:
        mine = db.get_one(Shop, alice.id)
        mine.name = "changed by mistake"
        assert db.scalars(select(Shop.name).where(Shop.id == alice.id)).one() == alice.name
    with database.reading() as db:
        assert db.get_one(Shop, alice.id).name == alice.name


def test_what_was_read_can_be_used_after_the_session(database: Database, alice: Shop) -> None:
    with database.reading() as db:
        mine = db.get_one(Shop, alice.id)
    assert mine.domain == alice.domain


@of_postgresql
def test_statements_stay_prepared_from_one_reading_to_the_next(database: Database) -> None:
    for _ in range(8):  # a statement is prepared at its sixth time
        with database.reading() as db:
            db.execute(select(Shop.id))
    with database.reading() as db:
        kept = db.execute(text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%shops%'"))
        assert kept.scalar_one() > 0


@of_postgresql
def test_connections_that_ended_while_nobody_used_them_cost_no_session(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "IDLE", 0.0)
    for _ in range(3):
        with database.reading() as db:
            db.execute(select(Shop.id))
        cut(database)
    with database.transaction() as db:
        assert db.execute(text("SELECT 1")).scalar_one() == 1


@of_postgresql
def test_connections_that_ended_a_moment_ago_cost_one_session_and_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> None:
        with database.reading() as db:
            db.execute(select(Shop.id))

    monkeypatch.setattr(databases, "IDLE", 60.0)  # however slow this machine is
    with database.reading() as one, database.reading() as another:
        for db in (one, another):
            db.execute(select(Shop.id))
    cut(database)
    with pytest.raises(OperationalError):
        read()
    for _ in range(3):
        read()
