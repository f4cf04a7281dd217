"""How a command of `python -m shopify_app` is declared: its help, `--json`, and the shop that it is about."""

import argparse
from collections.abc import Callable
from typing import Any

from shopify_app.errors import ForetallyError


class BadArgument(ForetallyError):
    """An argument is well-formed, but not with the others; the text is one line for the person who typed it."""


def command(commands: Any, name: str, run: Callable[..., Any], what: str) -> argparse.ArgumentParser:
    """A command that answers with `run(settings, arguments)`; `--json` may stand behind it as well as before it."""
    made: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what)
    made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer in JSON")
    made.set_defaults(run=run)
    return made


def on_shop(commands: Any, name: str, run: Callable[..., Any], what: str) -> argparse.ArgumentParser:
    """One that has to be told which shop."""
    made = command(commands, name, run, what)
    made.add_argument("--shop", required=True, metavar="SHOP", help="example.myshopify.com")
    return made


def group(commands: Any, name: str, what: str) -> Any:
    """A word that commands follow."""
    made: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what)
    return made.add_subparsers(required=True, metavar="WHAT")
