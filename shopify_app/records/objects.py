"""Immutable files named by the SHA-256 of their bytes. A folder; the interface is small enough for a bucket."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from shopify_app.errors import DamagedBundle, NotFound

NAME = re.compile(r"[0-9a-f]{64}")
PIECE = 1 << 20


class Objects:
    """Put once, read often. Putting the same bytes twice keeps one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes | Path) -> str:
        """Keep the bytes, durably, and return their name. A reader sees the whole object or none."""
        name = _hash(content)
        target = self._place(name)
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            os.replace(self._written(content), target)
            _flush_folder(target.parent)
        return name

    def path(self, name: str) -> Path:
        """Where the object is. Raises NotFound."""
        found = self._place(name)
        if not found.is_file():
            raise NotFound(f"there is no object {name}")
        return found

    def read(self, name: str) -> bytes:
        """The bytes, checked against their name. Raises NotFound or DamagedBundle."""
        content = self.path(name).read_bytes()
        if hashlib.sha256(content).hexdigest() != name:
            raise DamagedBundle(f"the object {name} is damaged")
        return content

    def verify(self, name: str) -> bool:
        """Whether the object is here and its bytes still match its name."""
        target = self._place(name)
        return target.is_file() and _hash(target) == name

    def delete(self, name: str) -> None:
        """Remove the object, if it is there."""
        self._place(name).unlink(missing_ok=True)

    def list(self) -> Iterator[str]:
        """The names of all objects."""
        return (path.name for path in self.folder.glob("??/*") if NAME.fullmatch(path.name))

    def _place(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise NotFound(f"{name[:80]!r} names no object")
        return self.folder / name[:2] / name

    def _written(self, content: bytes | Path) -> str:
        handle, path = tempfile.mkstemp(dir=self._incoming)
        with os.fdopen(handle, "wb") as file:
            for piece in _pieces(content):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(path, 0o444)
        return path


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _hash(content: bytes | Path) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(content):
        digest.update(piece)
    return digest.hexdigest()


def _flush_folder(folder: Path) -> None:
    """Make the new name as durable as the bytes; not every file system can, and those need not."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
