"""One row per shop and task says who answers. Every change is one guarded UPDATE and one chained line of history."""

import hashlib
import json
from datetime import date
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.errors import Overtaken
from shopify_app.tables import Slot, Transition, Version

GENESIS = "0" * 64
PLACES = ("champion_id", "previous_id", "shadow_id")


def slot(db: Session, shop_id: int, task: str) -> Slot:
    """The slot as it stands now; an empty one is made at the first question."""
    found = db.get(Slot, (shop_id, task), populate_existing=True)
    if found is None:
        row = insert(db, Slot).values(shop_id=shop_id, task=task, generation=0, state="active", changed_at=clock.now())
        db.execute(row.on_conflict_do_nothing())
        found = db.get_one(Slot, (shop_id, task), populate_existing=True)
    return found


def peek(db: Session, shop_id: int, task: str) -> Slot | None:
    """The slot as it stands now, if there is one; for readers, who must not make any."""
    return db.get(Slot, (shop_id, task), populate_existing=True)


def change(
    db: Session,
    seen: Slot,
    *,
    kind: str,
    actor: str,
    reason: str,
    changed_on: date,
    version_id: int | None = None,
    numbers: dict[str, Any] | None = None,
    **values: Any,
) -> Transition:
    """Change the slot if nobody did since it was seen, and write down why.

    Raises Overtaken, with nothing changed, when the generation has moved on: read again and decide again.
    """
    made_at = clock.now()
    changed = db.execute(
        update(Slot)
        .where(Slot.shop_id == seen.shop_id, Slot.task == seen.task, Slot.generation == seen.generation)
        .values(generation=seen.generation + 1, changed_at=made_at, **values)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise Overtaken(f"the {seen.task} slot was changed by somebody else")
    transition = Transition(
        shop_id=seen.shop_id,
        task=seen.task,
        generation=seen.generation + 1,
        kind=kind,
        version_id=version_id,
        from_id=seen.champion_id,
        actor=actor,
        reason=reason[:500],
        numbers=numbers or {},
        changed_on=changed_on,
        created_at=made_at,
        previous_hash=_last_hash(db, seen.shop_id, seen.task),
        hash="",
    )
    transition.hash = _hash(transition)
    db.add(transition)
    db.flush()
    before = _in(seen)
    db.refresh(seen)
    left = Version.shop_id == seen.shop_id, Version.id.in_(before - _in(seen))
    db.execute(update(Version).where(*left).values(left_at=made_at))
    return transition


def _in(seen: Slot) -> set[int]:
    """The versions that answer, stand by or shadow."""
    return {id for place in PLACES if (id := getattr(seen, place)) is not None}


def broken_link(db: Session, shop_id: int, task: str) -> int | None:
    """The generation of the first line of history that was tampered with; None when the chain is whole."""
    previous = GENESIS
    for line in db.scalars(_history(shop_id, task)):
        if line.previous_hash != previous or line.hash != _hash(line):
            return line.generation
        previous = line.hash
    return None


def _history(shop_id: int, task: str) -> Select[Transition]:
    return (
        select(Transition).where(Transition.shop_id == shop_id, Transition.task == task).order_by(Transition.generation)
    )


def _last_hash(db: Session, shop_id: int, task: str) -> str:
    newest = (
        select(Transition.hash)
        .where(Transition.shop_id == shop_id, Transition.task == task)
        .order_by(Transition.generation.desc())
        .limit(1)
    )
    return db.scalar(newest) or GENESIS


def _hash(line: Transition) -> str:
    told = [
        line.shop_id,
        line.task,
        line.generation,
        line.kind,
        line.version_id,
        line.from_id,
        line.actor,
        line.reason,
        line.numbers,
        line.changed_on.isoformat(),
        line.created_at.isoformat(),
        line.previous_hash,
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
