"""Empty databases for measurements, and the CPU time that a database server spends on one."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from shopify_app import migrate
from shopify_app.config import Settings
from shopify_app.db import Database

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/root")


KEYS = (b"k" * 32,)


def settings(database_url: str, folder: Path, shopify_url: str | None = None) -> Settings:
    """Settings for a measurement: everything else in that folder."""
    return Settings(
        environment="development",
        api_key="key",
        api_secret="secret",
        old_api_secret=None,
        app_url="http://127.0.0.1:9",
        database_url=database_url,
        object_store_url=f"file://{folder}/objects",
        broker_url="filesystem://",
        encryption_keys=KEYS,
        business_clock="data",
        dev_shopify_url=shopify_url,
        var=folder,
    )


KEYS = (b"k" * 32,)


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    """An empty SQLite database with all tables, as durable as in production."""
    database = Database(f"sqlite:///{folder}/bench.db", KEYS)
    migrate.to_head(database.url)
    yield database
    database.engine.dispose()


@contextmanager
def postgresql() -> Iterator[Database]:
    """An empty database on the test server, dropped afterwards. Raises psycopg.OperationalError without a server."""
    name = f"foretally_bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(SERVER, autocommit=True, connect_timeout=3) as server:
        server.execute(f"CREATE DATABASE {name}")
    url = f"{SERVER.rpartition('/')[0]}/{name}".replace("postgresql://", "postgresql+psycopg://", 1)
    database = Database(url, KEYS)
    try:
        migrate.to_head(url)
        yield database
    finally:
        database.engine.dispose()
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def server_seconds(database: Database) -> float:
    """CPU seconds so far of the server processes that hold a connection to this database; 0 for SQLite.

    The server's shared writers are not in it: they work for everybody, and nothing says for whom.
    """
    if database.is_sqlite:
        return 0.0
    with psycopg.connect(SERVER, autocommit=True) as server:
        name = database.engine.url.database
        mine = server.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [name]).fetchall()
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for (pid,) in mine)
