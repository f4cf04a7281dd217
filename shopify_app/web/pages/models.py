"""GET /models and one version's page; POST: put in charge, roll back, train now, allow automatic changes."""

from flask import request
from werkzeug.wrappers import Response

from shopify_app.errors import Conflict
from shopify_app.lifecycle import registry
from shopify_app.nudge import nudge
from shopify_app.records import jobs
from shopify_app.tables import Task
from shopify_app.web.pages import bp, room
from shopify_app.web.pages.reading import standing, tasks, versions
from shopify_app.web.pages.reading.figures import LEVELS, ROLES
from shopify_app.web.pages.reading.tasks import TASK_NAMES

BY_HAND = "asked for by hand"
"""The cause that trains even when the newest version is fresh."""


@bp.get("/models")
def models(refused: str = "", status: int = 200) -> tuple[str, int]:
    """Who is in charge of what, and every version so far."""
    with room.database().reading() as db:
        at = room.here(db)
        views = [tasks.task_view(db, at, task) for task in Task]
        steps = [] if at.is_ready else standing.steps(db, at)
        return room.page("models", at, views=views, steps=steps, refused=refused, status=status)


@bp.get("/models/<task>/<int:number>")
def version(task: str, number: int) -> tuple[str, int]:
    """One version: lineage, backtest, gates, days in use."""
    wanted = tasks.task_named(task)
    with room.database().reading() as db:
        at = room.here(db)
        about = versions.version_page(db, room.shop(db), wanted, number)
        champion = versions.champion(db, at, wanted)
        return room.page(
            "version",
            at,
            about=about,
            live=about.live,
            task=wanted,
            name=TASK_NAMES[wanted],
            champion=versions.version_row(champion) if champion else None,
            levels=LEVELS,
            roles=ROLES,
        )


@bp.post("/models/<task>/<int:number>/promote")
def promote(task: str, number: int) -> Response:
    """Put a version in charge because a person says so."""
    wanted = tasks.task_named(task)
    with room.database().transaction() as db:
        told = registry.promote(db, room.shop(db), wanted, number, actor=room.actor(), reason="chosen by hand")
    nudge("work")
    return room.back("/models", "promoted" if told["changed"] else "same")


@bp.post("/models/<task>/roll-back")
def roll_back(task: str) -> Response | tuple[str, int]:
    """Put the version before this one back in charge."""
    wanted = tasks.task_named(task)
    try:
        with room.database().transaction() as db:
            told = registry.roll_back(
                db,
                room.shop(db),
                wanted,
                actor=room.actor(),
                reason="rolled back by hand",
                expected_number=request.form.get("expected", type=int),
            )
    except Conflict as refused:
        return models(str(refused).capitalize() + ".", 409)
    nudge("work")
    return room.back("/models", "rolled-back" if told["changed"] else "replaced")


@bp.post("/models/<task>/retrain")
def retrain(task: str) -> Response:
    """Train now, whatever the schedule says."""
    tasks.task_named(task)
    with room.database().transaction() as db:
        jobs.ask(db, room.shop(db).id, "retrain", BY_HAND)
    nudge("train")
    return room.back("/models", "training")


@bp.post("/models/<task>/unfreeze")
def unfreeze(task: str) -> Response:
    """Let the app promote and roll back by itself again."""
    wanted = tasks.task_named(task)
    with room.database().transaction() as db:
        registry.unfreeze(db, room.shop(db), wanted, actor=room.actor(), reason="allowed by hand")
    return room.back("/models", "unfrozen")
