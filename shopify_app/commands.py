"""How a command of `python -m shopify_app` is declared: its help, `--json`, and the shop that it is about."""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from shopify_app.errors import ForetallyError
from shopify_app.tables.base import LARGEST_ID


class BadArgument(ForetallyError):
    """An argument is well-formed, but not with the others; the text is one line for the person who typed it."""


@contextmanager
def private_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file that its owner alone may read; nothing is left of one that could not be written."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadArgument(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
    except BaseException:
        path.unlink()
        raise


def number(text: str) -> int:
    """A number that a row can have: an argument's type."""
    if not (text.isdecimal() and 0 < int(text) <= LARGEST_ID):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {LARGEST_ID}")
    return int(text)


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
