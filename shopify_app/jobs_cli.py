"""python -m shopify_app jobs list|replay: work that waits, runs or was given up."""

import argparse
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from shopify_app.commands import BadArgument, command, group
from shopify_app.config import Settings
from shopify_app.db import Database, server_time
from shopify_app.nudge import nudge
from shopify_app.records import jobs, outbox, shops
from shopify_app.tables import Effect, Job, Shop, ShopState, WorkState

FOR_PEOPLE = ("shop", "id", "kind", "state", "due_at", "attempts", "why")


def add_commands(commands: Any) -> None:
    """The commands of this file, added to those of the app."""
    kinds = group(commands, "jobs", "work that waits, runs or was given up: list, replay")
    listing = command(kinds, "list", _list, "jobs, and what Shopify is to be told, with their states and why")
    again = command(kinds, "replay", _replay, "set going again what was given up")
    for made, what in ((listing, "of all shops, as without --shop"), (again, "of all shops")):
        whose = made.add_mutually_exclusive_group()
        whose.add_argument("--shop", metavar="SHOP", help="example.myshopify.com")
        whose.add_argument("--all", action="store_true", help=what)


def _list(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database.of(settings).reading() as db:
        whose = _whose(db, chosen)
        found = {
            "jobs": [_told(db, *one) for one in _undone(db, Job, whose)],
            "effects": [_told(db, *one) for one in _undone(db, Effect, whose)],
        }
    if chosen.json:
        return found
    return {name: [{column: row[column] for column in FOR_PEOPLE} for row in rows] for name, rows in found.items()}


def _replay(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    """Each with all its attempts again; a job joins the one of its kind that waits already."""
    if chosen.shop is None and not chosen.all:
        raise BadArgument("say --shop SHOP, or --all for every shop")
    with Database.of(settings).transaction() as db:
        whose = _whose(db, chosen)
        given_up, untold = (_undone(db, table, whose, table.state == WorkState.PARKED) for table in (Job, Effect))
        for job, _ in given_up:
            jobs.replay(db, job.shop_id, job.id)
        for effect, _ in untold:
            outbox.replay(db, effect.shop_id, effect.id)
    for bell in ("work", "train", "deliver"):
        nudge(bell)
    return {"jobs": len(given_up), "effects": len(untold)}


def _whose(db: Session, chosen: argparse.Namespace) -> ColumnElement[bool]:
    """The shops that are meant; of all, those that have the app."""
    return (
        Shop.id == shops.named(db, chosen.shop).id if chosen.shop is not None else Shop.state != ShopState.UNINSTALLED
    )


def _undone(db: Session, table: Any, *wanted: ColumnElement[bool]) -> list[tuple[Any, str]]:
    """What is not done, by the time it is due, each with its shop."""
    found = select(table, Shop.domain).join(Shop, Shop.id == table.shop_id)
    ordered = found.where(table.state != WorkState.DONE, *wanted).order_by(table.due_at, table.id)
    return [(row[0], row[1]) for row in db.execute(ordered)]


def _told(db: Session, row: Job | Effect, domain: str) -> dict[str, Any]:
    told = {
        "shop": domain,
        "id": row.id,
        "kind": row.kind,
        "state": _state(db, row),
        "due_at": row.due_at,
        "attempts": row.attempts,
        "why": row.error or (row.progress if isinstance(row, Job) else None),
        "created_at": row.created_at,
    }
    return told | ({"causes": row.causes, "progress": row.progress} if isinstance(row, Job) else {"key": row.key})


def _state(db: Session, row: Job | Effect) -> str:
    """A job whose worker died waits for the next one."""
    if row.state == WorkState.PARKED:
        return "parked"
    return "running" if row.lease_until is not None and row.lease_until > server_time(db) else "waiting"
