"""Train a version again from the snapshot it was trained on, compare the bytes, and keep them if they were let go."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ml import bundles, train
from ml.errors import MlError
from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import DamagedBundle, ForetallyError, NotFound
from shopify_app.lifecycle import forecasts, letting_go, registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records import snapshots
from shopify_app.records.objects import Objects, hash_of
from shopify_app.tables import ForecastRun, Shop, Snapshot, Version


def reproduce(
    settings: Settings, database: Database, objects: Objects, shop: Shop, task: str, number: int
) -> dict[str, Any]:
    """What came out of training the version once more: the same bytes, or what differs and why it may.

    Of a forecast version that came out the same, also what came out of its newest forecast, which pages show.
    Files that were let go are kept again when they are the same, for as long as those of a version that has just left
    its slot; else nothing changes. Raises NotFound when the version or its snapshot is no longer here, DamagedBundle
    when a file of the snapshot is damaged, ForetallyError for a version that was made elsewhere.
    """
    with database.reading() as db:
        version = registry.version(db, shop, task, number)
        snapshot = _snapshot(db, shop, version)
        run = forecasts.newest(db, shop.id, version.id)
        evening = _evening(db, shop, run)
    if version.algorithm == letting_go.IMPORTED:
        raise ForetallyError(f"{task} version {number} was imported, not trained here: there is nothing to reproduce")
    wrong = snapshots.damaged(objects, snapshot)
    if wrong:
        raise DamagedBundle(f"snapshot {snapshot.id} is damaged: {', '.join(wrong)}")
    (settings.var / "scratch").mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="reproduce-", dir=settings.var / "scratch"))
    try:
        again = _trained(objects, snapshot, version, scratch)
        told = _verdict(version, again, Bundles(settings))
        if version.let_go_at is not None:
            told["files"] = _kept_again(database, version, again, Bundles(settings), told["ok"])
        if told["ok"] and run is not None:
            told["forecast"] = _forecast(objects, run, evening, again.folder, scratch)
            told["ok"] = "files_that_differ" not in told["forecast"]
        return told
    except MlError as error:
        raise ForetallyError(f"{task} version {number} cannot be trained again: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _snapshot(db: Session, shop: Shop, version: Version) -> Snapshot:
    try:
        return snapshots.by_id(db, shop, version.snapshot_id)
    except NotFound as gone:
        if version.let_go_at is None:
            raise
        raise NotFound(f"{letting_go.words(version)}, and cannot be made again: {gone}") from None


def _evening(db: Session, shop: Shop, run: ForecastRun | None) -> Snapshot | None:
    """What the run was forecast from, if it is still here."""
    if run is None:
        return None
    return db.scalar(select(Snapshot).where(Snapshot.shop_id == shop.id, Snapshot.id == run.snapshot_id))


def _forecast(
    objects: Objects, run: ForecastRun, snapshot: Snapshot | None, bundle: Path, scratch: Path
) -> dict[str, Any]:
    """The run once more, file by file."""
    about = {"after": run.origin_on, "snapshot": run.snapshot_id}
    if snapshot is None:
        return about | {"verdict": "its snapshot is no longer here"}
    out = scratch / "forecast"
    train.predict(bundle, snapshots.materialise(objects, snapshot, scratch / "evening"), out)
    different = [name for name, sha256 in forecasts.files(run).items() if sha256 != _hash(out / name)]
    if not different:
        return about | {"verdict": "the same bytes"}
    return about | {"verdict": _why(snapshot.manifest["code_version"]), "files_that_differ": different}


def _hash(file: Path) -> str | None:
    return hash_of(file) if file.is_file() else None


def _trained(objects: Objects, snapshot: Snapshot, version: Version, scratch: Path) -> bundles.Trained:
    dataset = snapshots.materialise(objects, snapshot, scratch / "dataset")
    task: Any = version.task
    return train.fit(task, dataset, scratch / "bundle", config=version.config, seed=version.seed)


def _kept_again(database: Database, version: Version, again: bundles.Trained, kept: Bundles, same: bool) -> str:
    if not same:
        return letting_go.words(version)
    kept.keep(again.folder)
    with database.transaction() as db:
        here = Version.shop_id == version.shop_id, Version.id == version.id
        db.execute(update(Version).where(*here).values(let_go_at=None, left_at=clock.now()))
    return f"{letting_go.words(version)}, and are here again"


def _verdict(version: Version, again: bundles.Trained, kept: Bundles) -> dict[str, Any]:
    name = _name(again)
    same = name == version.bundle
    told: dict[str, Any] = {
        "ok": same,
        "task": version.task,
        "version": version.number,
        "snapshot": version.snapshot_id,
        "seed": version.seed,
        "bundle": version.bundle,
        "bundle_again": name,
        "code_version": version.code_version,
        "code_version_now": snapshots.code_version(),
    }
    if same:
        return told | {"verdict": "the same bytes"}
    return told | {"verdict": _why(version.code_version), "files_that_differ": _different(version, again, kept)}


def _why(code_then: str) -> str:
    code_now = snapshots.code_version()
    if code_now != code_then:
        return (
            "not the same bytes: the training code is another one now "
            f"(then {code_then[:12]}, now {code_now[:12]}); check that release out and try again"
        )
    return "not the same bytes, though snapshot, seed and code are: look at the libraries and the processor"


def _name(again: bundles.Trained) -> str:
    packed = again.folder.with_name("bundle.zip")
    bundles.pack(again.folder, packed)
    return hash_of(packed)


def _different(version: Version, again: bundles.Trained, kept: Bundles) -> list[str]:
    """Names of files; the manifest itself is one of them when a setting or a figure differs."""
    if version.let_go_at is not None:
        return [letting_go.words(version)]
    try:
        before = bundles.read(kept.folder(version.bundle))
    except (MlError, NotFound):
        return ["the version's own bundle is not here"]
    names = sorted(before.files.keys() | again.files.keys())
    files = [name for name in names if before.files.get(name) != again.files.get(name)]
    return files or [bundles.MANIFEST]
