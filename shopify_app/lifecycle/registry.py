"""Versions and the ways they change hands: register, shadow, promote, roll back."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.errors import Conflict, NotFound
from shopify_app.lifecycle import alerts, forecasts, letting_go
from shopify_app.lifecycle.slots import change, peek, slot
from shopify_app.policy import Policy
from shopify_app.records import jobs
from shopify_app.tables import Shop, Slot, SlotState, Task, Transition, Version, VersionState

MACHINE = "foretally"
"""The actor of every change that no person asked for."""

LARGEST_NUMBER = 2**31 - 1
"""What the column of a version's number holds; PostgreSQL refuses to look for a larger one."""
ENDED = (VersionState.FAILED, VersionState.ROLLED_BACK, VersionState.EXPIRED)


@dataclass(frozen=True)
class Trained:
    """What a training run hands over to become a version."""

    task: str
    algorithm: str
    config: dict[str, Any]
    seed: int
    cause: str
    snapshot_id: str
    code_version: str
    bundle: str
    metrics: dict[str, Any]
    cutoff_on: date
    orders_at_fit: int
    cpu_seconds: float


def register(db: Session, shop: Shop, trained: Trained) -> Version:
    """A new version, numbered after the last one of this shop and task. It answers nobody yet."""
    last = select(func.max(Version.number)).where(Version.shop_id == shop.id, Version.task == trained.task)
    version = Version(
        shop_id=shop.id,
        number=(db.scalar(last) or 0) + 1,
        state=VersionState.TRAINED,
        gates=[],
        created_at=clock.now(),
        created_on=today(shop),
        **trained.__dict__,
    )
    db.add(version)
    db.flush()
    return version


def version(db: Session, shop: Shop, task: str, number: int) -> Version:
    """The shop's version of that number. Raises NotFound."""
    mine = Version.shop_id == shop.id, Version.task == task, Version.number == number
    found = db.scalar(select(Version).where(*mine)) if number <= LARGEST_NUMBER else None
    if found is None:
        raise NotFound(f"the shop has no {task} version {number}")
    return found


def by_id(db: Session, shop_id: int, version_id: int | None) -> Version | None:
    """The shop's version with that id, if it has one."""
    found = db.get(Version, version_id) if version_id else None
    return found if found is not None and found.shop_id == shop_id else None


def champion(db: Session, shop_id: int, task: str) -> Version | None:
    """The version in charge, if there is one; for readers, who must not make a slot."""
    seen = peek(db, shop_id, task)
    return by_id(db, shop_id, seen.champion_id if seen else None)


def today(shop: Shop) -> date:
    """The shop's open business day."""
    return shop.business_on or clock.day_in(clock.now(), shop.time_zone)


def start_shadow(db: Session, shop: Shop, challenger: Version, reason: str) -> None:
    """Let a version answer in the shadow of the champion. One that shadowed before it has expired."""
    seen = slot(db, shop.id, challenger.task)
    waiting = by_id(db, shop.id, seen.shadow_id)
    change(
        db,
        seen,
        kind="shadow",
        actor=MACHINE,
        reason=reason,
        changed_on=today(shop),
        version_id=challenger.id,
        shadow_id=challenger.id,
        shadow_since_on=today(shop),
    )
    if waiting is not None:
        waiting.state = VersionState.EXPIRED
    challenger.state = VersionState.SHADOW


def end_shadow(db: Session, shop: Shop, task: str, reason: str, numbers: dict[str, Any]) -> None:
    """The shadow failed a gate: it ends, the champion stays."""
    seen = slot(db, shop.id, task)
    loser = by_id(db, shop.id, seen.shadow_id)
    if loser is None:
        return
    change(
        db,
        seen,
        kind="shadow_ended",
        actor=MACHINE,
        reason=reason,
        numbers=numbers,
        changed_on=today(shop),
        version_id=loser.id,
        shadow_id=None,
        shadow_since_on=None,
    )
    loser.state = VersionState.FAILED


def promote(
    db: Session, shop: Shop, task: str, number: int, *, actor: str, reason: str, numbers: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Put a version in charge; the one before it stays at hand for a rollback. Promoting the champion changes nothing.

    By hand, the slot then cools down: nothing automatic promotes over a person's choice for `cooling_days`.
    Raises NotFound, or Conflict when the version had ended, its files were let go or somebody else was first.
    """
    policy, winner, seen = Policy.of(shop.settings), version(db, shop, task, number), slot(db, shop.id, task)
    if seen.champion_id == winner.id:
        return _told(seen, False, winner, winner, "it is in charge already")
    if winner.state in ENDED and actor == MACHINE:
        raise Conflict(f"{task} version {number} is {winner.state} and cannot be promoted")
    if winner.let_go_at is not None:
        raise Conflict(f"{letting_go.words(winner)}: `snapshot reproduce` makes them again")
    loser = by_id(db, shop.id, seen.champion_id)
    by_hand = actor != MACHINE
    shadow_won = seen.shadow_id == winner.id
    change(
        db,
        seen,
        kind="promotion",
        actor=actor,
        reason=reason,
        numbers=numbers,
        changed_on=today(shop),
        version_id=winner.id,
        champion_id=winner.id,
        previous_id=seen.champion_id,
        in_charge_since_on=today(shop),
        **({"shadow_id": None, "shadow_since_on": None} if shadow_won else {}),
        **(_cooling(seen, shop, policy) if by_hand else {}),
    )
    if loser is not None:
        loser.state = VersionState.RETIRED
        alerts.resolve(db, shop, loser, f"version {number} took over")
    winner.state = VersionState.CHAMPION
    _take_effect(db, shop, task, winner, f"{task} version {number} promoted")
    return _told(seen, True, loser, winner, reason)


def roll_back(
    db: Session,
    shop: Shop,
    task: str,
    *,
    actor: str,
    reason: str,
    expected_number: int | None = None,
    numbers: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Put the previous champion back in charge: one row changes, nothing is trained, nothing analysed.

    With `expected_number`, nothing happens when another version is in charge by now. A second call does nothing
    either. Raises Conflict when no version was in charge before this one, and, with nothing changed, when the app
    itself is told to keep away from a frozen slot or somebody else changed it meanwhile.
    """
    policy, seen = Policy.of(shop.settings), slot(db, shop.id, task)
    loser, winner = by_id(db, shop.id, seen.champion_id), by_id(db, shop.id, seen.previous_id)
    if loser is not None and expected_number is not None and loser.number != expected_number:
        return _told(seen, False, loser, loser, "already replaced")
    if loser is None or winner is None:
        raise Conflict(f"no {task} version was in charge before this one")
    if actor == MACHINE and seen.state == SlotState.FROZEN:
        raise Conflict(f"the {task} slot is frozen")
    is_last = actor == MACHINE and rollbacks(db, shop, task, days=30) + 1 >= policy.max_rollbacks
    held = {"state": SlotState.FROZEN} if is_last else _cooling(seen, shop, policy)
    change(
        db,
        seen,
        kind="rollback",
        actor=actor,
        reason=reason,
        numbers=numbers,
        changed_on=today(shop),
        version_id=winner.id,
        champion_id=winner.id,
        previous_id=_before(db, shop.id, task, winner),
        in_charge_since_on=today(shop),
        **held,
    )
    loser.state, winner.state = VersionState.ROLLED_BACK, VersionState.CHAMPION
    alerts.resolve(db, shop, loser, f"rolled back to version {winner.number}")
    _take_effect(db, shop, task, winner, f"{task} rolled back to version {winner.number}")
    return _told(seen, True, loser, winner, reason)


def freeze(db: Session, shop: Shop, task: str, *, actor: str, reason: str) -> None:
    """Nothing automatic touches the slot any more."""
    _set_state(db, shop, task, "freeze", SlotState.FROZEN, actor, reason)


def unfreeze(db: Session, shop: Shop, task: str, *, actor: str, reason: str) -> None:
    """Automatic promotion and rollback are allowed again."""
    _set_state(db, shop, task, "unfreeze", SlotState.ACTIVE, actor, reason)


def rollbacks(db: Session, shop: Shop, task: str, *, days: int) -> int:
    """How many automatic rollbacks the last days saw."""
    since = today(shop) - timedelta(days=days)
    return (
        db.scalar(
            select(func.count())
            .select_from(Transition)
            .where(
                Transition.shop_id == shop.id,
                Transition.task == task,
                Transition.kind == "rollback",
                Transition.actor == MACHINE,
                Transition.changed_on > since,
            )
        )
        or 0
    )


def may_promote(seen: Slot, shop: Shop) -> bool:
    """Whether an automatic promotion is allowed today."""
    if seen.state == SlotState.COOLING:
        return seen.cooling_until_on is None or today(shop) >= seen.cooling_until_on
    return seen.state == SlotState.ACTIVE


def _take_effect(db: Session, shop: Shop, task: str, winner: Version, cause: str) -> None:
    """What the merchant and the shoppers see follows the slot."""
    if task == Task.FORECAST:
        forecasts.mark_served(db, shop.id, winner.id, today(shop) - timedelta(days=1))
    else:
        jobs.ask(db, shop.id, "publish", cause)


def _set_state(db: Session, shop: Shop, task: str, kind: str, state: SlotState, actor: str, reason: str) -> None:
    seen = slot(db, shop.id, task)
    if seen.state != state:
        change(db, seen, kind=kind, actor=actor, reason=reason, changed_on=today(shop), state=state)


def _cooling(seen: Slot, shop: Shop, policy: Policy) -> dict[str, Any]:
    if seen.state == SlotState.FROZEN:
        return {}
    return {"state": SlotState.COOLING, "cooling_until_on": today(shop) + timedelta(days=policy.cooling_days)}


def _before(db: Session, shop_id: int, task: str, winner: Version) -> int | None:
    """Whom the restored version had replaced, if that one may still answer."""
    earlier = db.scalar(
        select(Transition.from_id)
        .where(
            Transition.shop_id == shop_id,
            Transition.task == task,
            Transition.version_id == winner.id,
            Transition.kind == "promotion",
        )
        .order_by(Transition.generation.desc())
        .limit(1)
    )
    found = by_id(db, shop_id, earlier)
    may_answer = found is not None and found.state == VersionState.RETIRED and found.let_go_at is None
    return found.id if found is not None and may_answer else None


def _told(seen: Slot, changed: bool, loser: Version | None, winner: Version, reason: str) -> dict[str, Any]:
    return {
        "changed": changed,
        "task": seen.task,
        "from_version": loser.number if loser else None,
        "to_version": winner.number,
        "generation": seen.generation,
        "reason": reason,
    }
