"""A fresh version meets its gates: first in charge, into the shadow, out of the shadow, or out of the race."""

from sqlalchemy.orm import Session

from shopify_app.lifecycle import gates, registry
from shopify_app.lifecycle.gates import Verdict
from shopify_app.lifecycle.slots import slot
from shopify_app.policy import Policy
from shopify_app.tables import Shop, Task, Version, VersionState


def enter(db: Session, shop: Shop, fresh: Version) -> Verdict:
    """Put a fresh version where its gates send it: in charge when nobody is, else into the shadow, or nowhere."""
    seen = slot(db, shop.id, fresh.task)
    champion = registry.by_id(db, shop.id, seen.champion_id)
    asked = gates.at_registration(db, champion, fresh)
    fresh.gates = [gate.told() for gate in asked]
    outcome = gates.verdict(asked)
    if outcome is not Verdict.PASS:
        fresh.state = VersionState.FAILED if outcome is Verdict.FAIL else VersionState.EXPIRED
    elif champion is None:
        registry.promote(db, shop, fresh.task, fresh.number, actor=registry.MACHINE, reason="the shop's first version")
    else:
        registry.start_shadow(db, shop, fresh, f"version {fresh.number} passed its gates")
    return outcome


def decide(db: Session, shop: Shop, task: Task) -> Verdict | None:
    """Promote the shadow, end it, or let it wait. None when nothing shadows or nothing automatic is allowed."""
    seen = slot(db, shop.id, task)
    challenger = registry.by_id(db, shop.id, seen.shadow_id)
    if challenger is None or not registry.may_promote(seen, shop) or not Policy.of(shop.settings).promote_automatically:
        return None
    asked = gates.before_promotion(db, shop, seen, challenger)
    outcome = gates.verdict(asked)
    challenger.gates = _merged(challenger, asked)
    numbers = {gate.name: gate.numbers for gate in asked}
    if outcome is Verdict.PASS:
        why = "; ".join(gate.why for gate in asked)
        registry.promote(db, shop, task, challenger.number, actor=registry.MACHINE, reason=why, numbers=numbers)
    elif outcome is Verdict.FAIL:
        failed = next(gate for gate in asked if gate.verdict is Verdict.FAIL)
        registry.end_shadow(db, shop, task, f"{failed.name}: {failed.why}", numbers)
    return outcome


def _merged(version: Version, asked: list[gates.Gate]) -> list[object]:
    fresh = {gate.name: gate.told() for gate in asked}
    kept = [old for old in version.gates if old["name"] not in fresh]
    return [*kept, *fresh.values()]
