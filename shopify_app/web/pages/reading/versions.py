"""Versions of a task as the Models pages show them: who is in charge, who waits, and every number behind it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.lifecycle import gates, registry
from shopify_app.lifecycle.slots import peek
from shopify_app.tables import (
    Evaluation,
    Shop,
    Slot,
    Task,
    Transition,
    Version,
    VersionState,
)
from shopify_app.web.pages.reading.figures import Figure, figure, figures
from shopify_app.web.pages.reading.standing import Standing

ALGORITHMS = {
    "naive": "Same weekday last week",
    "tsb": "How often it sells, times how much",
    "weekday": "Recent level with a weekday pattern",
    "xgb": "Boosted trees over all products",
    "prophet": "Prophet",
    "together": "Bought together, recent orders count more",
    "blend": "Bought together or alike, with neighbours of neighbours",
    "viewed": "Looked at next, by visitors who allow analytics",
    "content": "Similar titles, types, tags and vendors",
    "popular": "Best sellers",
    "table": "Imported table",
}
STATES = {
    VersionState.TRAINED: ("Trained", "neutral"),
    VersionState.SHADOW: ("In the shadow", "info"),
    VersionState.CHAMPION: ("In charge", "success"),
    VersionState.RETIRED: ("Retired", "neutral"),
    VersionState.FAILED: ("Rejected", "critical"),
    VersionState.ROLLED_BACK: ("Rolled back", "warning"),
    VersionState.EXPIRED: ("Replaced unused", "neutral"),
}
CHANGES = {
    "promotion": "Put in charge",
    "rollback": "Restored",
    "shadow": "Into the shadow",
    "shadow_ended": "Out of the shadow",
}


@dataclass(frozen=True)
class VersionRow:
    """One version in a list, with its figures in words a page can print."""

    id: int
    number: int
    state: str
    state_label: str
    state_tone: str
    algorithm: str
    cause: str
    created_on: date
    cutoff_on: date
    orders: int
    validated: float | None
    naive: float | None
    bias: float | None
    reason: str | None
    """Why it was rejected, if it was."""


@dataclass(frozen=True)
class VersionPage:
    """Everything the page of one version says."""

    row: VersionRow
    version: Version
    figures: list[Figure]
    gates: list[dict[str, Any]]
    live: list[Evaluation]
    changes: list["Change"]
    slot: Slot | None

    @property
    def may_take_over(self) -> bool:
        """A person may put it in charge."""
        return self.row.state != VersionState.CHAMPION and self.version.let_go_at is None


@dataclass(frozen=True)
class Change:
    """One line of a version's history, told from its side."""

    title: str
    on: date
    reason: str
    actor: str


def version_page(db: Session, shop: Shop, task: Task, number: int) -> VersionPage:
    """One version with its lineage, gates and days in use. Raises NotFound."""
    version = registry.version(db, shop, task, number)
    live = db.scalars(
        select(Evaluation)
        .where(Evaluation.shop_id == shop.id, Evaluation.version_id == version.id)
        .order_by(Evaluation.evaluated_on.desc(), Evaluation.level)
        .limit(28)
    )
    return VersionPage(
        row=version_row(version),
        version=version,
        figures=figures(version.metrics),
        gates=version.gates,
        live=list(live),
        changes=_changes(db, version),
        slot=peek(db, shop.id, task),
    )


def champion(db: Session, at: Standing, task: Task) -> Version | None:
    """The version in charge."""
    seen = peek(db, at.shop_id, task)
    return registry.by_id(db, at.shop_id, seen.champion_id) if seen else None


def version_row(version: Version) -> VersionRow:
    """A version as lists show it."""
    label, tone = STATES[VersionState(version.state)]
    deciding = figure(version.metrics, gates.JUDGED_AT[Task(version.task)])
    failed = next((gate for gate in version.gates if gate.get("verdict") == "fail"), None)
    return VersionRow(
        id=version.id,
        number=version.number,
        state=version.state,
        state_label=label,
        state_tone=tone,
        algorithm=ALGORITHMS.get(version.algorithm, version.algorithm),
        cause=version.cause,
        created_on=version.created_on,
        cutoff_on=version.cutoff_on,
        orders=version.orders_at_fit,
        validated=deciding.accuracy if deciding else None,
        naive=deciding.naive if deciding else None,
        bias=deciding.bias if deciding else None,
        reason=failed["why"] if failed and version.state == VersionState.FAILED else None,
    )


def _changes(db: Session, version: Version) -> list[Change]:
    """Newest first. What happened to others while it was in charge is not its history."""
    lines = db.scalars(
        select(Transition)
        .where(
            Transition.shop_id == version.shop_id,
            Transition.task == version.task,
            (Transition.version_id == version.id)
            | ((Transition.from_id == version.id) & Transition.kind.in_(("promotion", "rollback"))),
        )
        .order_by(Transition.generation.desc())
    )
    return [Change(_title(line, version.id), line.changed_on, line.reason, line.actor) for line in lines]


def _title(line: Transition, version_id: int) -> str:
    if line.version_id == version_id:
        return CHANGES.get(line.kind, line.kind)
    return "Replaced" if line.kind == "promotion" else "Rolled back"
