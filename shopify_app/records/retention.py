"""What is kept and what goes: snapshots that a version needs stay, others go with age, and files follow their rows."""

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, String, delete, or_, select, union
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.errors import Conflict
from shopify_app.policy import Policy
from shopify_app.records import ageing, parts, views
from shopify_app.records.objects import Objects
from shopify_app.tables import Base, Feed, ListRun, Shop, Slot, Snapshot, Version, VersionState
from shopify_app.tables.base import LARGEST_ID

GRACE = timedelta(hours=24)
"""An object this young is left alone: whoever just put it may be about to name it."""
MONTHS_AS_DAYS = timedelta(days=62)
"""How far back days may be files of their own: nobody makes a snapshot of an earlier month while this runs."""
MANY, STRANGE = 100, 0.9
"""Of so many old objects no larger share is removed at once: another database's store would look like that."""
WAITING = (VersionState.TRAINED, VersionState.SHADOW, VersionState.CHAMPION)


@dataclass(frozen=True)
class Swept:
    """What a collection found and removed."""

    objects: int
    removed: tuple[str, ...]
    bundles: tuple[str, ...]


def pins(db: Session, shop: Shop, now: datetime) -> dict[str, list[str]]:
    """Why snapshots cannot go: their ids, each with the versions that were trained on it and still need it.

    A version needs its snapshot while it answers, answered before or may answer next, and for `keep_versions_days`
    after that or after it was made, so that it can be trained again.
    """
    recent = now - timedelta(days=Policy.of(shop.settings).keep_versions_days)
    needs = or_(
        Version.id.in_(serving(Slot.shop_id == shop.id)),
        Version.state.in_(WAITING),
        Version.created_at >= recent,
        Version.left_at >= recent,
    )
    found: dict[str, list[str]] = {}
    columns = Version.snapshot_id, Version.task, Version.number, Version.state
    for version in db.execute(select(*columns).where(Version.shop_id == shop.id, needs).order_by(Version.id)):
        found.setdefault(version.snapshot_id, []).append(f"{version.task} {version.number} ({version.state})")
    return found


def serving(*which: ColumnElement[bool]) -> Any:
    """The ids of versions that answer, answered before or may answer next, in these slots or all."""
    places = (Slot.champion_id, Slot.previous_id, Slot.shadow_id)
    return union(*(select(place).where(place.is_not(None), *which) for place in places))


def retire_all(database: Database, now: datetime) -> list[str]:
    """What `retire` does, for every shop, each in a transaction of its own."""
    with database.reading() as db:
        shop_ids = list(db.scalars(select(Shop.id)))
    retired: list[str] = []
    for shop_id in shop_ids:
        with database.transaction() as db:
            shop = db.get(Shop, shop_id)
            if shop is not None:
                retired += retire(db, shop, now)
    return retired


def retire_rows(database: Database, now: datetime) -> int:
    """Delete the views, answers, forecasts and jobs of every shop that are too old; how many."""
    with database.reading() as db:
        every = db.scalars(select(Shop).order_by(Shop.id)).all()
    return sum(retire_rows_of(database, shop, now) for shop in every)


def retire_rows_of(database: Database, shop: Shop, now: datetime, most: int = LARGEST_ID) -> int:
    """The same of one shop, about `most` of them."""
    total = views.retire(database, shop, now, most)
    return total + ageing.retire(database, shop, now, max(most - total, 0))


def retire(db: Session, shop: Shop, now: datetime) -> list[str]:
    """Delete the manifests of snapshots that are old and that nobody needs; their ids. The newest one stays."""
    limit = now - timedelta(days=Policy.of(shop.settings).keep_snapshots_days)
    mine = select(Snapshot.id).where(Snapshot.shop_id == shop.id)
    newest = db.scalar(mine.order_by(Snapshot.created_at.desc()).limit(1))
    kept = [*pins(db, shop, now), *([newest] if newest else [])]
    old = Snapshot.shop_id == shop.id, Snapshot.created_at < limit, Snapshot.id.not_in(kept)
    gone = delete(Snapshot).where(*old).returning(Snapshot.id).execution_options(synchronize_session=False)
    retired = list(db.scalars(gone))
    cutoff_on = db.scalar(select(Snapshot.cutoff_on).where(Snapshot.shop_id == shop.id, Snapshot.id == newest))
    if cutoff_on is not None:
        parts.forget_days(db, shop.id, cutoff_on - MONTHS_AS_DAYS)
    return retired


def sweep(
    database: Database,
    objects: Objects,
    bundles: Path,
    now: datetime,
    *,
    grace: timedelta = GRACE,
    dry: bool = False,
    sure: bool = False,
) -> Swept:
    """Remove every object that no row of any shop names, and that nobody put for the time of grace.

    Ages are looked at before names: what is put later is young, and what was named before is seen. An object that is
    put again while this runs is asked for its age once more, right before it would go. Folders in `bundles` go as well
    when no version names them, or when they are copies of objects and nobody used them for as long.

    Raises Conflict, with nothing removed, when that would be nearly everything there is, unless one is `sure`.
    """
    entries = list(objects.entries())
    old = [entry.name for entry in entries if entry.put_at < now - grace]
    folders = [path for path in bundles.glob("*") if path.stat().st_mtime < (now - grace).timestamp()]
    with database.reading() as db:
        names, versions = named(db), bundles_named(db)
    unnamed = [name for name in old if name not in names]
    copied = {entry.name for entry in entries}
    stray = [path for path in folders if path.name not in versions or path.name in copied]
    if dry:
        return Swept(len(entries), tuple(unnamed), tuple(path.name for path in stray))
    if len(old) >= MANY and len(unnamed) > STRANGE * len(old) and not sure:
        raise Conflict(
            f"no row names {len(unnamed):,} of {len(old):,} objects: do DATABASE_URL and OBJECT_STORE_URL belong "
            "together? gc --dry-run lists them, gc --sure removes them"
        )
    removed = tuple(name for name in unnamed if objects.delete(name, put_before=now - grace))
    for path in stray:
        _remove(path)
    return Swept(len(entries), removed, tuple(path.name for path in stray))


def _remove(folder: Path) -> None:
    """Whole or not at all: who is killed half-way leaves nothing under the bundle's name."""
    gone = folder.with_name(f"incoming-{secrets.token_hex(8)}")
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return
    shutil.rmtree(gone, ignore_errors=True)


def named(db: Session, shop_ids: Any = None) -> set[str]:
    """Every object that a row names: of all shops, or of those that the statement `shop_ids` selects."""
    found: set[str] = set()
    for manifest in db.scalars(_of(Snapshot.__table__.c.manifest, shop_ids).execution_options(yield_per=200)):
        found |= {file["sha256"] for file in manifest["files"]}
    for column in _naming_columns():
        found |= {name for name in db.scalars(_of(column, shop_ids)) if name}
    return found | bundles_named(db, shop_ids)


def bundles_named(db: Session, shop_ids: Any = None) -> set[str]:
    """Every bundle that a version, its newest lists or what refreshes begin with names, likewise.

    A version whose files were let go names none, unless it is in a slot all the same.
    """
    kept = or_(Version.let_go_at.is_(None), Version.id.in_(serving()))
    versions = _of(Version.__table__.c.bundle, shop_ids).where(kept)
    lists, told = (_of(column, shop_ids) for column in (ListRun.__table__.c.bundle, Feed.__table__.c.told))
    found = {*db.scalars(versions), *db.scalars(lists)}
    return found | {one["bundle"] for one in db.scalars(told) if "bundle" in one}


def _naming_columns() -> Iterator[Any]:
    """By convention a text column called `sha256` or `…_sha256` names an object, in whatever table it is."""
    for table in Base.metadata.sorted_tables:
        for column in table.c:
            is_name = column.name == "sha256" or column.name.endswith("_sha256")
            if is_name and isinstance(column.type, String) and "shop_id" in table.c:
                yield column


def _of(column: Any, shop_ids: Any) -> Any:
    statement = select(column)
    return statement if shop_ids is None else statement.where(column.table.c.shop_id.in_(shop_ids))
