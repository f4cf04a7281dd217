"""Versions of a task as the Models pages show them: who is in charge, who waits, and every number behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.errors import NotFound
from shopify_app.lifecycle import gates, registry
from shopify_app.lifecycle.slots import peek
from shopify_app.tables import (
    Evaluation,
    Job,
    Shop,
    Slot,
    SlotState,
    Task,
    Transition,
    Version,
    VersionState,
    WorkState,
)
from shopify_app.web.pages.reading.standing import Standing

LISTED = 20
TASK_NAMES = {Task.FORECAST: "Forecasts", Task.RECOMMEND: "Recommendations"}
ALGORITHMS = {
    "naive": "Same weekday last week",
    "weekday": "Recent level with a weekday pattern",
    "xgb": "Boosted trees over all products",
    "prophet": "Prophet",
    "together": "Bought together, recent orders count more",
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
LEVELS = {
    "store_week": "Shop total per week",
    "store_28d": "Shop total per 28 days",
    "product_week": "Per product and week",
    "product_28d": "Per product and 28 days",
    "product_recent": "Per product, the last 7 days",
    "product_page": "Product pages: rank of what was bought next",
    "cart": "Carts: missing product among the first ten",
    "retained": "Quality kept against a fresh fit",
}
CHANGES = {
    "promotion": "Put in charge",
    "rollback": "Restored",
    "shadow": "Into the shadow",
    "shadow_ended": "Out of the shadow",
}
REACHED = ("accuracy", "ndcg_10", "hit_rate_10")
NAIVE = ("naive_accuracy", "popular_ndcg_10", "popular_hit_rate_10")


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
class TaskView:
    """Everything the Models page says about one task."""

    task: Task
    name: str
    slot: Slot | None
    champion: VersionRow | None
    previous: VersionRow | None
    shadow: VersionRow | None
    rows: list[VersionRow]
    is_training: bool
    training_note: str | None
    is_frozen: bool
    cooling_until_on: date | None


@dataclass(frozen=True)
class Figure:
    """One level of a version's validation, beside the naive guess on the same rows."""

    label: str
    accuracy: float | None
    naive: float | None
    bias: float | None
    coverage: float | None


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
        return self.row.state != VersionState.CHAMPION


@dataclass(frozen=True)
class Change:
    """One line of a version's history, told from its side."""

    title: str
    on: date
    reason: str
    actor: str


def task_view(db: Session, at: Standing, task: Task) -> TaskView:
    """One task's slot and newest versions."""
    seen = peek(db, at.shop_id, task)
    query = select(Version).where(Version.shop_id == at.shop_id, Version.task == task)
    listed = [version_row(v) for v in db.scalars(query.order_by(Version.number.desc()).limit(LISTED))]
    job = db.scalar(
        select(Job)
        .where(Job.shop_id == at.shop_id, Job.kind == "retrain", Job.state == WorkState.PENDING)
        .order_by(Job.id)
        .limit(1)
    )
    cooling = seen is not None and seen.state == SlotState.COOLING and (seen.cooling_until_on or date.min) > at.today_on
    return TaskView(
        task=task,
        name=TASK_NAMES[task],
        slot=seen,
        champion=_by_id(db, at.shop_id, seen.champion_id if seen else None),
        previous=_by_id(db, at.shop_id, seen.previous_id if seen else None),
        shadow=_by_id(db, at.shop_id, seen.shadow_id if seen else None),
        rows=listed,
        is_training=job is not None,
        training_note=job.progress if job else None,
        is_frozen=seen is not None and seen.state == SlotState.FROZEN,
        cooling_until_on=seen.cooling_until_on if seen and cooling else None,
    )


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


def task_named(name: str) -> Task:
    """The task in an address. Raises NotFound."""
    try:
        return Task(name)
    except ValueError:
        raise NotFound(f"there is no task {name!r}") from None


def version_row(version: Version) -> VersionRow:
    """A version as lists show it."""
    label, tone = STATES[VersionState(version.state)]
    deciding = _level(version.metrics, gates.JUDGED_AT[Task(version.task)])
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
        reason=f"{failed['name']}: {failed['why']}" if failed and version.state == VersionState.FAILED else None,
    )


def figures(metrics: Mapping[str, Any]) -> list[Figure]:
    """Every level a version was validated at, coarse to fine."""
    found = (_level(metrics, level) for level in LEVELS)
    return [figure for figure in found if figure is not None]


def levels(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """The validated figures by level."""
    found: Mapping[str, Any] = metrics.get("levels", metrics)
    return {name: figures for name, figures in found.items() if name in LEVELS and figures}


def _level(metrics: Mapping[str, Any], level: str) -> Figure | None:
    own = levels(metrics).get(level)
    if own is None:
        return None
    reached, naive = (next((own[name] for name in names if name in own), None) for names in (REACHED, NAIVE))
    return Figure(LEVELS[level], reached, naive, own.get("bias"), own.get("coverage"))


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


def _by_id(db: Session, shop_id: int, version_id: int | None) -> VersionRow | None:
    found = registry.by_id(db, shop_id, version_id)
    return version_row(found) if found else None
