"""Freeze a shop's rows at the end of a day into immutable files with a manifest, named by their hash."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import Database, insert_for
from shopify_app.errors import Conflict, NotFound
from shopify_app.records import catalogue, months, parts, steps, stock
from shopify_app.records.objects import Objects
from shopify_app.records.parts import Known, Part
from shopify_app.tables import Shop, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

SNAPSHOTS: Any = Snapshot.__table__
SCHEMA = 2
TRIES = 5
DISTINCT = ("order_id", "customer", "created_at")
"""Columns that are a third smaller, and sooner written, without a dictionary of their values."""
ML = Path(__file__).resolve().parents[2] / "ml"


def freeze(database: Database, objects: Objects, shop: Shop, cutoff_on: date, code_version: str) -> Snapshot:
    """The snapshot of everything the shop sold up to and including `cutoff_on`.

    Files whose rows did not change since the last snapshot are taken over as they are. The same rows give the same id.
    Files come first and the manifest row last, in one short transaction of its own: reading blocks no writer.
    """
    for _ in range(TRIES):
        published = _frozen(database, objects, shop, cutoff_on, code_version)
        if published is not None:
            return published
    raise Conflict("other snapshots of this shop were made all the while; try again")


def _frozen(database: Database, objects: Objects, shop: Shop, cutoff_on: date, code_version: str) -> Snapshot | None:
    """None when a file that was taken over has been replaced meanwhile, and may be collected any moment."""
    with database.reading() as db:
        _one_state(db)
        known = parts.known(db, shop.id, cutoff_on)
        made = [_sales(db, objects, shop.id, name, known) for name in parts.of_sales(known, cutoff_on)]
        made.append(_table(db, objects, shop.id, known, parts.CATALOGUE, catalogue.products))
        made.append(_table(db, objects, shop.id, known, parts.COLLECTIONS, catalogue.collections))
        made.append(_table(db, objects, shop.id, known, parts.STOCK, stock.history))
        made.append(_table(db, objects, shop.id, known, parts.VIEWS, steps.counted))
        given = (parts.standing(name, known.get(name)) for name in (parts.SIGNALS, parts.PROMOTIONS))
        made += [part for part in given if part is not None]
    manifest = {
        "schema": SCHEMA,
        "code_version": code_version,
        "cutoff_on": cutoff_on.isoformat(),
        "time_zone": shop.time_zone,
        "country": shop.country,
        "currency": shop.currency,
        "files": [file for part in made if (file := part.file)],
    }
    with database.transaction() as db:
        if not parts.still_hold(db, shop.id, made, cutoff_on):
            return None
        parts.note(db, shop.id, made)
        return _publish(db, shop.id, cutoff_on, manifest, made)


def materialise(objects: Objects, snapshot: Snapshot, folder: Path) -> Path:
    """The snapshot as the dataset folder that training reads. Links, where the file system can, instead of copies.

    Raises DamagedBundle for a file whose bytes are not its own any more: nobody trains on those.
    """
    (folder / "lines").mkdir(parents=True, exist_ok=True)
    for file in snapshot.manifest["files"]:
        source, target = objects.checked_path(file["sha256"]), folder / file["name"]
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
    told = {name: snapshot.manifest[name] for name in ("cutoff_on", "time_zone", "country", "currency")}
    (folder / "dataset.json").write_text(json.dumps(told | {"snapshot_id": snapshot.id}, indent=2, sort_keys=True))
    return folder


def by_id(db: Session, shop: Shop, name: str) -> Snapshot:
    """The shop's snapshot whose id is or begins with `name`. Raises NotFound when there is none, or more than one."""
    mine = select(Snapshot).where(Snapshot.shop_id == shop.id, Snapshot.id.startswith(name, autoescape=True))
    found = db.scalars(mine.limit(2)).all()
    if len(found) != 1:
        raise NotFound(f"{shop.domain} has {'several snapshots' if found else 'no snapshot'} {name}")
    return found[0]


def damaged(objects: Objects, snapshot: Snapshot) -> list[str]:
    """What does not match its hash: names of files, and `manifest` when the id is not that of the manifest."""
    wrong = [file["name"] for file in snapshot.manifest["files"] if not objects.verify(file["sha256"])]
    return wrong if snapshot.id == _id(snapshot.manifest) else ["manifest", *wrong]


@cache
def code_version() -> str:
    """A hash of the sources that training depends on."""
    digest = hashlib.sha256()
    for path in sorted(ML.rglob("*")):
        if path.suffix in (".py", ".sql"):
            digest.update(path.relative_to(ML).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _one_state(db: Session) -> None:
    """All reads see the same moment. SQLite's readers always do."""
    if db.get_bind().dialect.name == "postgresql":
        db.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _sales(db: Session, objects: Objects, shop_id: int, name: str, known: Mapping[str, Known]) -> Part:
    """The file of those days: the one that is there when it is up to date, else a new one."""
    row = known.get(name)
    standing = parts.standing(name, row)
    if standing is not None:
        return standing
    table = months.sales(db, shop_id, *parts.days_of(name))
    sha256 = objects.put(_parquet(table)) if table.num_rows else None
    state = row.state if row else parts.NEVER
    return Part(name, state, sha256, len(table["order_id"].unique()), table.num_rows)


def _table(
    db: Session,
    objects: Objects,
    shop_id: int,
    known: Mapping[str, Known],
    name: str,
    read: "Callable[[Session, int], pa.Table]",
) -> Part:
    """A file that holds all there is, whatever the cutoff. Empty ones are left out, but for the catalogue."""
    row = known.get(name)
    standing = parts.standing(name, row)
    if standing is not None:
        return standing
    table = read(db, shop_id)
    sha256 = objects.put(_parquet(table)) if table.num_rows or name == parts.CATALOGUE else None
    return Part(name, row.state if row else parts.NEVER, sha256, 0, table.num_rows)


def _parquet(table: "pa.Table") -> bytes:
    """The table's bytes, the same for the same table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer, lean = pa.BufferOutputStream(), {"write_statistics": False, "store_schema": False}
    repeated = [name for name in table.column_names if name not in DISTINCT]
    shape = {"version": "2.6", "row_group_size": 1 << 20, "use_dictionary": repeated}
    pq.write_table(table, buffer, compression="zstd", **shape, **lean)
    return bytes(buffer.getvalue())


def _publish(db: Session, shop_id: int, cutoff_on: date, manifest: dict[str, Any], made: Sequence[Part]) -> Snapshot:
    """One that was made before becomes young again: whoever asked for it now is about to need it."""
    fresh = Snapshot(
        shop_id=shop_id,
        id=_id(manifest),
        cutoff_on=cutoff_on,
        manifest=manifest,
        orders=sum(part.orders for part in made),
        lines=sum(part.lines for part in made if part.name.startswith("lines/")),
        created_at=clock.now(),
    )
    row = {column.key: getattr(fresh, column.key) for column in SNAPSHOTS.c}
    db.connection().execute(_publishing(db.get_bind().dialect.name), row)
    return fresh


@cache
def _publishing(dialect: str) -> Any:
    fresh = insert_for(dialect, SNAPSHOTS)
    return fresh.on_conflict_do_update(index_elements=["shop_id", "id"], set_={"created_at": fresh.excluded.created_at})


def _id(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)).hexdigest()
