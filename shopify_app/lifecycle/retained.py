"""Decide, on the evening of a complete day, whether the lists in charge still hold what a fresh fit would."""

from datetime import date
from math import comb
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from ml import compare
from ml.recommend import replay
from ml.recommend.neighbours import NeighbourTable
from shopify_app.lifecycle import letting_go, outcomes, registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.findings import Findings, Worse
from shopify_app.lifecycle.slots import peek
from shopify_app.policy import Policy
from shopify_app.tables import Shop, Task, Version

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE = 0.05
EARLY = 0.005
"""The sign test's level each night: a small shop sees about ten such nights before it has a hundred orders."""


def evening(db: Session, bundles: Bundles, shop: Shop, closed_on: date) -> Findings | None:
    """Replay the champion's orders so far and hold it against a fresh fit. Reads only. None: nothing to replay."""
    seen = peek(db, shop.id, Task.RECOMMEND)
    if seen is None or seen.in_charge_since_on is None or seen.in_charge_since_on > closed_on:
        return None
    champion, previous = (registry.by_id(db, shop.id, key) for key in (seen.champion_id, seen.previous_id))
    if champion is None:
        return None
    baskets = outcomes.baskets(db, shop.id, seen.in_charge_since_on, closed_on)
    reference = letting_go.reference(db, shop.id, Task.RECOMMEND, seen.in_charge_since_on) or champion
    mine, fresh = (_hits(bundles, version, baskets) for version in (champion, reference))
    if len(mine) == 0:
        return None
    rows = [_row(champion, (closed_on - seen.in_charge_since_on).days + 1, mine, fresh)]
    worse = None
    if previous is not None and reference.id != champion.id:
        worse = _compared(shop, champion, previous, mine, fresh, _hits(bundles, previous, baskets))
    return Findings(Task.RECOMMEND, closed_on, champion.id, rows, worse)


def _compared(
    shop: Shop, champion: Version, previous: Version, mine: "np.ndarray", fresh: "np.ndarray", before: "np.ndarray"
) -> Worse | None:
    """Act when the quality kept is below target beyond doubt, and the lists before these did better."""
    target = Policy.of(shop.settings).target
    found = compare.retained_quality(mine, fresh, target, CONFIDENCE)
    lost = found.verdict is compare.Verdict.FAIL or _lost_early(mine, fresh)
    if not lost or found.ratio is None or found.ratio >= target or before.mean() <= mine.mean():
        return None
    numbers = {
        "accuracy": found.ratio,
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
    return Worse(message, numbers)


def _lost_early(mine: "np.ndarray", fresh: "np.ndarray") -> bool:
    """Before there are orders enough for the confidence sequence: an exact sign test on orders only one of them hit."""
    won, lost = int((mine & ~fresh).sum()), int((fresh & ~mine).sum())
    chance = sum(comb(won + lost, k) for k in range(won + 1)) / 2 ** (won + lost)
    return len(mine) < compare.FIRST_LOOK and chance < EARLY


def _hits(bundles: Bundles, version: Version, baskets: dict[int, list[int]]) -> "np.ndarray":
    return replay.hits(NeighbourTable.open(bundles.folder(version.bundle)), baskets.items())


def _row(champion: Version, days: int, mine: "np.ndarray", fresh: "np.ndarray") -> dict[str, Any]:
    return {
        "version_id": champion.id,
        "role": "champion",
        "level": "retained",
        "window_days": days,
        "orders": len(mine),
        "actual_units": float(len(mine)),
        "forecast_units": float(mine.sum()),
        "accuracy": float(mine.mean() / fresh.mean()) if fresh.any() else None,
        "baseline_accuracy": None,
        "bias": None,
        "coverage": None,
        "numbers": {"hits": int(mine.sum()), "fresh_hits": int(fresh.sum())},
    }
