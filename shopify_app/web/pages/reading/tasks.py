"""The tasks as the Models page shows them: who is in charge, who waits, and whether a training runs."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app.errors import NotFound
from shopify_app.lifecycle import registry
from shopify_app.lifecycle.slots import peek
from shopify_app.tables import Job, Slot, SlotState, Task, Version, WorkState
from shopify_app.web.pages.reading.standing import Standing
from shopify_app.web.pages.reading.versions import VersionRow, version_row

LISTED = 20
TASK_NAMES = {Task.FORECAST: "Forecasts", Task.RECOMMEND: "Recommendations"}


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
    training_error: str | None
    """Why the last try of the training that waits came to nothing."""
    is_frozen: bool
    cooling_until_on: date | None


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
        training_error=job.error if job else None,
        is_frozen=seen is not None and seen.state == SlotState.FROZEN,
        cooling_until_on=seen.cooling_until_on if seen and cooling else None,
    )


def task_named(name: str) -> Task:
    """The task in an address. Raises NotFound."""
    try:
        return Task(name)
    except ValueError:
        raise NotFound(f"there is no task {name!r}") from None


def _by_id(db: Session, shop_id: int, version_id: int | None) -> VersionRow | None:
    found = registry.by_id(db, shop_id, version_id)
    return version_row(found) if found else None
