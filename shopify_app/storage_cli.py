"""python -m shopify_app snapshot … and gc: look at what is stored, check it, compare it, prove it, clear it up."""

import argparse
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.commands import command, group, number, on_shop
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle import letting_go
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records import differences, retention, shops, snapshots
from shopify_app.records.objects import open_objects
from shopify_app.tables import Shop, Snapshot, Task

SHOWN = 20
"""Rows of each kind that a person gets to see; `--json` tells all."""


def add_commands(commands: Any) -> None:
    """The commands of this file, added to those of the app."""
    kinds = group(commands, "snapshot", "a shop's frozen data: show, verify, diff, reproduce")
    show = on_shop(kinds, "show", _show, "all snapshots and who needs them, or the files of one")
    verify = on_shop(kinds, "verify", _verify, "read every file again and name the damaged ones")
    diff = on_shop(kinds, "diff", _diff, "what changed from one snapshot to another")
    for made, names in ((show, ["id"]), (verify, ["id"]), (diff, ["old", "new"])):
        for name in names:
            made.add_argument(name, nargs="?" if made is not diff else None, type=_id, help="its first characters do")
    again = on_shop(kinds, "reproduce", _reproduce, "train a version again from its snapshot and compare the bytes")
    again.add_argument("task", choices=[task.value for task in Task])
    again.add_argument("number", type=number, help="version number")
    gc = command(commands, "gc", _gc, "remove files that no row names, then let go of snapshots that no version needs")
    gc.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    gc.add_argument("--sure", action="store_true", help="also when that is nearly all there is")


def _id(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("an id is not empty")
    return text


def _show(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database.of(settings).reading() as db:
        shop = shops.named(db, chosen.shop)
        pins = retention.pins(db, shop, clock.now())
        if chosen.id:
            found = snapshots.by_id(db, shop, chosen.id)
            return _about(found, pins) | {"files": found.manifest["files"]}
        rows = [_about(found, pins) for found in _all(db, shop)]
    return {"snapshots": rows if chosen.json else [_short(row) for row in rows]}


def _about(snapshot: Snapshot, pins: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "cutoff_on": snapshot.cutoff_on,
        "created_at": snapshot.created_at,
        "orders": snapshot.orders,
        "lines": snapshot.lines,
        "code_version": snapshot.manifest["code_version"],
        "needed_by": pins.get(snapshot.id, []),
    }


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """A row that fits on a screen."""
    return {name: value for name, value in row.items() if name != "code_version"} | {"id": row["id"][:12]}


def _verify(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    objects = open_objects(settings)
    with Database.of(settings).reading() as db:
        shop = shops.named(db, chosen.shop)
        wanted = [snapshots.by_id(db, shop, chosen.id)] if chosen.id else _all(db, shop)
    wrong = {found.id: damaged for found in wanted if (damaged := snapshots.damaged(objects, found))}
    told: dict[str, Any] = {"ok": not wrong, "verified": len(wanted), "damaged": wrong}
    if wrong:
        told["objects"] = sorted({sha256 for found in wanted for sha256 in _hashes(found, wrong.get(found.id, []))})
        told["next"] = f"put {'these objects' if told['objects'] else 'the database'} back from the backup"
    return told


def _hashes(snapshot: Snapshot, names: Collection[str]) -> list[str]:
    """What files are called in the object store; snapshots share those that did not change between them."""
    return [file["sha256"] for file in snapshot.manifest["files"] if file["name"] in names]


def _diff(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database.of(settings).reading() as db:
        shop = shops.named(db, chosen.shop)
        old, new = (snapshots.by_id(db, shop, name) for name in (chosen.old, chosen.new))
    told = differences.between(open_objects(settings), old, new)
    return told if chosen.json else _for_people(told)


def _for_people(told: dict[str, Any]) -> dict[str, Any]:
    """Counts, and the first few of each kind."""
    shown: dict[str, Any] = {"manifest": told["manifest"] or "the same but for its files"}
    for name in ("orders", "lines", "products", "collections", "files"):
        for what, rows in told[name].items():
            more = f", the first {SHOWN} of them" if len(rows) > SHOWN else ""
            shown[f"{name} {what}, {len(rows)}{more}"] = rows[:SHOWN]
    return shown


def _reproduce(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    database = Database.of(settings)
    with database.reading() as db:
        shop = shops.named(db, chosen.shop)
    from shopify_app.lifecycle import reproduce

    return reproduce.reproduce(settings, database, open_objects(settings), shop, chosen.task, chosen.number)


def _gc(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    database, objects, now = Database.of(settings), open_objects(settings), clock.now()
    swept = retention.sweep(database, objects, Bundles(settings).root, now, dry=chosen.dry_run, sure=chosen.sure)
    verb = "would_remove" if chosen.dry_run else "removed"
    told = {"objects": swept.objects, f"{verb}_objects": list(swept.removed), f"{verb}_bundles": list(swept.bundles)}
    if chosen.dry_run:
        return told
    objects.tidy(now - timedelta(days=2))
    told["retired_snapshots"] = retention.retire_all(database, now)
    told["versions_let_go"] = letting_go.let_go_all(database, now)
    return told | {"retired_rows": retention.retire_rows(database, now)}


def _all(db: Session, shop: Shop) -> list[Snapshot]:
    mine = select(Snapshot).where(Snapshot.shop_id == shop.id)
    return list(db.scalars(mine.order_by(Snapshot.cutoff_on, Snapshot.created_at)))
