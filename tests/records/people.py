"""A person who buys, with everything that tells who it is, and a search for it in whatever form it may be written."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from sqlalchemy import text

from shopify_app.db import Database
from shopify_app.tables import Base
from tests.factories import order


@dataclass(frozen=True)
class Buyer:
    """Somebody with names, addresses and numbers that nobody else has."""

    customer_id: int = 7_340_033_219_457
    email: str = "Jördis.Quittenbaum+tea@example.org"
    first_name: str = "Jördis"
    last_name: str = "Quittenbaum"
    phone: str = "+49 30 5550137"
    street: str = "Quellwiesenstraße 77b"
    zip: str = "D-12689X"
    note: str = 'please "engrave": für Jördis Q.'
    more: tuple[str, ...] = field(default=())

    def buys(self, order_id: int, *, is_guest: bool = False, **changes: Any) -> dict[str, Any]:
        """The whole payload of an order, as Shopify sends it when nobody asks for less."""
        address = {"first_name": self.first_name, "last_name": self.last_name, "address1": self.street}
        address |= {"phone": self.phone, "zip": self.zip, "name": f"{self.first_name} {self.last_name}"}
        person = {"id": self.customer_id, "email": self.email, "phone": self.phone, "default_address": address}
        made = order(order_id, customer=None if is_guest else self.customer_id, **changes)
        made |= {"email": self.email, "contact_email": self.email, "phone": self.phone, "note": self.note}
        made |= {"billing_address": address, "shipping_address": address, "customer": None if is_guest else person}
        made["line_items"][0]["properties"] = [{"name": "engraving", "value": self.note}]
        return made

    def asks(self, shop: str, orders: str, *order_ids: int) -> dict[str, Any]:
        """A privacy request of this person."""
        person = {"id": self.customer_id, "email": self.email, "phone": self.phone}
        return {"shop_id": 1, "shop_domain": shop, "customer": person, orders: list(order_ids)}

    def traces(self) -> Iterator[bytes]:
        """Every way in which something of this person may be written."""
        words = (self.email, self.first_name, self.last_name, self.phone, self.street, self.zip, self.note, *self.more)
        for word in words:
            yield from (trace for trace in _written(word) if len(trace) > 3)
        yield from _written(str(self.customer_id))
        for size in (6, 8):
            for end in ("big", "little"):
                yield self.customer_id.to_bytes(size, end)  # type: ignore[arg-type]


def found(buyer: Buyer, told: dict[str, bytes]) -> set[tuple[str, bytes]]:
    """Where which trace of the person is."""
    return {(where, trace) for trace in buyer.traces() for where, content in told.items() if trace in content}


def everything(database: Database, folder: Path) -> dict[str, bytes]:
    """All that is stored, as it lies on the disk: files byte by byte, and PostgreSQL's tables as COPY writes them."""
    told = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if not database.is_sqlite:
        told |= {table.name: _copied(database, table.name) for table in Base.metadata.sorted_tables}
    return told


def pages(database: Database, *tables: str) -> bytes:
    """PostgreSQL's pages of these tables as they are on disk, dead rows and all."""
    content = b""
    with database.engine.connect() as connection:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS pageinspect"))
        for table in tables:
            count = connection.execute(text(f"SELECT pg_relation_size('{table}') / 8192")).scalar_one()
            for number in range(count):
                content += connection.execute(text(f"SELECT get_raw_page('{table}', {number})")).scalar_one()
    return content


def _copied(database: Database, table: str) -> bytes:
    """Twice: as text, and as the server keeps the bytes of its columns."""
    content = b""
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        for form in ("TEXT", "BINARY"):
            with driver.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT (FORMAT {form})") as copy:
                content += b"".join(bytes(piece) for piece in copy)
    return content


def _written(word: str) -> Iterator[bytes]:
    for form in {word, word.lower(), word.upper()}:
        plain = form.encode()
        yield plain
        yield form.encode("utf-16-le")
        yield form.encode("latin-1", "replace")
        yield json.dumps(form)[1:-1].encode()
        yield quote(form).encode()
        yield quote_plus(form).encode()
        yield plain.hex().encode()
        for shift in range(3):  # the same bytes in base64, wherever they begin
            yield base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4]
