"""python -m shopify_app mailing: the file for a merchant's mailing tool, made and saved."""

import argparse
from pathlib import Path
from typing import Any

from shopify_app.commands import on_shop, private_file
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.nudge import nudge
from shopify_app.reading_cli import followed, installed
from shopify_app.records import jobs, mailings, shops
from shopify_app.records.objects import open_objects


def add_commands(commands: Any) -> None:
    """The command of this file, added to those of the app."""
    save = on_shop(
        commands, "mailing", _mailing, "each customer who accepts marketing, with the products of their list"
    )
    save.add_argument("file", type=Path, metavar="FILE", help="CSV, readable by you alone")


def _mailing(settings: Settings, chosen: argparse.Namespace) -> dict[str, Any]:
    """Ask for the file, wait until a worker has made it, and write it. Interrupted, the job goes on without us."""
    database = Database.of(settings)
    with private_file(chosen.file) as file:
        with database.transaction() as db:
            shop = installed(shops.by_domain(db, chosen.shop), chosen.shop)
            mailings.ask(db, shop.id)
            job_id = jobs.ask(db, shop.id, "mailing", "asked for by hand", payload={"state": {}})
        nudge("train")
        told = followed(database, job_id)
        size = file.write(mailings.fetch(database, open_objects(settings), shop.id, by="command line"))
    return {"file": str(chosen.file), "bytes": size, "customers": told["customers"]}
