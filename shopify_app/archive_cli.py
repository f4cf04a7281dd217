"""python -m shopify_app events …, redact, exports …, receipts, rotate-keys: what was delivered, and forgetting it."""

import argparse
import json
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopify_app import config, migrate
from shopify_app.commands import command, on_shop
from shopify_app.config import Settings
from shopify_app.db import Database, count
from shopify_app.errors import Conflict, ForetallyError
from shopify_app.nudge import nudge
from shopify_app.records import exports, inbox, keys, receipts, replay, resealing, shops, snapshots
from shopify_app.records.draining import Drain
from shopify_app.records.objects import open_objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Export, Segment, Shop, ShopState

SHOWN = 50
PATIENCE = 60.0
LOOK_AGAIN = 0.2


def add_commands(commands: Any) -> None:
    """The commands of this file, added to those of the app."""
    events = commands.add_parser("events", help="what was delivered: list, park, replay").add_subparsers(
        required=True, metavar="WHAT"
    )
    listing = _ranged(events, "list", _list, "events with their state, and the segments that hold them")
    listing.add_argument("--state", choices=[state.value for state in EventState])
    listing.add_argument("--limit", type=int, default=SHOWN, help=f"how many events to show ({SHOWN})")
    _ranged(events, "park", _park, "set pending events aside, until somebody replays them")
    again = _ranged(
        events, "replay", _replay, "try parked events again; with --into, make all rows in another database"
    )
    again.add_argument("--into", metavar="DATABASE_URL", help="an empty database; it is migrated first")
    again.add_argument(
        "--cutoff", type=date.fromisoformat, metavar="DATE", help="freeze both up to this day and compare"
    )
    redact = on_shop(commands, "redact", _redact, "forget a customer, or a shop that has uninstalled the app, for good")
    who = redact.add_mutually_exclusive_group(required=True)
    who.add_argument("--customer", type=int, metavar="NUMBER", help="the customer's number")
    who.add_argument("--everything", action="store_true", help="the whole shop")
    redact.add_argument(
        "--order", type=int, action="append", default=[], metavar="NUMBER", help="an order of a guest's, too"
    )
    redact.add_argument("--yes", action="store_true", help="really: it cannot be undone")
    files = commands.add_parser("exports", help="what is held about customers who asked: list, save").add_subparsers(
        required=True, metavar="WHAT"
    )
    on_shop(files, "list", _exports, "files that were asked for")
    save = on_shop(files, "save", _save, "write a file for the merchant, readable by you alone")
    save.add_argument("id", type=int)
    save.add_argument("file", type=Path)
    on_shop(commands, "receipts", _receipts, "what was done for privacy requests, and when")
    rotate = command(commands, "rotate-keys", _rotate, "seal everything under the first of ENCRYPTION_KEYS")
    rotate.add_argument("--check", action="store_true", help="only count what is not; returns 1 when there is any")


def _ranged(commands: Any, name: str, run: Callable[..., Any], what: str) -> argparse.ArgumentParser:
    made = on_shop(commands, name, run, what)
    made.add_argument("--from", dest="first", type=int, default=0, metavar="SEQ", help="from this event on")
    made.add_argument("--to", dest="last", type=int, default=keys.LARGEST, metavar="SEQ", help="up to this event")
    return made


def _list(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    wanted = [Event.shop == chosen.shop, Event.seq.between(chosen.first, chosen.last)]
    wanted += [Event.state == chosen.state] if chosen.state else []
    with Database.of(settings).reading() as db:
        found = db.scalars(select(Event).where(*wanted).order_by(Event.seq).limit(chosen.limit)).all()
        shop = shops.by_domain(db, chosen.shop)
        held = _segments(db, shop, chosen) if shop else []
    if chosen.json:
        return {"events": [_event(event) for event in found], "segments": held}
    lines = [
        f"{e.seq}  {e.state:8} {e.received_at:%Y-%m-%d %H:%M:%S}  {e.topic}  {e.error or ''}".rstrip() for e in found
    ]
    return {
        "events": lines,
        "segments": [f"{s['from']} to {s['to']}: {s['events']} events, {s['sha256'] or 'expired'}" for s in held],
    }


def _event(event: Event) -> dict[str, Any]:
    names = ("seq", "topic", "state", "received_at", "triggered_at", "attempts", "error")
    return {name: getattr(event, name) for name in names}


def _segments(db: Session, shop: Shop, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    mine = Segment.shop_id == shop.id, Segment.last_seq >= chosen.first, Segment.first_seq <= chosen.last
    return [
        {
            "from": one.first_seq,
            "to": one.last_seq,
            "events": one.events,
            "bytes": one.size,
            "sha256": one.sha256,
            "sealed_at": one.sealed_at,
        }
        for one in db.scalars(select(Segment).where(*mine).order_by(Segment.first_seq))
    ]


def _park(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    pending = Event.shop == chosen.shop, Event.seq.between(chosen.first, chosen.last), Event.state == EventState.PENDING
    with Database.of(settings).transaction() as db:
        return {
            "parked": count(db, update(Event).where(*pending).values(state=EventState.PARKED, error="parked by hand"))
        }


def _replay(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.into is None:
        return _again(settings, chosen)
    source, target = Database.of(settings), Database(config.database_url(chosen.into), settings.encryption_keys)
    if target.url == source.url:
        raise Conflict("--into names the app's own database: rows are replayed into an empty one")
    migrate.to_head(target.url)
    objects, shop = open_objects(settings), _shop(source, chosen.shop)
    told = replay.into(source, objects, Seal(settings.encryption_keys), target, shop, chosen.first, chosen.last)
    answer: dict[str, Any] = dict(vars(told))
    if chosen.cutoff:
        code = snapshots.code_version()
        ours, theirs = (
            snapshots.freeze(database, objects, _shop(database, chosen.shop), chosen.cutoff, code).id
            for database in (source, target)
        )
        answer |= {"snapshot_here": ours, "snapshot_there": theirs, "ok": ours == theirs}
    return answer


def _again(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    """Parked events back into the queue; those whose bodies are erased stay."""
    parked = Event.shop == chosen.shop, Event.seq.between(chosen.first, chosen.last), Event.state == EventState.PARKED
    with Database.of(settings).transaction() as db:
        erased = len(db.scalars(select(Event.seq).where(*parked, Event.body.is_(None))).all())
        again = {"state": EventState.PENDING, "attempts": 0, "error": None}
        tried = count(db, update(Event).where(*parked, Event.body.is_not(None)).values(**again))
    nudge("ingest")
    return {"pending_again": tried, "erased": erased}


def _redact(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    """The request is put among the shop's events like Shopify's own, and done in the same way."""
    database = Database.of(settings)
    shop = _shop(database, chosen.shop)
    if chosen.everything and shop.state == ShopState.INSTALLED:
        raise Conflict(f"{chosen.shop} has the app installed: uninstall it there first")
    topic, request = "shop/redact", dict[str, Any](shop_domain=chosen.shop)
    if not chosen.everything:
        topic = "customers/redact"
        request |= {"customer": {"id": chosen.customer}, "orders_to_redact": chosen.order}
    if not chosen.yes:
        raise NotConfirmed(f"nothing was erased: say --yes to do {topic} for {chosen.shop}, for good")
    with database.transaction() as db:
        body = json.dumps(request).encode()
        seq = inbox.keep(db, chosen.shop, topic, body, Seal(settings.encryption_keys), state=EventState.PENDING)
    _drain_until(database, settings, seq)
    with database.reading() as db:
        receipt = receipts.of(db, chosen.shop)[-1]
    return {"done": topic, "at": receipt.done_at, **receipt.told}


class NotConfirmed(ForetallyError):
    """A person has to say that they mean it."""


def _drain_until(database: Database, settings: Settings, seq: int) -> None:
    """Make rows until this event is done, by us or by whoever is busy with the shop."""
    drain, patience = Drain(database, settings), time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        drain.all()
        with database.reading() as db:
            event = db.get(Event, seq)
        if event is not None and event.state == EventState.PARKED:
            raise Conflict(f"event {seq} was parked: {event.error}")
        if event is None or event.state != EventState.PENDING:
            return
        time.sleep(LOOK_AGAIN)
    raise Conflict(f"a worker is busy with the shop: event {seq} waits, and is done as soon as it is free")


def _exports(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    database = Database.of(settings)
    shop = _shop(database, chosen.shop)
    with database.reading() as db:
        found = db.scalars(select(Export).where(Export.shop_id == shop.id).order_by(Export.id)).all()
    names = ("request_id", "asked_at", "made_at", "fetched_at", "expires_at")
    told: dict[str, Any] = {f"export {one.id}": {name: getattr(one, name) for name in names} for one in found}
    return told or {"exports": "none"}


def _save(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    database = Database.of(settings)
    content = exports.fetch(database, open_objects(settings), _shop(database, chosen.shop).id, chosen.id)
    with os.fdopen(os.open(chosen.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return {"file": str(chosen.file), "bytes": len(content)}


def _receipts(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database.of(settings).reading() as db:
        found = receipts.of(db, chosen.shop)
    told: dict[str, Any] = {
        f"receipt {one.id}": {"topic": one.topic, "done_at": one.done_at, **one.told} for one in found
    }
    return told or {"receipts": "none"}


def _rotate(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    database, seal = Database.of(settings), Seal(settings.encryption_keys)
    told = {} if chosen.check else resealing.reseal(database, seal)
    with database.reading() as db:
        left = resealing.left(db, seal)
    rest = sum(left.values())
    advice = "older keys may be removed from ENCRYPTION_KEYS" if not rest else "keep the older keys, and run this again"
    return {"sealed_anew": told, "left": dict(left), "ok": rest == 0, "next": advice}


def _shop(database: Database, domain: str) -> Shop:
    with database.reading() as db:
        return shops.named(db, domain)
