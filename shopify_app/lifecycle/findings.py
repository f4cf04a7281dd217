"""What an evening found out about who is in charge: worked out by reading alone, then written down in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.db import insert
from shopify_app.lifecycle import alerts, registry
from shopify_app.lifecycle.slots import peek
from shopify_app.tables import Alert, Evaluation, Shop, Task


@dataclass(frozen=True)
class Worse:
    """The champion does worse than the version before it: in words and numbers."""

    message: str
    numbers: dict[str, Any]


@dataclass(frozen=True)
class Findings:
    """Of one task and evening. rows: of evaluations. worse: what asks for a rollback, if anything does.

    champion_id: who was in charge while it was worked out.
    """

    task: Task
    closed_on: date
    champion_id: int | None
    rows: Sequence[Mapping[str, Any]]
    worse: Worse | None = None


def settle(db: Session, shop: Shop, found: Findings) -> Alert | None:
    """Write the evaluations down and raise the alert; twice is once. Gives the alert if it was raised now.

    Once per time in charge: a version that came back is told of again, for what it does from then on. None is raised
    about a version that somebody has replaced meanwhile.
    """
    for row in found.rows:
        _write(db, shop, found, row)
    seen, champion = peek(db, shop.id, found.task), registry.champion(db, shop.id, found.task)
    if found.worse is None or seen is None or champion is None or champion.id != found.champion_id:
        return None
    since = str(seen.in_charge_since_on)
    return alerts.raise_alert(db, shop, champion, "act", found.worse.message, found.worse.numbers, key=since)


def _write(db: Session, shop: Shop, found: Findings, values: Mapping[str, Any]) -> None:
    row = {"shop_id": shop.id, "task": found.task, "evaluated_on": found.closed_on, "created_at": clock.now(), **values}
    keys = ["shop_id", "version_id", "level", "evaluated_on"]
    fresh = {name: value for name, value in row.items() if name not in (*keys, "task")}
    db.execute(insert(db, Evaluation).values(row).on_conflict_do_update(index_elements=keys, set_=fresh))
