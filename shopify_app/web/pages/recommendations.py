"""GET /recommendations: what product pages show, why, and how it fares. POST: pause, go on, test lists against none."""

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shopify_app.lifecycle import holdout
from shopify_app.nudge import nudge
from shopify_app.records import jobs
from shopify_app.tables import Task
from shopify_app.web import guards
from shopify_app.web.numbers import shopify_id
from shopify_app.web.pages import bp, room
from shopify_app.web.pages.reading import holdout as holdouts
from shopify_app.web.pages.reading import lists, standing, tasks
from shopify_app.web.pages.reading.lists import Choice
from shopify_app.web.pages.reading.standing import Standing

BLOCK = "recommendations"
"""Handle of the theme app block."""


@bp.get("/recommendations")
def recommendations() -> tuple[str, int]:
    """The lists, one of them in full, and the answers given."""
    with room.database().reading() as db:
        at = room.here(db)
        published = lists.published(db, at)
        words = request.args.get("q", "").strip()
        offered = lists.choices(db, at, words)
        chosen = _chosen(db, at, offered, words)
        return room.page(
            "recommendations",
            at,
            steps=standing.steps(db, at),
            lists=published,
            choices=offered,
            words=words,
            chosen=chosen,
            preview=lists.preview(db, room.bundles(), at, chosen) if chosen else None,
            recommend=tasks.task_view(db, at, Task.RECOMMEND),
            answers=lists.answers(db, at),
            bought=lists.bought(db, at),
            kept=lists.retained(db, at),
            test=holdouts.view(db, at),
            mailing=lists.mailing(db, at),
            editor_url=_editor_url(at),
            storefront_url=_storefront_url(at),
        )


@bp.post("/recommendations/publishing")
def publishing() -> Response:
    """Stop writing lists, or go on and write what changed meanwhile."""
    publish = request.form.get("publish") == "yes"
    with room.database().transaction() as db:
        shop = room.shop(db)
        shop.settings = {**shop.settings, "publish_lists": publish}
        if publish:
            jobs.ask(db, shop.id, "publish", "publishing goes on")
    nudge("work")
    return room.back("/recommendations", "publishing" if publish else "paused")


@bp.post("/recommendations/test")
def test() -> Response:
    """Start a test of lists against none, or stop the one that runs."""
    run = request.form.get("run") == "yes"
    with room.database().transaction() as db:
        shop = room.shop(db)
        (holdout.start if run else holdout.stop)(db, shop.id)
    nudge("work")
    return room.back("/recommendations", "test-started" if run else "test-stopped")


def _chosen(db: Session, at: Standing, offered: list[Choice], words: str) -> Choice | None:
    """The product asked for; when a search left it out, the first that was found."""
    wanted = request.args.get("product", type=shopify_id)
    found = next((one for one in offered if one.product_id == wanted), None)
    if found is None and wanted is not None and not words:
        found = lists.choice(db, at, wanted)
        offered[:0] = [found] if found else []
    return found or (offered[0] if offered else None)


def _editor_url(at: Standing) -> str | None:
    """Shopify's theme editor with our block ready to be placed; the local Shopify has none."""
    settings = guards.state().settings
    if settings.dev_shopify_url:
        return None
    return (
        f"https://{at.domain}/admin/themes/current/editor?template=product"
        f"&addAppBlockId={settings.api_key}/{BLOCK}&target=newAppsSection"
    )


def _storefront_url(at: Standing) -> str:
    """Where shoppers see the lists."""
    local = guards.state().settings.dev_shopify_url
    return f"{local}/s/{at.domain.split('.')[0]}/" if local else f"https://{at.domain}/"
