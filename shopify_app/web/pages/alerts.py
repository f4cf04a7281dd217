"""GET /alerts: what was raised, how it ended, and what Shopify Flow had to do with it."""

from shopify_app.tables import Task
from shopify_app.web.pages import bp, room
from shopify_app.web.pages.reading import accuracy, flow, versions
from shopify_app.web.pages.reading.tasks import TASK_NAMES


@bp.get("/alerts")
def alerts() -> tuple[str, int]:
    """Every alert, the open ones first."""
    with room.database().reading() as db:
        at = room.here(db)
        return room.page(
            "alerts",
            at,
            alerts=flow.alerts(db, at),
            runs=flow.runs(db, at),
            tasks=TASK_NAMES,
            target=accuracy.target(at, versions.champion(db, at, Task.FORECAST)),
        )
