"""Where bundles live: each packed into one object, and unpacked into a folder of the machine that reads it."""

import os
import shutil
import tempfile
from pathlib import Path

from ml import bundles
from shopify_app.config import Settings
from shopify_app.records.objects import open_objects


class Bundles:
    """Versions' files, named by the SHA-256 of what they are packed into.

    The object store has them all, so web servers and workers may be on different machines. The folders below `root`
    can be made again; they are here because tables are mapped into memory.
    """

    def __init__(self, settings: Settings) -> None:
        self._objects = open_objects(settings)
        self.root = settings.var / "bundles"
        self.root.mkdir(parents=True, exist_ok=True)

    def keep(self, folder: Path) -> str:
        """Store a freshly written bundle and return its name; its folder moves. The same bundle twice is kept once."""
        packed = folder.with_name(folder.name + ".zip")
        try:
            bundles.pack(folder, packed)
            name = self._objects.put(packed)
        finally:
            packed.unlink(missing_ok=True)
        self._move(folder, name)
        return name

    def folder(self, name: str) -> Path:
        """Where a bundle's files are, fetched if they are not here. Raises NotFound or DamagedBundle.

        Whoever parses them checks them against their hashes first (`ml.bundles`).
        """
        found = self.root / name
        if not found.is_dir():
            fresh = Path(tempfile.mkdtemp(dir=self.root, prefix="incoming-"))
            try:
                bundles.unpack(self._objects.checked_path(name), fresh)
                self._move(fresh, name)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        os.utime(found)  # the collector removes what nobody used for a day
        return found

    def _move(self, folder: Path, name: str) -> None:
        """Another thread or process may have been faster: its folder holds the same."""
        try:
            os.rename(folder, self.root / name)
        except OSError:
            if not (self.root / name).is_dir():
                raise
            shutil.rmtree(folder)
