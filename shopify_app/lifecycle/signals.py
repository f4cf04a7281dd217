"""External signals of a shop: a table by date that its snapshots hold, so that every version says what it knew."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from ml import signals
from ml.errors import MlError
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import ForetallyError
from shopify_app.records import parts, shops
from shopify_app.records.objects import open_objects


def give(settings: Settings, domain: str, file: Path | None) -> dict[str, Any]:
    """Let this table take the place of the one before; None takes it away. The next fit decides what of it is used.

    Raises NotFound without such a shop, ForetallyError naming the line and column of what is wrong with the file.
    """
    database = Database.of(settings)
    with database.reading() as db:
        shop = shops.named(db, domain)
    if file is None:
        with database.transaction() as db:
            parts.give(db, shop.id, parts.SIGNALS, None, 0)
        return {"shop": domain, "signals": []}
    try:
        table = signals.read(file)
    except (MlError, OSError) as wrong:
        raise ForetallyError(str(wrong)) from wrong
    days = table.values.shape[1]
    with tempfile.TemporaryDirectory() as scratch:
        signals.write(table, Path(scratch) / "signals.parquet")
        sha256 = open_objects(settings).put(Path(scratch) / "signals.parquet")
    with database.transaction() as db:
        parts.give(db, shop.id, parts.SIGNALS, sha256, days)
    last_on = table.first_on + timedelta(days=days - 1)
    return {
        "shop": domain,
        "signals": list(table.names),
        "first_on": table.first_on.isoformat(),
        "last_on": last_on.isoformat(),
        "sha256": sha256,
    }
