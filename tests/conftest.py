"""Databases of both kinds, and three shops: Alice and Bob with the same ids, and Charlie, who should see nothing."""

import base64
import gc
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as settings_of_hypothesis
from sqlalchemy import event
from sqlalchemy.engine.url import make_url

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
from tests.worlds import Kept, World, empty

__all__ = ["axe", "browser", "width"]  # fixtures of all tests: two browsers in one process get in each other's way

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/root")
KEYS = (b"k" * 32,)
TIME_ZONES = {"alice": "Europe/Berlin", "bob": "America/New_York", "charlie": "UTC"}
# A tenth of the suite's CPU went into looking for garbage among what is imported, which stays to the end.
gc.disable()
Deliver = Callable[..., bool]
Say = Callable[..., tuple[int, Any]]


@settings_of_hypothesis(max_examples=1, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.text())
def learn_unicode(_: str) -> None:
    """Hypothesis makes its table of Unicode with the first text in a new checkout.

    On a slow machine that takes longer than it allows the first example of a test.
    """


def pytest_collection_finish() -> None:
    """From here on garbage is looked for among what tests make."""
    learn_unicode()
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def what_stays() -> Iterator[None]:
    """What outlives the tests of a file is not looked through for garbage after each job of the next ones."""
    yield
    gc.collect()
    gc.freeze()


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
def postgresql() -> Iterator[Database]:
    """A database of our own on the test server; its connections stay open from test to test.

    In CI a missing server is a failure, elsewhere a skipped test.
    """
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
    database = Database(url, KEYS)
    Base.metadata.create_all(database.engine)
    yield database
    database.engine.dispose()
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def sqlite(sqlite_template: Path) -> Iterator[Database]:
    """A database that is another file in each test: what SQLAlchemy has compiled for it is kept."""
    database = Database(f"sqlite:///{sqlite_template}", KEYS)

    @event.listens_for(database.engine, "do_connect")
    def open_file(_dialect: Any, _record: Any, arguments: list[Any], _more: Any) -> None:
        arguments[0] = make_url(database.url).database

    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    yield database
    database.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of either kind."""
    if request.param == "postgresql":
        made = request.getfixturevalue("postgresql")
        empty(made)
        yield made
        return
    shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "foretally.db")
    made = request.getfixturevalue("sqlite")
    made.url = f"sqlite:///{tmp_path / 'foretally.db'}"
    made.engine.dispose()  # a thread of the test before may have connected to its file once more
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Kept], Path]:
    """What tests of this file have kept, and where."""
    return {}, tmp_path_factory.mktemp("worlds")


@pytest.fixture
def world(database: Database, settings: Settings, worlds: tuple[dict[str, Kept], Path]) -> World:
    """The database and folder of this test, as an earlier test of the file kept them if it did."""
    return World(database, settings, *worlds)


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
def installed(database: Database) -> Callable[[str], Shop]:
    """A shop of these by its name, which is installed if it is not."""

    def find(name: str) -> Shop:
        with database.reading() as db:
            found = shops.by_domain(db, f"{name}.myshopify.com")
        return found or _installed(database, name, TIME_ZONES[name])

    return find


@pytest.fixture
def alice(database: Database) -> Shop:
    """A shop in Berlin."""
    return _installed(database, "alice", TIME_ZONES["alice"])


@pytest.fixture
def bob(database: Database) -> Shop:
    """A shop in New York, whose ids are Alice's."""
    return _installed(database, "bob", TIME_ZONES["bob"])


@pytest.fixture
def charlie(database: Database) -> Shop:
    """A shop that never sold anything and should see nothing of the others'."""
    return _installed(database, "charlie", TIME_ZONES["charlie"])


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
