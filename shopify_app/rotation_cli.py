"""python -m shopify_app secrets and rotate-keys: replace what Shopify signs with, and what everything is sealed by."""

import argparse
from collections.abc import Mapping
from typing import Any

from shopify_app import clock, rotation
from shopify_app.commands import command
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.records import resealing
from shopify_app.records.seal import Seal


def add_commands(commands: Any) -> None:
    """The commands of this file, added to those of the app."""
    command(commands, "secrets", _secrets, "which client secret Shopify still signs with, and what may be done next")
    rotate = command(commands, "rotate-keys", _rotate, "seal everything under the first of ENCRYPTION_KEYS")
    rotate.add_argument("--check", action="store_true", help="only count what is not; returns 1 when there is any")


def _secrets(settings: Settings, _: argparse.Namespace) -> dict[str, Any]:
    with Database.of(settings).reading() as db:
        return rotation.report(db, settings, clock.now())


def _rotate(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    database, seal = Database.of(settings), Seal(settings.encryption_keys)
    told: dict[str, Any] = {} if chosen.check else {"sealed_anew": resealing.reseal(database, seal)}
    with database.reading() as db:
        left = resealing.left(db, seal)
    is_done = not any(left.values())
    return told | {"left": dict(left), "ok": is_done, "next": _next(told.get("sealed_anew", {}), is_done=is_done)}


def _next(sealed: Mapping[str, int], *, is_done: bool) -> str:
    if is_done:
        return "older keys may be removed from ENCRYPTION_KEYS"
    if sealed.get("unreadable"):
        return "a key is missing: put the one before back into ENCRYPTION_KEYS, behind the new one, and run this again"
    return "keep the older keys, and run this again" if sealed else "keep the older keys, and run rotate-keys"
