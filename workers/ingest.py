"""Empty the inbox, then ring for the work that its events have asked for."""

from functools import cache

from shopify_app.nudge import nudge
from shopify_app.records.draining import Drain
from workers.context import Context, context

BATCH = 100
"""Deliveries per transaction: short enough that a webhook never waits long for SQLite's write lock."""


def drain(_: Context) -> int:
    """Apply everything pending, shop by shop, oldest first. Returns how many deliveries that took."""
    taken = _drain().all(BATCH)
    if taken:
        nudge("work")
        nudge("train")
    return taken


@cache
def _drain() -> Drain:
    return Drain(context().database, context().settings)
