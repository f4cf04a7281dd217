"""Decide, on the evening of a complete day, whether the lists in charge still hold what a fresh fit would."""

from datetime import date
from math import comb
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ml import compare
from ml.recommend import replay
from ml.recommend.neighbours import NeighbourTable
from shopify_app import clock
from shopify_app.db import insert
from shopify_app.lifecycle import alerts, outcomes, registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.slots import slot
from shopify_app.policy import Policy
from shopify_app.tables import Alert, Evaluation, Shop, Task, Version, VersionState

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE = 0.05
EARLY = 0.005
"""The sign test's level each night: a small shop sees about ten such nights before it has a hundred orders."""
IMPORTED = "table"
"""Algorithm of versions made elsewhere: they are judged, they are no yardstick."""


def evening(db: Session, bundles: Bundles, shop: Shop, closed_on: date) -> Alert | None:
    """Replay the champion's orders so far and judge it against a fresh fit. Gives the alert that was raised, if any."""
    seen = slot(db, shop.id, Task.RECOMMEND)
    champion, previous = (registry.by_id(db, shop.id, key) for key in (seen.champion_id, seen.previous_id))
    if champion is None or seen.in_charge_since_on is None or seen.in_charge_since_on > closed_on:
        return None
    baskets = outcomes.baskets(db, shop.id, seen.in_charge_since_on, closed_on)
    reference = _reference(db, shop, seen.in_charge_since_on) or champion
    mine, fresh = (_hits(bundles, version, baskets) for version in (champion, reference))
    if len(mine) == 0:
        return None
    _write(db, shop, champion, closed_on, seen.in_charge_since_on, mine, fresh)
    if previous is None or reference.id == champion.id:
        return None
    return _judge(db, shop, champion, previous, mine, fresh, _hits(bundles, previous, baskets))


def _judge(
    db: Session,
    shop: Shop,
    champion: Version,
    previous: Version,
    mine: "np.ndarray",
    fresh: "np.ndarray",
    before: "np.ndarray",
) -> Alert | None:
    """Act when the quality kept is below target beyond doubt, and the lists before these did better."""
    target = Policy.of(shop.settings).target
    found = compare.retained_quality(mine, fresh, target, CONFIDENCE)
    lost = found.verdict is compare.Verdict.FAIL or _lost_early(mine, fresh)
    if not lost or found.ratio is None or found.ratio >= target or before.mean() <= mine.mean():
        return None
    kept = found.ratio
    numbers = {
        "accuracy": kept,
        "target": target,
        "orders": len(mine),
        "hits": int(mine.sum()),
        "fresh_hits": int(fresh.sum()),
        "previous_hits": int(before.sum()),
        "bound": found.high,
    }
    message = (
        f"Recommendation version {champion.number} found the missing product in {int(mine.sum())} of {len(mine)} "
        f"orders; a fresh fit finds {int(fresh.sum())}, version {previous.number} found {int(before.sum())}."
    )
    return alerts.raise_alert(db, shop, champion, "act", message, numbers)


def _lost_early(mine: "np.ndarray", fresh: "np.ndarray") -> bool:
    """Before there are orders enough for the confidence sequence: an exact sign test on orders only one of them hit."""
    won, lost = int((mine & ~fresh).sum()), int((fresh & ~mine).sum())
    chance = sum(comb(won + lost, k) for k in range(won + 1)) / 2 ** (won + lost)
    return len(mine) < compare.FIRST_LOOK and chance < EARLY


def _reference(db: Session, shop: Shop, first_on: date) -> Version | None:
    """The newest fit of our own that knew nothing of the replayed days."""
    return db.scalar(
        select(Version)
        .where(
            Version.shop_id == shop.id,
            Version.task == Task.RECOMMEND,
            Version.algorithm != IMPORTED,
            Version.state != VersionState.FAILED,
            Version.cutoff_on < first_on,
        )
        .order_by(Version.cutoff_on.desc(), Version.number.desc())
        .limit(1)
    )


def _hits(bundles: Bundles, version: Version, baskets: dict[int, list[int]]) -> "np.ndarray":
    return replay.hits(NeighbourTable.open(bundles.folder(version.bundle)), baskets.items())


def _write(db: Session, shop: Shop, champion: Version, closed_on: date, first_on: date, mine: Any, fresh: Any) -> None:
    values = {
        "role": "champion",
        "window_days": (closed_on - first_on).days + 1,
        "orders": len(mine),
        "actual_units": float(len(mine)),
        "forecast_units": float(mine.sum()),
        "accuracy": float(mine.mean() / fresh.mean()) if fresh.any() else None,
        "baseline_accuracy": None,
        "bias": None,
        "coverage": None,
        "numbers": {"hits": int(mine.sum()), "fresh_hits": int(fresh.sum())},
        "created_at": clock.now(),
    }
    row = insert(db, Evaluation).values(
        shop_id=shop.id,
        task=Task.RECOMMEND,
        version_id=champion.id,
        level="retained",
        evaluated_on=closed_on,
        **values,
    )
    keys = ["shop_id", "version_id", "level", "evaluated_on"]
    db.execute(row.on_conflict_do_update(index_elements=keys, set_=values))
