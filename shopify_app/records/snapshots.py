"""Freeze a shop's rows at the end of a day into immutable files with a manifest, named by their hash."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import Database, insert
from shopify_app.records import months
from shopify_app.records.objects import Objects
from shopify_app.tables import Product, Shop, Snapshot, SnapshotPart

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = 1
ML = Path(__file__).resolve().parents[2] / "ml"


@dataclass(frozen=True)
class Part:
    """A month's file as it is now: `revision` is the state of the rows that it was written from."""

    month_on: date
    revision: int
    until_on: date
    sha256: str | None
    orders: int
    lines: int

    @property
    def file(self) -> dict[str, Any] | None:
        """Its line in the manifest; None for a month without sales."""
        named = {"name": f"lines/{self.month_on:%Y-%m}.parquet", "sha256": self.sha256, "rows": self.lines}
        return named if self.sha256 else None


def freeze(database: Database, objects: Objects, shop: Shop, cutoff_on: date, code_version: str) -> Snapshot:
    """The snapshot of everything the shop sold up to and including `cutoff_on`.

    Months that did not change since the last snapshot are taken over as they are. The same rows give the same id. Files
    come first and the manifest row last, in one short transaction of its own: reading blocks no writer.
    """
    with database.reading() as db:
        _one_state(db)
        parts = [_written(db, objects, shop.id, part, cutoff_on) for part in _parts(db, shop.id, cutoff_on)]
        products = _catalogue(db, shop.id)
    files = [part.file for part in parts if part.file]
    files.append({"name": "products.parquet", "sha256": objects.put(_parquet(products)), "rows": products.num_rows})
    manifest = {
        "schema": SCHEMA,
        "code_version": code_version,
        "cutoff_on": cutoff_on.isoformat(),
        "time_zone": shop.time_zone,
        "country": shop.country,
        "currency": shop.currency,
        "files": files,
    }
    with database.transaction() as db:
        return _publish(db, shop.id, cutoff_on, manifest, parts)


def materialise(objects: Objects, snapshot: Snapshot, folder: Path) -> Path:
    """The snapshot as the dataset folder that training reads. Links, where the file system can, instead of copies."""
    (folder / "lines").mkdir(parents=True, exist_ok=True)
    for file in snapshot.manifest["files"]:
        target = folder / file["name"]
        target.unlink(missing_ok=True)
        try:
            os.link(objects.path(file["sha256"]), target)
        except OSError:
            shutil.copyfile(objects.path(file["sha256"]), target)
    told = {name: snapshot.manifest[name] for name in ("cutoff_on", "time_zone", "country", "currency")}
    (folder / "dataset.json").write_text(json.dumps(told | {"snapshot_id": snapshot.id}, indent=2, sort_keys=True))
    return folder


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


def _parts(db: Session, shop_id: int, cutoff_on: date) -> Sequence[SnapshotPart]:
    until = SnapshotPart.shop_id == shop_id, SnapshotPart.month_on <= cutoff_on
    return db.scalars(select(SnapshotPart).where(*until).order_by(SnapshotPart.month_on)).all()


def _written(db: Session, objects: Objects, shop_id: int, part: SnapshotPart, cutoff_on: date) -> Part:
    """The month's file: the one that is there when it is up to date, else a new one."""
    until_on = min(months.last_day(part.month_on), cutoff_on)
    if (part.written_revision, part.written_until_on) == (part.revision, until_on):
        return Part(part.month_on, part.revision, until_on, part.sha256, part.orders, part.lines)
    table = months.sales(db, shop_id, part.month_on, until_on)
    sha256 = objects.put(_parquet(table)) if table.num_rows else None
    orders = len(table["order_id"].unique())
    return Part(part.month_on, part.revision, until_on, sha256, orders, table.num_rows)


def _catalogue(db: Session, shop_id: int) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema(
        {
            "product_id": pa.int64(),
            "title": pa.string(),
            "product_type": pa.string(),
            "vendor": pa.string(),
            "tags": pa.string(),
            "status": pa.string(),
            "is_available": pa.bool_(),
            "price": pa.float64(),
            "created_on": pa.date32(),
        }
    )
    newest = select(Product).where(Product.shop_id == shop_id).order_by(Product.product_id)
    return pa.Table.from_pylist([_described(product) for product in db.scalars(newest)], schema)


def _described(product: Product) -> dict[str, Any]:
    shown = product.is_published and product.deleted_at is None
    return {
        "product_id": product.product_id,
        "title": product.title,
        "product_type": product.product_type,
        "vendor": product.vendor,
        "tags": ", ".join(product.tags),
        "status": "deleted" if product.deleted_at else "active" if product.is_published else "hidden",
        "is_available": shown and (product.units_in_stock is None or product.units_in_stock > 0),
        "price": product.price_amount,
        "created_on": product.created_on,
    }


def _parquet(table: "pa.Table") -> bytes:
    """The table's bytes, the same for the same table."""
    import pyarrow.parquet as pq

    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd", version="2.6", row_group_size=1 << 20, store_schema=False)
    return buffer.getvalue()


def _publish(db: Session, shop_id: int, cutoff_on: date, manifest: dict[str, Any], parts: Sequence[Part]) -> Snapshot:
    for part in parts:
        _note(db, shop_id, part)
    row = insert(db, Snapshot).values(
        shop_id=shop_id,
        id=_id(manifest),
        cutoff_on=cutoff_on,
        manifest=manifest,
        orders=sum(part.orders for part in parts),
        lines=sum(part.lines for part in parts),
        created_at=clock.now(),
    )
    db.execute(row.on_conflict_do_nothing())
    return db.get_one(Snapshot, (shop_id, _id(manifest)))


def _note(db: Session, shop_id: int, part: Part) -> None:
    """Remember what was written, unless somebody wrote a newer state meanwhile."""
    mine = SnapshotPart.shop_id == shop_id, SnapshotPart.month_on == part.month_on
    older = SnapshotPart.written_revision <= part.revision
    written = {
        "written_revision": part.revision,
        "written_until_on": part.until_on,
        "sha256": part.sha256,
        "orders": part.orders,
        "lines": part.lines,
    }
    db.execute(update(SnapshotPart).where(*mine, older).values(**written))


def _id(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
