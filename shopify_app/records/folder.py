"""Objects in a folder of this machine or of a file system that machines share."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from shopify_app.errors import NotFound, ObjectsUnavailable
from shopify_app.records.objects import NAME, Entry, Objects, damaged, hash_of, key_of, pieces


class FolderObjects(Objects):
    """One read-only file per object. It is written under another name and gets its own when it is whole and on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"
        with _clearly(folder):
            self._incoming.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes | Path) -> str:
        name = hash_of(content)
        if not self._renewed(name):
            self.receive(name, pieces(content))
        return name

    def receive(self, name: str, content: Iterable[bytes]) -> Path:
        """Keep these bytes under that name. Raises DamagedBundle, with nothing kept, when it is not theirs."""
        target = self._place(name)
        with _clearly(self.folder):
            written = self._written(name, content)
            try:
                os.replace(written, target)
            except FileNotFoundError:  # the first object here: looking beforehand costs as much as writing
                target.parent.mkdir(exist_ok=True)
                _flush_folder(self.folder)
                os.replace(written, target)
            _flush_folder(target.parent)
        return target

    def path(self, name: str) -> Path:
        found = self._place(name)
        if not found.is_file():
            raise NotFound(f"there is no object {name}")
        return found

    def entries(self) -> Iterator[Entry]:
        for path in self.folder.glob("??/*"):
            if NAME.fullmatch(path.name):
                try:
                    yield Entry(path.name, _time(path))
                except FileNotFoundError:
                    continue

    def delete(self, name: str, *, put_before: datetime | None = None) -> bool:
        target = self._place(name)
        try:
            if put_before is not None and _time(target) >= put_before:
                return False
            target.unlink()
        except FileNotFoundError:
            return False
        return True

    def verify(self, name: str) -> bool:
        target = self._place(name)
        return target.is_file() and hash_of(target) == name

    def check(self) -> None:
        if not os.access(self._incoming, os.W_OK):
            raise ObjectsUnavailable(f"the object store {self.folder} is not writable")
        if shutil.disk_usage(self.folder).free == 0:
            raise ObjectsUnavailable(f"the object store {self.folder} is full")

    def tidy(self, unused_since: datetime) -> None:
        for path in self._incoming.iterdir():
            _remove_older(path, unused_since)

    def _place(self, name: str) -> Path:
        return self.folder / key_of(name)

    def _renewed(self, name: str) -> bool:
        """Whether the object is here already; it then counts as just put, which keeps the collector away from it."""
        target = self._place(name)
        try:
            os.utime(target)
        except FileNotFoundError:
            return False
        _flush_folder(target.parent)
        return True

    def _written(self, name: str, content: Iterable[bytes]) -> Path:
        path, digest = self._incoming / secrets.token_hex(16), hashlib.sha256()
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in content:
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fchmod(handle, 0o444)
                os.fsync(handle)
            if digest.hexdigest() != name:
                raise damaged(name)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path


@contextmanager
def _clearly(folder: Path) -> Iterator[None]:
    """What the system says about a disk, as an error of ours that names the place."""
    try:
        yield
    except OSError as error:
        raise ObjectsUnavailable(f"the object store {folder} cannot be written: {error.strerror}") from error


def _time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _remove_older(path: Path, moment: datetime) -> None:
    try:
        if _time(path) < moment:
            path.unlink()
    except FileNotFoundError:
        pass


def _flush_folder(folder: Path) -> None:
    """Make a new name as durable as the bytes; not every file system can, and those need not."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
