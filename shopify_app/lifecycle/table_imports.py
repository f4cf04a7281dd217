"""Import a shop's table of signals or promotions. Its snapshots hold the table, so every version says what it knew."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from ml import promotions, signals
from ml.errors import MlError
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import ForetallyError
from shopify_app.records import parts, shops
from shopify_app.records.objects import open_objects

KINDS = (parts.SIGNALS, parts.PROMOTIONS)


def replace(settings: Settings, domain: str, kind: str, file: Path | None) -> dict[str, Any]:
    """Replace the shop's table with this file; None removes it. The next fit decides what of it is used.

    kind: `signals` or `promotions`. Raises NotFound without such a shop, ForetallyError naming the line and column of
    what is wrong with the file.
    """
    database = Database.of(settings)
    with database.reading() as db:
        shop = shops.named(db, domain)
    told: dict[str, Any] = {"shop": domain, kind: []}
    sha256, rows = None, 0
    if file is not None:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                found, rows = _write(kind, file, Path(scratch) / "table.parquet")
            except (MlError, OSError) as wrong:
                raise ForetallyError(str(wrong)) from wrong
            sha256 = open_objects(settings).put(Path(scratch) / "table.parquet")
        told |= found | {"sha256": sha256}
    with database.transaction() as db:
        parts.give(db, shop.id, kind, sha256, rows)
    return told


def _write(kind: str, file: Path, out: Path) -> tuple[dict[str, Any], int]:
    """The table as Parquet; what to tell of it, and its rows."""
    if kind == parts.PROMOTIONS:
        plan = promotions.read(file)
        promotions.write(plan, out)
        told = [
            " ".join(str(word) for word in (*period, plan.codes.get(place)) if word is not None)
            for place, period in enumerate(plan.periods)
        ]
        return {kind: told}, len(plan.periods)
    table = signals.read(file)
    signals.write(table, out)
    days = table.values.shape[1]
    last_on = table.first_on + timedelta(days=days - 1)
    return {kind: list(table.names), "first_on": table.first_on.isoformat(), "last_on": last_on.isoformat()}, days
