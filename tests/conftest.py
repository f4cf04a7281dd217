"""Databases of both kinds, and three shops: Alice and Bob with the same ids, and Charlie, who should see nothing."""

import base64
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from shopify_app import cli, clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import inbox, shops
from shopify_app.records.draining import Drain
from shopify_app.records.objects import Objects, open_objects
from shopify_app.records.seal import Seal
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Base, Shop
from tests import factories
from tests.chromium import axe, browser, width

__all__ = ["axe", "browser", "width"]  # fixtures of all tests: two browsers in one process get in each other's way

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/root")
KEYS = (b"k" * 32,)
Deliver = Callable[..., bool]
Say = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with all tables, to be copied: faster than making them for each test."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    database = Database(f"sqlite:///{path}")
    with database.engine.connect().execution_options(writes=True) as connection:
        Base.metadata.create_all(connection)
        connection.commit()
    database.engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A database of our own on the test server. In CI a missing server is a failure, elsewhere a skipped test."""
    name = f"foretally_test_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no PostgreSQL at TEST_POSTGRES_URL ({SERVER}): {error}")
    with server:
        server.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")  # type: ignore[call-overload]
    server_address = SERVER.rpartition("/")[0]
    url = f"{server_address}/{name}".replace("postgresql://", "postgresql+psycopg://", 1)
    database = Database(url)
    Base.metadata.create_all(database.engine)
    database.engine.dispose()
    yield url
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "foretally.db")
        made = Database(f"sqlite:///{tmp_path / 'foretally.db'}", KEYS)
        event.listen(made.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    else:
        made = Database(request.getfixturevalue("postgresql_url"), KEYS)
        _empty(made)
    yield made
    made.engine.dispose()


def _empty(database: Database) -> None:
    with database.transaction() as db:
        for table in reversed(Base.metadata.sorted_tables):
            db.execute(table.delete())


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    """Settings on that database; business time comes from the data."""
    return Settings(
        environment="development",
        api_key=factories.KEY,
        api_secret=factories.SECRET,
        old_api_secret=factories.OLD_SECRET,
        app_url="http://127.0.0.1:8800",
        database_url=database.url,
        object_store_url=f"file://{tmp_path / 'objects'}",
        broker_url="filesystem://",
        encryption_keys=KEYS,
        business_clock="data",
        dev_shopify_url=None,
        var=tmp_path,
    )


@pytest.fixture
def seal(settings: Settings) -> Seal:
    """The seal of those settings."""
    return Seal(settings.encryption_keys)


@pytest.fixture
def objects(settings: Settings) -> Objects:
    """The object store of those settings."""
    return open_objects(settings)


def _installed(database: Database, name: str, time_zone: str) -> Shop:
    facts = ShopFacts(name=name.title(), currency="EUR", time_zone=time_zone, country="DE")
    with database.transaction() as db:
        return shops.install(db, f"{name}.myshopify.com", facts, "read_orders,read_products", clock.now())


@pytest.fixture
def alice(database: Database) -> Shop:
    """A shop in Berlin."""
    return _installed(database, "alice", "Europe/Berlin")


@pytest.fixture
def bob(database: Database) -> Shop:
    """A shop in New York, whose ids are Alice's."""
    return _installed(database, "bob", "America/New_York")


@pytest.fixture
def charlie(database: Database) -> Shop:
    """A shop that never sold anything and should see nothing of the others'."""
    return _installed(database, "charlie", "UTC")


@pytest.fixture
def deliver(database: Database, seal: Seal) -> Deliver:
    """Put a verified delivery into a shop's inbox: `deliver(alice, "orders/create", order())`."""

    def put(shop: Shop | str, topic: str, payload: Any, *, webhook_id: str | None = "", **more: Any) -> bool:
        domain = shop if isinstance(shop, str) else shop.domain
        chosen = str(uuid.uuid4()) if webhook_id == "" else webhook_id
        delivery = factories.Delivery(domain, topic, factories.encoded(payload), chosen, **more)
        with database.transaction() as db:
            return inbox.accept(db, delivery, seal, clock.now())

    return put


@pytest.fixture
def drain(database: Database, settings: Settings) -> Callable[[], int]:
    """Make rows of everything in the inbox; how many events that took, repeats of failed ones included."""
    return Drain(database, settings).all


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """The settings of these tests for another process."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "ENVIRONMENT": "development",
        "SHOPIFY_API_KEY": settings.api_key,
        "SHOPIFY_API_SECRET": settings.api_secret,
        "APP_URL": settings.app_url,
        "DATABASE_URL": settings.database_url,
        "OBJECT_STORE_URL": settings.object_store_url,
        "FORETALLY_VAR": str(settings.var),
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(settings.encryption_keys[0]).decode(),
    }


@pytest.fixture
def say(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command of the app; its return code and its answer: JSON read, or text; errors as text."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, as_json: bool = True) -> tuple[int, Any]:
        capsys.readouterr()
        code = cli.main([*words, *(["--json"] if as_json else [])])
        told = capsys.readouterr()
        return code, json.loads(told.out) if as_json and told.out else told.out or told.err

    return run
