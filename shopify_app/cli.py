"""python -m shopify_app …: start the app, look at it, and the changes a person makes by hand.

What pulls in numpy or pyarrow is imported by its own command only: `up` lives as long as the app and needs neither.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from shopify_app import (
    config,
    events_cli,
    jobs_cli,
    log,
    mailing_cli,
    migrate,
    policy,
    privacy_cli,
    reading_cli,
    rotation_cli,
    screen,
    status,
    storage_cli,
    up,
)
from shopify_app.commands import BadArgument, command, number, on_shop
from shopify_app.db import Database, in_one_line
from shopify_app.errors import ForetallyError, SettingError
from shopify_app.lifecycle import registry
from shopify_app.nudge import nudge
from shopify_app.records import jobs, shops
from shopify_app.tables import Task

if TYPE_CHECKING:
    from shopify_app.lifecycle.explain import Shown

BY_HAND = "command line"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command: its answer on stdout, all else on stderr. Returns 0, or 1 when it could not be done.

    Errors are one line; a wrong setting or argument returns 2. A check that failed tells what it found as any answer
    does, and returns 1.
    """
    chosen = _parser().parse_args(arguments)
    try:
        settings = config.load()
        log.configure(as_json=settings.environment == "production")
        told = chosen.run(settings, chosen)
        if told is not None:
            _print(json.dumps(told, indent=2, default=screen.plain) if chosen.json else screen.text(told))
    except (SettingError, policy.BadSetting, BadArgument) as error:
        return _refused(error, 2)
    except ForetallyError as error:
        return _refused(error, 1)
    except DBAPIError as error:
        return _refused(in_one_line(error), 1)
    except OSError as error:
        return _refused(_of_a_file(error), 1)
    except KeyboardInterrupt:
        return _refused("interrupted", 130)
    return 0 if told is None or told.get("ok", True) else 1


def _refused(why: object, code: int) -> int:
    print(f"foretally: {why}", file=sys.stderr)
    return code


def _of_a_file(error: OSError) -> str:
    """A folder that cannot be written, a disk that is full; libraries without an error number say it in words."""
    return f"{error.filename or 'a file'}: {error.strerror}" if error.strerror else str(error)


def _print(answer: str) -> None:
    """Whoever reads may have seen enough before the end (`| head`)."""
    try:
        print(answer, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m shopify_app",
        description="Start Foretally, look at it, and make changes by hand. The settings come from the environment.",
        epilog="COMMAND --help tells more. docs/operating.md says what to do when.",
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_servers(commands)
    command(commands, "migrate", _migrate, "bring the database to this release")
    _add_looks(commands)
    for name, what in (
        ("backfill", "read a shop's catalogue and order history again"),
        ("reconcile", "hold a shop's orders against Shopify's and put right what differs"),
    ):
        ask = on_shop(commands, name, _read, what)
        ask.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="from this day of the shop on")
        ask.add_argument("--no-wait", action="store_true", help="return at once; the job goes on")
        ask.set_defaults(kind=name)
    on_shop(commands, "retrain", _retrain, "fit new versions now")
    change = on_shop(commands, "set", _set, "change a shop's settings: name=value …")
    change.add_argument("settings", nargs="+", metavar="name=value")
    promote = _on_slot(commands, "promote", _promote, "put a version in charge by hand")
    promote.add_argument("number", type=number, help="version number")
    _on_slot(commands, "roll-back", _roll_back, "put the previous version back in charge")
    _on_slot(commands, "freeze", _freeze, "let nothing automatic change who is in charge")
    _on_slot(commands, "unfreeze", _unfreeze, "allow automatic changes again")
    for more in (storage_cli, events_cli, jobs_cli, privacy_cli, rotation_cli, mailing_cli):
        more.add_commands(commands)
    for name, run, what in (
        (
            "import-forecast",
            _import_forecast,
            "a forecast made elsewhere: Parquet with series, ds, mean[, p10, p50, p90]",
        ),
        ("import-lists", _import_lists, "lists made elsewhere: Parquet with product_id, neighbour_id, score"),
    ):
        on_shop(commands, name, run, f"register {what}").add_argument("file", type=Path)
    for kind, what, columns in (
        ("signals", "campaigns, weather …: a table that forecasts may use", "date and columns of numbers"),
        (
            "promotions",
            "past and planned promotions of products",
            "series (a product's number, * for all), first, last[, code]",
        ),
    ):
        given = on_shop(commands, f"import-{kind}", _import_table, what)
        given.add_argument("file", type=Path, nargs="?", help=f"CSV or Parquet: {columns}; without it: no more")
        given.set_defaults(kind=kind)
    return parser


def _add_servers(commands: Any) -> None:
    for name, run, what in (
        ("up", _up, "start the web server, the workers and the heartbeat; Ctrl-C ends them all"),
        ("serve", _serve, "start the web server alone, where something else starts the workers"),
    ):
        start = command(commands, name, run, what)
        start.add_argument("--host", default="127.0.0.1")
        start.add_argument("--port", type=int, default=8800)


def _add_looks(commands: Any) -> None:
    look = command(commands, "status", _status, "every shop, or one: orders, versions, what waits, alerts")
    look.add_argument("--shop", metavar="SHOP", help="example.myshopify.com")
    why = on_shop(commands, "explain", _explain, "why a product's recommendations are what they are")
    why.add_argument("product", type=number, help="product number")


def _on_slot(commands: Any, name: str, run: Callable[..., Any], what: str) -> argparse.ArgumentParser:
    made = on_shop(commands, name, run, what)
    made.add_argument("task", choices=[task.value for task in Task])
    made.add_argument("--reason", default="by hand", help="why, for the history")
    return made


def _up(settings: config.Settings, chosen: argparse.Namespace) -> None:
    up.run(settings, chosen.host, chosen.port)


def _serve(settings: config.Settings, chosen: argparse.Namespace) -> None:
    from shopify_app import behind_door
    from shopify_app.web import server

    up.check_port(chosen.host, chosen.port)
    server.run(behind_door(settings), chosen.host, chosen.port)


def _migrate(settings: config.Settings, _: argparse.Namespace) -> dict[str, Any]:
    return {"revision": migrate.to_head(settings.database_url)}


def _status(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database.of(settings).reading() as db:
        return status.of_all(db, chosen.shop)


def _read(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    return reading_cli.read(settings, chosen.shop, chosen.kind, chosen.since, wait=not chosen.no_wait)


def _explain(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    from shopify_app.lifecycle.bundles import Bundles
    from shopify_app.lifecycle.explain import explain

    with Database.of(settings).reading() as db:
        found = explain(db, Bundles(settings), shops.named(db, chosen.shop), chosen.product)
    return {
        "product": found.title,
        "version": found.version_number,
        "list": found.list_name,
        "shown": [_reasoned(one) for one in found.shown if one.is_shown],
        "spare": [_reasoned(one) for one in found.shown if not one.is_shown],
        "removed": [{"product": one.product_id, "title": one.title, "it": one.rule} for one in found.removed],
    }


def _reasoned(one: "Shown") -> dict[str, Any]:
    return {"product": one.product_id, "title": one.title, "why": "; ".join(one.why)}


def _retrain(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database.of(settings).transaction() as db:
        job_id = jobs.ask(db, shops.named(db, chosen.shop).id, "retrain", "asked for by hand")
    nudge("train")
    return {"shop": chosen.shop, "job": job_id, "state": "asked for"}


def _set(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    changes = dict(_setting(text) for text in chosen.settings)
    with Database.of(settings).transaction() as db:
        shop = shops.named(db, chosen.shop)
        shop.settings = {**shop.settings, **changes}
        return dict(shop.settings)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadArgument(f"{text!r} is no setting with a value: say {name}=VALUE")
    return name, policy.parse(name, value)


def _promote(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    return _change(
        settings, chosen, lambda db, shop, **why: registry.promote(db, shop, chosen.task, chosen.number, **why)
    )


def _roll_back(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    return _change(settings, chosen, lambda db, shop, **why: registry.roll_back(db, shop, chosen.task, **why))


def _freeze(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    _change(settings, chosen, lambda db, shop, **why: registry.freeze(db, shop, chosen.task, **why))
    return {"task": chosen.task, "state": "frozen", "reason": chosen.reason}


def _unfreeze(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    _change(settings, chosen, lambda db, shop, **why: registry.unfreeze(db, shop, chosen.task, **why))
    return {"task": chosen.task, "state": "active", "reason": chosen.reason}


def _import_forecast(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    from shopify_app.lifecycle import imports

    return imports.forecast(settings, chosen.shop, chosen.file)


def _import_lists(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    from shopify_app.lifecycle import imports

    return imports.lists(settings, chosen.shop, chosen.file)


def _import_table(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    from shopify_app.lifecycle import table_imports

    return table_imports.replace(settings, chosen.shop, chosen.kind, chosen.file)


def _change(settings: config.Settings, chosen: argparse.Namespace, act: Callable[..., Any]) -> dict[str, Any]:
    with Database.of(settings).transaction() as db:
        told: dict[str, Any] | None = act(db, shops.named(db, chosen.shop), actor=BY_HAND, reason=chosen.reason)
    nudge("work")
    return told or {}
