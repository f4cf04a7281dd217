"""Deleting much, a little at a time: SQLite has one writer, and webhooks wait for it only so long."""

import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from shopify_app.db import Database

FEW = 2_000
"""How many rows are deleted in one transaction."""


def delete(database: Database, some: Callable[[Session], int], few: int, most: int) -> int:
    """Delete by `some`, `few` rows at a time, until there are no more or about `most` are gone; how many.

    Between two pieces the database is free for as long as one took, because who waits for it looks only now and then.
    """
    total = 0
    while total < most:
        began = time.monotonic()
        with database.transaction() as db:
            gone = some(db)
        total += gone
        if gone < few:
            break
        time.sleep(time.monotonic() - began)
    return total
