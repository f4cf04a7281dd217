"""python -m shopify_app redact, exports list|save, receipts: privacy requests by hand."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from shopify_app.commands import group, number, on_shop, private_file
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import Conflict, ForetallyError
from shopify_app.records import erasing, exports, inbox, keys, receipts, shops
from shopify_app.records.draining import Drain
from shopify_app.records.objects import open_objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Event, EventState, Receipt, ShopState

PATIENCE = 60.0
LOOK_AGAIN = 0.2


def add_commands(commands: Any) -> None:
    """The commands of this file, added to those of the app."""
    redact = on_shop(commands, "redact", _redact, "forget a customer, or a shop that has uninstalled the app, for good")
    who = redact.add_mutually_exclusive_group(required=True)
    who.add_argument("--customer", type=number, metavar="NUMBER", help="the customer's number")
    who.add_argument("--email", metavar="ADDRESS", help="their e-mail: reads everything that is kept")
    who.add_argument("--everything", action="store_true", help="the whole shop")
    redact.add_argument(
        "--order", type=number, action="append", default=[], metavar="NUMBER", help="an order of a guest's, too"
    )
    redact.add_argument("--yes", action="store_true", help="really: it cannot be undone")
    files = group(commands, "exports", "what is held about customers who asked: list, save")
    on_shop(files, "list", _exports, "files that were asked for")
    save = on_shop(files, "save", _save, "write a file for the merchant, readable by you alone")
    save.add_argument("id", type=number, metavar="ID")
    save.add_argument("file", type=Path, metavar="FILE")
    on_shop(commands, "receipts", _receipts, "what was done for privacy requests, and when")


def _redact(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    """The request is put among the shop's events like Shopify's own, and done in the same way."""
    database = Database.of(settings)
    with database.reading() as db:
        shop = None if chosen.everything and erasing.has_begun(db, chosen.shop) else shops.named(db, chosen.shop)
    if chosen.everything and shop is not None and shop.state == ShopState.INSTALLED:
        raise Conflict(f"{chosen.shop} has the app installed: uninstall it there first")
    topic, request = "shop/redact", dict[str, Any](shop_domain=chosen.shop)
    if not chosen.everything:
        topic = "customers/redact"
        request |= {"customer": {"id": chosen.customer, "email": chosen.email}, "orders_to_redact": chosen.order}
    if not chosen.yes:
        raise NotConfirmed(f"nothing was erased: say --yes to do {topic} for {chosen.shop}, for good")
    with database.transaction() as db:
        if shop is not None:
            keys.find(db, shop.id)  # under another key the request would be parked for good
        body = json.dumps(request).encode()
        seq = inbox.keep(db, chosen.shop, topic, body, Seal(settings.encryption_keys), state=EventState.PENDING)
    _drain_until(database, settings, chosen.shop, seq)
    with database.reading() as db:
        receipt = receipts.of(db, chosen.shop)[-1]
    return {"done": topic, "done_at": receipt.done_at, **receipt.told}


class NotConfirmed(ForetallyError):
    """A person has to say that they mean it."""


def _drain_until(database: Database, settings: Settings, domain: str, seq: int) -> None:
    """Make rows until this event is done, by us or by whoever is busy with the shop; a large one takes its time."""
    drain, patience = Drain(database, settings), time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        drain.all()
        with database.reading() as db:
            event, is_going_on = db.get(Event, seq), erasing.has_begun(db, domain)
        if event is not None and event.state == EventState.PARKED:
            raise Conflict(f"event {seq} was parked: {event.error}")
        if event is None or event.state != EventState.PENDING:
            return
        if is_going_on:
            patience = time.monotonic() + PATIENCE
        time.sleep(LOOK_AGAIN)
    raise Conflict(f"a worker is busy with the shop: event {seq} waits, and is done as soon as it is free")


def _exports(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    database = Database.of(settings)
    shop = shops.at(database, chosen.shop)
    with database.reading() as db:
        found = exports.of(db, shop.id)
    names = ("id", "request_id", "asked_at", "made_at", "fetched_at", "expires_at")
    return {"exports": [{name: getattr(one, name) for name in names} for one in found]}


def _save(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    """Nothing is noted as fetched before there is a file to write."""
    database = Database.of(settings)
    shop = shops.at(database, chosen.shop)
    with private_file(chosen.file) as file:
        size = file.write(exports.fetch(database, open_objects(settings), shop.id, chosen.id, by="command line"))
    return {"file": str(chosen.file), "bytes": size}


def _receipts(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database.of(settings).reading() as db:
        found = receipts.of(db, chosen.shop)
        if not found:
            shops.named(db, chosen.shop)
    return {
        "receipts": [
            {"id": one.id, "topic": one.topic, "done_at": one.done_at, "told": one.told if chosen.json else _line(one)}
            for one in found
        ]
    }


def _line(receipt: Receipt) -> str:
    return ", ".join(f"{name} {value}" for name, value in receipt.told.items())
