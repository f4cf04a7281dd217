"""A snapshot laid out as the folder that training and prediction read."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from shopify_app.lifecycle import registry
from shopify_app.records import snapshots
from shopify_app.tables import Shop, Snapshot
from workers.context import Context


@contextmanager
def frozen(context: Context, shop: Shop, cutoff_on: date) -> Iterator[tuple[Snapshot, Path]]:
    """The shop's snapshot up to a day and its dataset folder, which is gone afterwards."""
    snapshot = snapshots.freeze(context.database, context.objects, shop, cutoff_on, snapshots.code_version())
    folder = context.scratch(f"dataset-{shop.id}")
    try:
        yield snapshot, snapshots.materialise(context.objects, snapshot, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def closed_on(shop: Shop) -> date:
    """The shop's last complete business day."""
    return registry.today(shop) - timedelta(days=1)
