"""What every page does: find where its shop stands, print a template, and answer a form by going back to a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from flask import current_app, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shopify_app import clock
from shopify_app.db import Database
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records.objects import Objects
from shopify_app.tables import Shop
from shopify_app.web import guards
from shopify_app.web.pages.reading import standing
from shopify_app.web.pages.reading.standing import Standing

Row = TypeVar("Row")
NOTICES = {
    "promoted": "Version put in charge.",
    "same": "That version is in charge already.",
    "rolled-back": "Rolled back.",
    "replaced": "Another version is in charge by now, so nothing was changed.",
    "training": "Training starts as soon as a worker is free.",
    "unfrozen": "Automatic changes are allowed again.",
    "paused": "Publishing is paused.",
    "publishing": "Publishing goes on.",
    "test-started": "The test runs as soon as the theme knows.",
    "test-stopped": "The test is stopped.",
    "mailing": "The file is being made.",
    "saved": "Settings saved.",
    "rules": "Rules saved. Lists that change are written again.",
    "ordered": "Noted as ordered. It counts as on its way until it is due.",
    "promotion": "Promotion added. The next full training knows of it.",
    "promotion-gone": "The promotion is removed.",
    "forgotten": "It no longer counts as on its way.",
}
"""What a form says after it did its work; the address carries only the key, because there are no cookies here."""


def database() -> Database:
    """The app's database."""
    return guards.state().database


def objects() -> Objects:
    """Where forecasts lie as files."""
    return guards.state().objects


def bundles() -> Bundles:
    """Where versions lie as files."""
    return Bundles(guards.state().settings)


def shop(db: Session) -> Shop:
    """The verified shop, in this session."""
    return db.get_one(Shop, guards.shop().id)


def here(db: Session) -> Standing:
    """Where the verified shop stands."""
    return standing.standing(db, shop(db), clock.now())


def page(template: str, at: Standing, *, status: int = 200, refused: str = "", **values: Any) -> tuple[str, int]:
    """A finished page. `refused` is told above everything else."""
    state, notice = guards.state(), NOTICES.get(request.args.get("said", ""))
    vendored = Path(current_app.static_folder or "") / "vendor" / "uPlot.iife.min.js"
    shared = {"api_key": state.settings.api_key, "cdn": state.cdn, "uplot": vendored.exists()}
    told = {"at": at, "notice": notice, "refused": refused}
    return render_template(f"pages/{template}.html", **shared, **told, **values), status


def paged(rows: Sequence[Row], size: int) -> tuple[Sequence[Row], dict[str, Any]]:
    """The rows of the page that the address asks for, and what its pager needs: `page` and `pages`."""
    pages = max(-(-len(rows) // size), 1)
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    return rows[(page - 1) * size : page * size], {"page": page, "pages": pages}


def back(path: str, said: str) -> Response:
    """After a form: load the page again, which tells what was done. A second load does nothing twice."""
    return redirect(f"{path}{'&' if '?' in path else '?'}said={said}", code=303)


def actor() -> str:
    """Who asked, as history should name them: a member of staff by number, never by name."""
    return f"staff {guards.staff()}"
