"""A file for the merchant, sealed under a key of its own: without its row the object is noise, and goes too."""

import os
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete
from sqlalchemy.orm import Session

from shopify_app.db import Database, count
from shopify_app.records import keys
from shopify_app.records.keys import Secret
from shopify_app.records.objects import Objects
from shopify_app.tables import Export, Mailing


@dataclass(frozen=True)
class SealedFile:
    """A file whose key is at hand."""

    sha256: str
    about: str
    key: bytes = field(repr=False)

    def read(self, objects: Objects) -> bytes:
        """What was put into it. Raises CannotOpen."""
        return keys.unclose(AESGCM(self.key), objects.read(self.sha256), self.about)


def put(objects: Objects, secret: Secret, content: bytes, about: str) -> dict[str, object]:
    """Seal a file under a new key and store it; what its row says of it."""
    key = os.urandom(keys.SIZE)
    return {"sha256": objects.put(keys.close(AESGCM(key), content, about)), "wrapped": secret.wrap(key, about)}


def find(db: Session, row: Export | Mailing, about: str) -> SealedFile | None:
    """The file of the row, to be read after the transaction; None while it is not made. Raises CannotOpen."""
    if row.sha256 is None or row.wrapped is None:
        return None
    return SealedFile(row.sha256, about, keys.of(db, row.shop_id).unwrap(row.wrapped, about))


def expire(database: Database, now: datetime) -> int:
    """Delete the files whose time is over; the collector removes their objects. How many there were."""
    with database.transaction() as db:
        return sum(count(db, delete(kind).where(kind.expires_at <= now)) for kind in (Export, Mailing))
