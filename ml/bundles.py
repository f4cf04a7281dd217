"""Bundles: the files of one trained version, with their hashes. Nothing is parsed before its hash was checked.

No pickle, ever: UBJSON for boosted trees, Parquet for tables, .npy without objects for arrays, JSON for the rest.
A bundle holds neither times nor costs, so that the same dataset, code and seed give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from ml.errors import BadBundle

MANIFEST = "bundle.json"
FORMATS = frozenset({".ubj", ".json", ".parquet", ".npy"})
MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class Trained:
    """What a bundle says about itself."""

    folder: Path
    task: str
    algorithm: str
    config: Mapping[str, Any]
    seed: int
    cutoff_on: date | None
    metrics: Mapping[str, Any]
    chosen_because: str
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file, by name."""


def write(trained: Trained, files: Mapping[str, bytes]) -> Trained:
    """Write a bundle folder; the manifest comes last, so that a folder with one is complete."""
    trained.folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (trained.folder / name).write_bytes(data)
    return seal(trained)


def seal(trained: Trained) -> Trained:
    """Hash the files that lie in the bundle's folder and write its manifest."""
    names = sorted(path.name for path in trained.folder.iterdir() if path.name != MANIFEST)
    hashes = {name: _hash(trained.folder / name) for name in names}
    text = {
        "task": trained.task,
        "algorithm": trained.algorithm,
        "config": dict(trained.config),
        "seed": trained.seed,
        "cutoff_on": trained.cutoff_on.isoformat() if trained.cutoff_on else None,
        "metrics": _rounded(dict(trained.metrics)),
        "chosen_because": trained.chosen_because,
        "files": hashes,
    }
    (trained.folder / MANIFEST).write_text(json.dumps(text, sort_keys=True, indent=1) + "\n")
    return read(trained.folder)


def read(folder: Path) -> Trained:
    """What the manifest says; the files are not looked at. Raises BadBundle when there is none or it is damaged."""
    try:
        text = json.loads((folder / MANIFEST).read_text())
        cutoff = date.fromisoformat(text["cutoff_on"]) if text["cutoff_on"] else None
        facts = {name: text[name] for name in ("task", "algorithm", "config", "seed", "metrics", "chosen_because")}
        return Trained(folder=folder, cutoff_on=cutoff, files=dict(text["files"]), **facts)
    except FileNotFoundError as missing:
        raise BadBundle(f"{folder}: not a bundle, {MANIFEST} is missing") from missing
    except (ValueError, KeyError, TypeError) as wrong:
        raise BadBundle(f"{folder / MANIFEST}: damaged ({wrong!r})") from wrong


def verify(folder: Path, task: str | None = None) -> Trained:
    """The manifest of a bundle whose files are all there, unchanged, of an allowed format, and no others.

    Raises BadBundle naming the first file that is not. Reads bytes and hashes them; parses nothing but the manifest.
    """
    trained = read(folder)
    if task and trained.task != task:
        raise BadBundle(f"{folder}: a bundle for {trained.task}, expected one for {task}")
    strangers = {path.name for path in folder.iterdir()} - set(trained.files) - {MANIFEST}
    if strangers:
        raise BadBundle(f"{folder}: {sorted(strangers)[0]} is not in the manifest")
    for name, expected in trained.files.items():
        _check_file(folder, name, expected)
    return trained


def pack(folder: Path, file: Path) -> None:
    """Write a bundle into one file, uncompressed. The same bundle gives the same bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name)  # dated 1980, as the format begins
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)


def unpack(file: Path, folder: Path) -> None:
    """Write a packed bundle's files into a folder; `verify` says whether they are what they should be.

    Raises BadBundle for a file that is none, or that would write elsewhere.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if Path(entry.filename).name != entry.filename or entry.file_size > MOST_BYTES:
                    raise BadBundle(f"{file}: {entry.filename[:80]} is not a file that a bundle may hold")
                with archive.open(entry) as source, (folder / entry.filename).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except zipfile.BadZipFile as wrong:
        raise BadBundle(f"{file}: not a packed bundle ({wrong})") from wrong


def contents(trained: Trained) -> dict[str, bytes]:
    """The bytes of every file of a verified bundle."""
    return {name: (trained.folder / name).read_bytes() for name in trained.files}


def _check_file(folder: Path, name: str, expected: str) -> None:
    path = folder / name
    if Path(name).name != name or path.suffix not in FORMATS:
        raise BadBundle(f"{folder}: {name} is not a kind of file a bundle may hold")
    if not path.is_file() or path.is_symlink():
        raise BadBundle(f"{folder}: {name} is missing")
    about = path.stat()
    if about.st_size > MOST_BYTES:
        raise BadBundle(f"{folder}: {name} is larger than {MOST_BYTES:,} bytes")
    if _hash_since(path, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns) != expected:
        raise BadBundle(f"{folder}: {name} was changed after training, its hash is not that of the manifest")


@lru_cache(maxsize=20_000)
def _hash_since(path: Path, *_inode_size_and_times: int) -> str:
    """The hash of a file, read once per process for as long as nobody touches it.

    A web server opens the lists of a thousand shops by turns; hashing them is most of what opening costs.
    """
    return _hash(path)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rounded(value: Any) -> Any:
    """Figures to six digits: enough for anybody, and steady against the last bit of a sum."""
    if isinstance(value, Mapping):
        return {str(key): _rounded(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return [_rounded(inner) for inner in value] if isinstance(value, (list, tuple)) else value
