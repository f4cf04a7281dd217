"""A web server as `up` starts it, and requests as they go over the wire."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import select

from shopify_app.db import Database
from shopify_app.tables import Event
from tests.factories import KEY, OLD_SECRET, SECRET, encoded, order, webhook_headers

SHOP = "alice.myshopify.com"
PAGE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def environ(var: Path) -> dict[str, str]:
    """What a server is told that keeps everything in this folder."""
    return {
        "SHOPIFY_API_KEY": KEY,
        "SHOPIFY_API_SECRET": SECRET,
        "SHOPIFY_OLD_API_SECRET": OLD_SECRET,
        "APP_URL": "https://app.example.com",
        "FORETALLY_VAR": str(var),
        "DATABASE_URL": f"sqlite:///{var / 'foretally.db'}",
    }


def bodies(var: Path) -> int:
    """How many deliveries are stored."""
    database = Database(f"sqlite:///{var / 'foretally.db'}")
    with database.reading() as db:
        found = len(db.scalars(select(Event.seq)).all())
    database.engine.dispose()
    return found


def raw(port: int, request: bytes) -> bytes:
    """What the server answers to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(request)
        return one.recv(65536)


def hook(number: int, *more: str, first: str = "POST /webhooks HTTP/1.1", before: bytes = b"") -> bytes:
    """A signed delivery as it goes over the wire. `before`: what its body begins with."""
    body = before + encoded(order(number))
    lines = [f"{name}: {value}" for name, value in webhook_headers(SHOP, "orders/create", body).items()]
    return "\r\n".join([first, "Host: x", f"Content-Length: {len(body)}", *lines, *more, "", ""]).encode() + body


@contextmanager
def locked(var: Path) -> Iterator[None]:
    """Somebody else writes into the database."""
    with closing(sqlite3.connect(var / "foretally.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def whole(one: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    return b"".join(iter(lambda: one.recv(65536), b""))
