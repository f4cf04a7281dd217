"""Immutable files named by the SHA-256 of their bytes: what a store of them promises, whatever it is kept in."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from shopify_app.config import Settings
from shopify_app.errors import DamagedBundle, NotFound

NAME = re.compile(r"[0-9a-f]{64}")
PIECE = 1 << 20


class Entry(NamedTuple):
    """One object of a listing. `put_at` is when somebody last put it, new or again."""

    name: str
    put_at: datetime


class Objects(ABC):
    """Put once, read often. Putting the same bytes twice keeps one object, and makes it young again.

    Every method but `verify` raises ObjectsUnavailable when the store cannot be reached, written or is full.
    """

    @abstractmethod
    def put(self, content: bytes | Path) -> str:
        """Keep the bytes, durably, and return their name. A reader sees the whole object or none."""

    @abstractmethod
    def path(self, name: str) -> Path:
        """A file on this machine with the object's bytes, as they were kept. Raises NotFound."""

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """All objects, in no particular order."""

    @abstractmethod
    def delete(self, name: str, *, put_before: datetime | None = None) -> bool:
        """Remove the object, if it is there; with `put_before` only if nobody put it since. Whether it was removed."""

    @abstractmethod
    def verify(self, name: str) -> bool:
        """Whether the store has the object and its bytes, read anew, match its name."""

    @abstractmethod
    def check(self) -> None:
        """Raise ObjectsUnavailable when nothing could be kept here now."""

    def checked_path(self, name: str) -> Path:
        """Like `path`, after its bytes were hashed. Raises NotFound or DamagedBundle."""
        path = self.path(name)
        if hash_of(path) != name:
            raise damaged(name)
        return path

    def read(self, name: str) -> bytes:
        """The bytes, checked against their name. Raises NotFound or DamagedBundle."""
        content = self.path(name).read_bytes()
        return content if hash_of(content) == name else self.checked_path(name).read_bytes()

    def list(self) -> Iterator[str]:
        """The names of all objects."""
        return (entry.name for entry in self.entries())

    @abstractmethod
    def tidy(self, unused_since: datetime) -> None:
        """Remove what only costs room: halves that a killed process left, copies that nobody looked at lately."""


def open_objects(settings: Settings) -> Objects:
    """The object store of these settings. Nothing is asked of a bucket before its first use."""
    address = urlsplit(settings.object_store_url)
    if address.scheme == "file":
        from shopify_app.records.folder import FolderObjects

        return FolderObjects(Path(address.path))
    from shopify_app.records.bucket import BucketObjects

    return BucketObjects(settings.object_store_url, cache=settings.var / "objects-cache")


def key_of(name: str) -> str:
    """Where an object lies in a folder or bucket: the same in both, so that moving is copying. Raises NotFound."""
    if not NAME.fullmatch(name):
        raise NotFound(f"{name[:80]!r} names no object")
    return f"{name[:2]}/{name}"


def damaged(name: str) -> DamagedBundle:
    """The error for an object whose bytes are not those that it is named by."""
    return DamagedBundle(f"the object {name} is damaged: its bytes do not match its name")


def pieces(content: bytes | Path) -> Iterator[bytes]:
    """The bytes, a piece at a time."""
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def hash_of(content: bytes | Path) -> str:
    """The name these bytes have."""
    digest = hashlib.sha256()
    for piece in pieces(content):
        digest.update(piece)
    return digest.hexdigest()
