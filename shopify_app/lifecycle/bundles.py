"""Where bundles live: one folder per version's files, named by the hash of its manifest."""

import hashlib
import os
import shutil
from pathlib import Path


class Bundles:
    """The shop's trained files on disk. Each folder is named by the SHA-256 of its `bundle.json`."""

    def __init__(self, var: Path) -> None:
        self.root = var / "bundles"
        self.root.mkdir(parents=True, exist_ok=True)

    def keep(self, folder: Path) -> str:
        """Move a freshly written bundle to its name and return it. The same bundle twice is kept once."""
        name = hashlib.sha256((folder / "bundle.json").read_bytes()).hexdigest()
        try:
            os.rename(folder, self.root / name)
        except OSError:
            if not (self.root / name).is_dir():
                raise
            shutil.rmtree(folder)
        return name

    def folder(self, name: str) -> Path:
        """Where a bundle's files are. Whoever parses them checks them against their hashes first (`ml.bundles`)."""
        return self.root / name
