"""python -m shopify_app events list|park|replay: what was delivered."""

import argparse
from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shopify_app import config, migrate
from shopify_app.commands import BadArgument, group, number, on_shop
from shopify_app.config import Settings
from shopify_app.db import Database, count, in_one_line
from shopify_app.errors import Conflict, ForetallyError, NotFound
from shopify_app.nudge import nudge
from shopify_app.records import replay, shops, snapshots
from shopify_app.records.objects import open_objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Segment, Shop
from shopify_app.tables.base import LARGEST_ID

SHOWN = 50
FOR_PEOPLE = ("seq", "state", "received_at", "topic", "attempts", "error")


def add_commands(commands: Any) -> None:
    """The commands of this file, added to those of the app."""
    kinds = group(commands, "events", "what was delivered: list, park, replay")
    listing = _ranged(kinds, "list", _list, "events with their states, and the segments that hold them")
    listing.add_argument("--state", choices=[state.value for state in EventState])
    listing.add_argument("--limit", type=number, default=SHOWN, metavar="N", help=f"the newest so many ({SHOWN})")
    _ranged(kinds, "park", _park, "set pending events aside, until somebody replays them")
    again = _ranged(kinds, "replay", _replay, "try parked events again; with --into, make all rows in another database")
    again.add_argument("--into", metavar="DATABASE_URL", help="an empty database; it is migrated first")
    again.add_argument(
        "--cutoff", type=date.fromisoformat, metavar="DATE", help="freeze both up to this day and compare"
    )


def _ranged(commands: Any, name: str, run: Callable[..., Any], what: str) -> argparse.ArgumentParser:
    made = on_shop(commands, name, run, what)
    made.add_argument("--from", dest="first", type=number, default=0, metavar="SEQ", help="from this event on")
    made.add_argument("--to", dest="last", type=number, default=LARGEST_ID, metavar="SEQ", help="up to this event")
    return made


def _list(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    wanted = [*_range(chosen), *([Event.state == chosen.state] if chosen.state else [])]
    with Database.of(settings).reading() as db:
        shop = _heard_of(db, chosen.shop)
        newest = select(Event).where(*wanted).order_by(Event.seq.desc()).limit(chosen.limit)
        found = [_event(event) for event in reversed(db.scalars(newest).all())]
        every = db.scalar(select(func.count()).select_from(Event).where(*wanted)) or 0
        held = _segments(db, shop, chosen) if shop and not chosen.state else []
    if not chosen.json:
        found = [{name: row[name] for name in FOR_PEOPLE} for row in found]
        held = [{name: row[name] or "expired" for name in ("from", "to", "events", "sha256")} for row in held]
    return {"events": found, "older": every - len(found), "segments": held}


def _range(chosen: argparse.Namespace) -> list[Any]:
    """The shop's events that are meant."""
    if chosen.first > chosen.last:
        raise BadArgument(f"--from {chosen.first} is after --to {chosen.last}")
    return [Event.shop == chosen.shop, Event.seq.between(chosen.first, chosen.last)]


def _heard_of(db: Session, domain: str) -> Shop | None:
    """The shop, if it has the app. Raises NotFound when there is nothing of that name at all."""
    shop = shops.by_domain(db, domain)
    if shop is None and db.scalar(select(Event.seq).where(Event.shop == domain).limit(1)) is None:
        raise NotFound(f"nothing was ever delivered for a shop {domain}")
    return shop


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
    pending = *_range(chosen), Event.state == EventState.PENDING
    aside = {"state": EventState.PARKED, "error": "parked by hand"}
    with Database.of(settings).transaction() as db:
        _heard_of(db, chosen.shop)
        return {"parked": count(db, update(Event).where(*pending).values(**aside))}


def _replay(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.into is None:
        return _again(settings, chosen)
    _range(chosen)
    address = config.database_url(chosen.into, "--into")
    source, target = Database.of(settings), Database(address, settings.encryption_keys)
    if target.url == source.url:
        raise Conflict("--into names the app's own database: rows are replayed into an empty one")
    objects, shop = open_objects(settings), shops.at(source, chosen.shop)
    try:
        migrate.to_head(target.url)
    except DBAPIError as error:
        raise ForetallyError(in_one_line(error, "--into")) from None
    told = replay.into(source, objects, Seal(settings.encryption_keys), target, shop, chosen.first, chosen.last)
    answer: dict[str, Any] = dict(vars(told))
    if chosen.cutoff and not told.events:
        raise NotFound(f"no event of {chosen.shop} from --from to --to is a row: there is nothing to compare")
    if chosen.cutoff:
        code = snapshots.code_version()
        ours, theirs = (
            snapshots.freeze(database, objects, shops.at(database, chosen.shop), chosen.cutoff, code).id
            for database in (source, target)
        )
        answer |= {"snapshot_here": ours, "snapshot_there": theirs, "ok": ours == theirs}
    return answer


def _again(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    """Parked events back into the queue; those whose bodies are erased stay."""
    if chosen.cutoff:
        raise BadArgument("--cutoff compares with another database: say --into as well")
    parked = *_range(chosen), Event.state == EventState.PARKED
    with Database.of(settings).transaction() as db:
        _heard_of(db, chosen.shop)
        erased = len(db.scalars(select(Event.seq).where(*parked, Event.body.is_(None))).all())
        again = {"state": EventState.PENDING, "attempts": 0, "error": None}
        tried = count(db, update(Event).where(*parked, Event.body.is_not(None)).values(**again))
    nudge("ingest")
    return {"pending_again": tried, "erased": erased}
