"""Empty the inbox, then ring for the work that its events have asked for; seal what has waited enough."""

import time
from functools import partial

from shopify_app.errors import ForetallyError
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.records import archive, exports
from shopify_app.records.backoff import Backoff
from shopify_app.records.draining import Drain
from workers.context import Context

TIDY_SECONDS = 10.0
"""Between two looks at what may be sealed: a storm of webhooks rings twenty times a second."""
_tidied: dict[str, float] = {}
_shops, _exports = Backoff[str](), Backoff[int]()
BATCH = 100
"""Deliveries per transaction: short enough that a webhook never waits long for SQLite's write lock."""


def drain(held: Context) -> int:
    """Apply everything pending, shop by shop, oldest first. Returns how many deliveries that took."""
    taken = Drain(held.database, held.settings, held.objects).all(BATCH)
    if taken:
        nudge("work")
        nudge("train")
    if time.monotonic() >= _tidied.get("again_at", 0.0):
        _tidy(held)
        _tidied["again_at"] = time.monotonic() + TIDY_SECONDS
    return taken


def _tidy(held: Context) -> None:
    """What can wait: a store that cannot be reached keeps no delivery from becoming rows."""
    parts = (partial(archive.tend, backoff=_shops), partial(exports.make_all, backoff=_exports))
    for part in parts:
        try:
            part(held.database, held.objects, held.seal)
        except ForetallyError as error:
            log.warning("the archive has to wait", part=part.func.__name__, error=str(error)[:200])
        except Exception:
            log.exception("the archive has to wait", part=part.func.__name__)
