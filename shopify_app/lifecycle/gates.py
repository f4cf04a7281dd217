"""What a version must pass before it may shadow, and before it may be put in charge."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from math import hypot
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ml import compare
from shopify_app.lifecycle import registry
from shopify_app.policy import Policy
from shopify_app.tables import Evaluation, Exposure, Shop, Slot, Task, Version

SURE = 2.0
"""Standard errors that a difference between trials on other days has to exceed."""
MARGIN = 0.05
"""A refreshed version may be this much worse than the champion was when it was validated, not more."""
BIAS_LIMIT = 0.10
LIVE_LIMIT = 1.5
"""A shadow whose live error is this many times the champion's does not take over, however it was validated."""
UNTRIED = "one of them has no backtest, so days in the shadow decide"
JUDGED_AT = {Task.FORECAST: "product_28d", Task.RECOMMEND: "product_page"}
"""The level whose validated figure decides."""


class Verdict(StrEnum):
    """What a gate says. Inconclusive keeps the champion: no data is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Gate:
    """One question put to a version, the answer, and the numbers behind it."""

    name: str
    verdict: Verdict
    numbers: dict[str, Any]
    why: str

    def told(self) -> dict[str, Any]:
        """As stored with the version and shown on its page."""
        return asdict(self)


Judged = tuple[Verdict, dict[str, Any], str]
"""A gate's answer, the numbers behind it, and why."""


def at_registration(db: Session, champion: Version | None, challenger: Version) -> list[Gate]:
    """Sanity of a fresh version, and not worse than the champion was at its own validation."""
    gates = [_sane(challenger)]
    if champion is not None:
        gates.append(_not_inferior(champion, challenger))
        if challenger.task == Task.FORECAST:
            gates.append(_unbiased(champion, challenger))
    return gates


def before_promotion(db: Session, shop: Shop, seen: Slot, challenger: Version) -> list[Gate]:
    """Long enough in the shadow, without faults, and not clearly worse on the days both spoke of."""
    return [_shadowed(db, shop, seen, challenger), _live(db, shop, seen, challenger)]


def verdict(gates: list[Gate]) -> Verdict:
    """One fail is a fail; otherwise one open question keeps the champion."""
    verdicts = {gate.verdict for gate in gates}
    for worst in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if worst in verdicts:
            return worst
    return Verdict.PASS


def validated(version: Version) -> dict[str, Any]:
    """The figures of the version's own backtest at the level that decides; empty when it has none."""
    return version.metrics.get(JUDGED_AT[Task(version.task)]) or {}


def _sane(challenger: Version) -> Gate:
    """`ml` refuses to write a forecast that is not finite or far above what was ever sold: being here is the pass."""
    return Gate("sanity", Verdict.PASS, {}, "every value is finite and below three times what was ever sold")


def _not_inferior(champion: Version, challenger: Version) -> Gate:
    judged = _forecasts_judged if challenger.task == Task.FORECAST else _lists_judged
    return Gate("not inferior", *judged(champion, challenger))


def _forecasts_judged(champion: Version, challenger: Version) -> Judged:
    """Paired on the days both were tried on; without enough of them each is judged on its own.

    Where chance could still explain the pair's difference, its size decides whether days in the shadow may.
    """
    paired = compare.not_inferior(*compare.paired_days(champion.metrics, challenger.metrics), margin=MARGIN)
    if paired.ratio is None or paired.p is None:
        return _judged_apart(champion, challenger)
    numbers = {"ratio": paired.ratio, "p": paired.p, "days": paired.n, "margin": MARGIN}
    told = f"on the same {paired.n} days its error was {paired.ratio:.2f} times that of the version in charge"
    if paired.verdict is not compare.Verdict.INCONCLUSIVE:
        surely = f"surely {'less' if paired.verdict is compare.Verdict.PASS else 'more'} than 5 % above it"
        return Verdict(paired.verdict.value), numbers, f"{told}, {surely}"
    if paired.ratio > 1 + MARGIN:
        return Verdict.FAIL, numbers, f"{told}; that may be chance, but nothing speaks for it"
    return Verdict.PASS, numbers, f"{told}; what may be chance is left to days in the shadow"


def _judged_apart(champion: Version, challenger: Version) -> Judged:
    """Days differ in how easy they are: only an error that is surely larger, as a share of the naive guess's, fails.

    Else the luckiest trial of a shop's first months would keep all that come after it out.
    """
    old, new = (compare.relative_error(version.metrics) for version in (champion, challenger))
    numbers = {"champion": old, "challenger": new, "margin": MARGIN}
    if old is None or new is None:
        return Verdict.PASS, numbers, UNTRIED
    is_worse = new[0] - (1 + MARGIN) * old[0] > SURE * hypot(new[1], (1 + MARGIN) * old[1])
    what = "tried on other days than the version in charge, its error as a share of the naive guess's is"
    if is_worse:
        return Verdict.FAIL, numbers, f"{what} surely more than 5 % larger"
    return Verdict.PASS, numbers, f"{what} not surely more than 5 % larger"


def _lists_judged(champion: Version, challenger: Version) -> Judged:
    old, new = (_error_of_lists(version) for version in (champion, challenger))
    numbers = {"champion": old, "challenger": new, "margin": MARGIN}
    if old is None or new is None:
        return Verdict.PASS, numbers, UNTRIED
    if new > old * (1 + MARGIN):
        return Verdict.FAIL, numbers, "its validated error is more than 5 % above that of the version in charge"
    return Verdict.PASS, numbers, "its validated error is within 5 % of that of the version in charge"


def _error_of_lists(version: Version) -> float | None:
    """What two standard errors leave of it."""
    figures = validated(version)
    return 1 - figures["ndcg_10"] - SURE * figures["standard_error"] if figures else None


def _unbiased(champion: Version, challenger: Version) -> Gate:
    old, new = _shop_bias(champion) or 0.0, _shop_bias(challenger)
    numbers = {"champion": old, "challenger": new, "limit": BIAS_LIMIT}
    if new is None:
        return Gate("bias", Verdict.PASS, numbers, "no backtest, so days in the shadow decide")
    if abs(new) > max(BIAS_LIMIT, abs(old)):
        return Gate(
            "bias", Verdict.FAIL, numbers, "it orders too much or too little, and by more than the version in charge"
        )
    return Gate("bias", Verdict.PASS, numbers, "its bias is below 10 % or no larger than that of the version in charge")


def _shop_bias(version: Version) -> float | None:
    figures = version.metrics.get("store_28d") or version.metrics.get("store_week") or {}
    return figures.get("bias")


def _shadowed(db: Session, shop: Shop, seen: Slot, challenger: Version) -> Gate:
    policy = Policy.of(shop.settings)
    days = (registry.today(shop) - seen.shadow_since_on).days if seen.shadow_since_on else 0
    answers, faults = db.execute(
        select(func.count(), func.count(Exposure.shadow_error)).where(
            Exposure.shop_id == shop.id, Exposure.shadow_id == challenger.id
        )
    ).one()
    numbers = {"days": days, "needed_days": policy.shadow_days, "answers": answers, "faults": faults}
    if faults:
        return Gate("shadow", Verdict.FAIL, numbers, f"{faults} of its shadow answers failed")
    if days < policy.shadow_days:
        return Gate("shadow", Verdict.INCONCLUSIVE, numbers, f"day {days} of {policy.shadow_days} in the shadow")
    return Gate(
        "shadow", Verdict.PASS, numbers, f"in the shadow for {days} day{'s' * (days != 1)}, {answers} answers, no fault"
    )


def _live(db: Session, shop: Shop, seen: Slot, challenger: Version) -> Gate:
    if challenger.task != Task.FORECAST:
        return Gate("live", Verdict.PASS, {}, "lists are judged by replay at validation")
    old, new = (_latest(db, shop, version_id) for version_id in (seen.champion_id, challenger.id))
    numbers = {"champion": old, "challenger": new, "limit": LIVE_LIMIT}
    if old is None or new is None:
        return Gate("live", Verdict.PASS, numbers, "too few common days; its validation and the sanity limits decide")
    if (1 - new) > (1 - old) * LIVE_LIMIT:
        return Gate("live", Verdict.FAIL, numbers, "its live error is far above that of the version in charge")
    return Gate("live", Verdict.PASS, numbers, "its live error is no cause for doubt")


def _latest(db: Session, shop: Shop, version_id: int | None) -> float | None:
    return db.scalar(
        select(Evaluation.accuracy)
        .where(
            Evaluation.shop_id == shop.id,
            Evaluation.version_id == version_id,
            Evaluation.level == "product_recent",
        )
        .order_by(Evaluation.evaluated_on.desc())
        .limit(1)
    )
