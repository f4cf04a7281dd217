"""Objects in an S3 or Google Cloud Storage bucket, with a folder of this machine before it for whoever wants paths."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shopify_app import clock
from shopify_app.errors import DamagedBundle, NotFound, ObjectsUnavailable
from shopify_app.records.folder import FolderObjects
from shopify_app.records.objects import NAME, Entry, Objects, key_of

if TYPE_CHECKING:
    from obstore.store import GCSStore, S3Store

YOUNG = timedelta(hours=1)
"""An object that was put so lately is not put again to make it young: collectors leave it alone for a day."""
CONNECT = timedelta(seconds=5)
REQUEST = timedelta(seconds=60)
TRIES, PATIENCE = 3, timedelta(seconds=90)


class BucketObjects(Objects):
    """The bucket is the truth; what is read is kept in `cache`, checked when it arrives.

    Credentials come from the environment, as the cloud's own tools read them. A request that fails is repeated for a
    moment; after that it is the caller's job that is tried again.
    """

    def __init__(self, url: str, cache: Path) -> None:
        self.url = url
        self._cache = FolderObjects(cache)

    def put(self, content: bytes | Path) -> str:
        name = self._cache.put(content)
        with self._clearly(name):
            self._upload(name, self._cache.path(name))
        return name

    def path(self, name: str) -> Path:
        try:
            found = self._cache.path(name)
        except NotFound:
            return self._fetched(name)
        os.utime(found)
        return found

    def checked_path(self, name: str) -> Path:
        try:
            return self._cache.checked_path(name)
        except (NotFound, DamagedBundle):
            return self._fetched(name)

    def entries(self) -> Iterator[Entry]:
        with self._clearly():
            for page in self._bucket.list():
                for found in page:
                    name = found["path"].rpartition("/")[2]
                    if NAME.fullmatch(name):
                        yield Entry(name, found["last_modified"])

    def delete(self, name: str, *, put_before: datetime | None = None) -> bool:
        self._cache.delete(name)
        with self._clearly():
            try:
                put_at = self._bucket.head(key_of(name))["last_modified"]
                if put_before is not None and put_at >= put_before:
                    return False
                self._bucket.delete(key_of(name))
            except FileNotFoundError:
                return False
        return True

    def verify(self, name: str) -> bool:
        self._cache.delete(name)
        try:
            self._fetched(name)
        except (NotFound, DamagedBundle):
            return False
        return True

    def check(self) -> None:
        with self._clearly():
            next(iter(self._bucket.list(chunk_size=1)), None)

    def tidy(self, unused_since: datetime) -> None:
        self._cache.tidy(unused_since)
        for entry in self._cache.entries():
            self._cache.delete(entry.name, put_before=unused_since)

    @cached_property
    def _bucket(self) -> "S3Store | GCSStore":
        """Opened at the first use: its threads do not survive a fork, and workers fork."""
        from obstore.store import GCSStore, S3Store

        address = urlsplit(self.url)
        kind: Any = S3Store if address.scheme == "s3" else GCSStore
        options = {"connect_timeout": CONNECT, "timeout": REQUEST, "allow_http": True}
        retries = {"max_retries": TRIES, "retry_timeout": PATIENCE}
        prefix = address.path.strip("/") or None
        store: S3Store | GCSStore = kind(address.netloc, prefix=prefix, client_options=options, retry_config=retries)
        return store

    def _upload(self, name: str, file: Path) -> None:
        """One request, so that the bucket has the whole object or none; and none is sent that is there and young."""
        from obstore.exceptions import AlreadyExistsError

        key = key_of(name)
        try:
            self._bucket.put(key, file, mode="create")
        except AlreadyExistsError:
            if clock.now() - self._bucket.head(key)["last_modified"] > YOUNG:
                self._bucket.put(key, file, use_multipart=False)

    def _fetched(self, name: str) -> Path:
        with self._clearly(name):
            return self._cache.receive(name, (bytes(piece) for piece in self._bucket.get(key_of(name)).stream()))

    @contextmanager
    def _clearly(self, name: str = "") -> Iterator[None]:
        """What the client says, as one line of ours: its own errors are pages long."""
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except FileNotFoundError as error:
            raise NotFound(f"there is no object {name}" if name else f"there is no bucket at {self.url}") from error
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise ObjectsUnavailable(f"{self.url} does not accept these credentials: {_line(error)}") from error
        except (BaseError, ValueError) as error:
            raise ObjectsUnavailable(f"{self.url} did not work: {_line(error)}") from error


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
