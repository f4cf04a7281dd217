"""A database server that leaves its clients for a moment."""

import psycopg

from shopify_app.db import Database


def cut(database: Database) -> None:
    """The server ends everybody else's connections, as when it restarts. Returns when they are gone."""
    with psycopg.connect(database.url.replace("+psycopg", ""), autocommit=True) as server:
        others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
        server.execute(f"{others} AND pid <> pg_backend_pid()")
