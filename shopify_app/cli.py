"""python -m shopify_app …: start the app, look at it, and the changes a person makes by hand."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from shopify_app import config, migrate, policy, status, up
from shopify_app.db import Database
from shopify_app.errors import ForetallyError, NotFound, SettingError
from shopify_app.lifecycle import imports, registry
from shopify_app.nudge import nudge
from shopify_app.records import jobs, shops
from shopify_app.tables import Shop, Task

BY_HAND = "command line"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Errors are one line on stderr: 2 for a wrong setting or argument, 1 for the rest."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = config.load()
        told = chosen.run(settings, chosen)
    except SettingError as error:
        print(f"foretally: {error}", file=sys.stderr)
        return 2
    except ForetallyError as error:
        print(f"foretally: {error}", file=sys.stderr)
        return 1
    if told is not None:
        print(json.dumps(told, indent=2, default=str) if chosen.json else status.text(told))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shopify_app", description=__doc__)
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = _command(commands, "up", _up, "start the web server, the workers and the heartbeat; Ctrl-C ends them all")
    start.add_argument("--host", default="127.0.0.1")
    start.add_argument("--port", type=int, default=8800)
    _command(commands, "migrate", _migrate, "bring the database to this release")
    _command(commands, "status", _status, "every shop: orders, versions, jobs, alerts").add_argument("--shop")
    _on_shop(commands, "retrain", _retrain, "fit new versions now")
    change = _on_shop(commands, "set", _set, "change a shop's settings: name=value …")
    change.add_argument("settings", nargs="+", metavar="name=value")
    promote = _on_slot(commands, "promote", _promote, "put a version in charge by hand")
    promote.add_argument("number", type=int, help="version number")
    _on_slot(commands, "roll-back", _roll_back, "put the previous version back in charge")
    _on_slot(commands, "freeze", _freeze, "let nothing automatic change who is in charge")
    _on_slot(commands, "unfreeze", _unfreeze, "allow automatic changes again")
    for name, run, what in (
        (
            "import-forecast",
            _import_forecast,
            "a forecast made elsewhere: Parquet with series, ds, mean[, p10, p50, p90]",
        ),
        ("import-lists", _import_lists, "lists made elsewhere: Parquet with product_id, neighbour_id, score"),
    ):
        _on_shop(commands, name, run, f"register {what}").add_argument("file", type=Path)
    return parser


def _command(commands: Any, name: str, run: Callable[..., Any], what: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what)
    command.set_defaults(run=run)
    return command


def _on_shop(commands: Any, name: str, run: Callable[..., Any], what: str) -> argparse.ArgumentParser:
    command = _command(commands, name, run, what)
    command.add_argument("--shop", required=True, help="example.myshopify.com")
    return command


def _on_slot(commands: Any, name: str, run: Callable[..., Any], what: str) -> argparse.ArgumentParser:
    command = _on_shop(commands, name, run, what)
    command.add_argument("task", choices=[task.value for task in Task])
    command.add_argument("--reason", default="by hand", help="why, for the history")
    return command


def _up(settings: config.Settings, chosen: argparse.Namespace) -> None:
    up.run(settings, chosen.host, chosen.port)


def _migrate(settings: config.Settings, _: argparse.Namespace) -> dict[str, Any]:
    return {"revision": migrate.to_head(settings.database_url)}


def _status(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database(settings.database_url).reading() as db:
        return status.of_all(db, chosen.shop)


def _retrain(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    with Database(settings.database_url).transaction() as db:
        job_id = jobs.ask(db, _shop(db, chosen.shop).id, "retrain", "asked for by hand")
    nudge("train")
    return {"job": job_id}


def _set(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    changes = {name: policy.parse(name, value) for name, _, value in (s.partition("=") for s in chosen.settings)}
    with Database(settings.database_url).transaction() as db:
        shop = _shop(db, chosen.shop)
        shop.settings = {**shop.settings, **changes}
        return dict(shop.settings)


def _promote(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    return _change(
        settings, chosen, lambda db, shop, **why: registry.promote(db, shop, chosen.task, chosen.number, **why)
    )


def _roll_back(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    return _change(settings, chosen, lambda db, shop, **why: registry.roll_back(db, shop, chosen.task, **why))


def _freeze(settings: config.Settings, chosen: argparse.Namespace) -> None:
    _change(settings, chosen, lambda db, shop, **why: registry.freeze(db, shop, chosen.task, **why))


def _unfreeze(settings: config.Settings, chosen: argparse.Namespace) -> None:
    _change(settings, chosen, lambda db, shop, **why: registry.unfreeze(db, shop, chosen.task, **why))


def _import_forecast(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    return imports.forecast(settings, chosen.shop, chosen.file)


def _import_lists(settings: config.Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    return imports.lists(settings, chosen.shop, chosen.file)


def _change(settings: config.Settings, chosen: argparse.Namespace, act: Callable[..., Any]) -> dict[str, Any]:
    with Database(settings.database_url).transaction() as db:
        told: dict[str, Any] | None = act(db, _shop(db, chosen.shop), actor=BY_HAND, reason=chosen.reason)
    nudge("work")
    return told or {}


def _shop(db: Any, domain: str) -> Shop:
    found = shops.by_domain(db, domain)
    if found is None:
        raise NotFound(f"no shop {domain} has installed the app")
    return found
