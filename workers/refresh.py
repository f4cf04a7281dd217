"""Lists between fits: the version in charge answers by the newest orders, and its counts are checked every night."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ml.bundles import Trained
from ml.dataset import read_dataset
from ml.recommend import lists as writing
from ml.recommend.carryover import Carryover
from ml.recommend.neighbours import NOBODY, NeighbourTable
from shopify_app import metrics
from shopify_app.lifecycle import counted, registry
from shopify_app.lifecycle.counted import Baseline
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.records import jobs
from shopify_app.tables import Shop, Task, Version
from workers.context import Context
from workers.dataset import frozen

LEAST = 0.9
"""Of the products that had a list: a refresh that leaves fewer is thrown away."""
COUNTS_DIFFERED = "counts differed from the orders"
"""The cause of what has to be made anew then."""
WORTH_IT = 0.01
"""Of all orders: fewer new ones would shuffle the ends of lists, and have thousands of products written for that."""


@dataclass(frozen=True)
class _Start:
    """What a refresh begins with."""

    version: Version
    baseline: Baseline
    chosen: Mapping[str, str]
    listed: int
    """Orders since the fit that the version's lists have taken in already."""


def lists(context: Context, shop: Shop) -> dict[str, Any]:
    """Make the champion's lists again by all orders so far and have them published. Nothing new: nothing done."""
    start = _start(context, shop)
    if start is None:
        return {}
    carried = Carryover.open(context.bundles.folder(start.baseline.bundle))
    if not carried.serves(start.chosen.values()):
        return {}
    with context.database.reading() as db:
        counts = counted.take_in(db, shop.id, carried.counts, start.baseline, registry.today(shop))
    orders = len(counts.changed)
    if len(counts.touched()) == 0 or 0 <= orders - start.listed < WORTH_IT * len(counts.built_from):
        return {}
    table = carried.refreshed(counts, start.chosen)
    if not _enough(context, start.version, table):
        return {}
    bundle = _write(context, shop, start.version, table)
    with context.database.transaction() as db:
        counted.answer_with(db, start.version, bundle, orders)
        jobs.ask(db, shop.id, "publish", f"lists by the newest {orders} orders")
    nudge("work")
    log.info("lists refreshed", shop=shop.domain, version=start.version.number, orders=orders)
    return {"refreshed": {"version": start.version.number, "orders": orders}}


def check(context: Context, shop: Shop, day: date) -> str | None:
    """Whether the counts, with all that changed since the fit, are those of all orders up to that day, bit for bit.

    When they do not, they and every list made of them are dropped, the shop is trained again, and whoever runs the app
    hears of it. None when there are none; `busy` when an order of those days changed meanwhile.
    """
    with context.database.reading() as db:
        baseline, before = counted.baseline(db, shop.id), counted.states(db, shop.id)
    if baseline is None or baseline.cutoff_on > day:
        return None
    carried = Carryover.open(context.bundles.folder(baseline.bundle))
    with frozen(context, shop, day) as (_, folder):
        dataset = read_dataset(folder)
        orders = dataset.baskets()
    with context.database.reading() as db:
        counts = counted.take_in(db, shop.id, carried.counts, baseline, day)
        busy = _until(counted.states(db, shop.id), day) != _until(before, day)
    outcome = "equal" if counts.agree_with(orders, dataset.looked_at) else "busy" if busy else "different"
    metrics.counts_checked.labels(outcome).inc()
    if outcome == "different":
        _drop(context, shop, baseline)
    return outcome


def _start(context: Context, shop: Shop) -> _Start | None:
    with context.database.reading() as db:
        version, baseline = registry.champion(db, shop.id, Task.RECOMMEND), counted.baseline(db, shop.id)
        listed = counted.listed(db, version) if version else 0
    if version is None or baseline is None or "places" not in version.metrics:
        return None
    return _Start(version, baseline, {place: told["list"] for place, told in version.metrics["places"].items()}, listed)


def _enough(context: Context, version: Version, table: NeighbourTable) -> bool:
    """Whether about as many products have a list as after the fit."""
    fitted = NeighbourTable.open(context.bundles.folder(version.bundle))
    had, has = (int((one.index[:, 0] != NOBODY).sum()) for one in (fitted, table))
    if has < LEAST * had:
        log.error("refreshed lists thrown away", version=version.number, products_before=had, products_now=has)
    return has >= LEAST * had


def _write(context: Context, shop: Shop, version: Version, table: NeighbourTable) -> str:
    folder = context.scratch(f"lists-{shop.id}")
    why = f"the lists of version {version.number} by newer orders"
    writing.write(Trained(folder, "recommend", version.algorithm, {}, version.seed, None, {}, why), table)
    return context.bundles.keep(folder)


def _until(states: counted.States, day: date) -> dict[str, int]:
    """The states of the days up to that one; the month around it changes with every order of today."""
    month = f"lines/{day:%Y-%m}"
    return {name: state for name, state in states.items() if name < month or month < name <= f"lines/{day}"}


def _drop(context: Context, shop: Shop, baseline: Baseline) -> None:
    log.error("counts differ from the orders", shop=shop.domain, bundle=baseline.bundle, fitted_on=baseline.cutoff_on)
    with context.database.transaction() as db:
        counted.forget(db, shop.id)
        jobs.ask(db, shop.id, "retrain", COUNTS_DIFFERED)
        jobs.ask(db, shop.id, "publish", COUNTS_DIFFERED)
