"""Foretally: forecasts and recommendations for Shopify shops, tallied against what happened, and taken back when wrong.

The folder has the name that Shopify's own `shopifyapp` package imports as; the two can never be installed together.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from shopify_app.config import Settings
    from shopify_app.db import Database
    from shopify_app.web.door import Door

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def create_app(settings: "Settings | None" = None, database: "Database | None" = None) -> "Flask":
    """The whole web app, with settings from the environment unless given, on their own database if none is given.

    Raises SettingError for a wrong setting.
    """
    from flask import Flask

    from shopify_app import config, log, nudge
    from shopify_app.web import auth, flow, health, numbers, pages, pixel, proxy, replies, webhooks
    from shopify_app.web import state as web_state

    settings = settings or config.load()
    log.configure(as_json=settings.environment == "production")
    nudge.configure(settings)
    app = Flask(__name__, template_folder=str(TEMPLATES))
    app.config.update(
        SECRET_KEY=auth.cookie_key(settings),
        SESSION_COOKIE_NAME="foretally",
        SESSION_COOKIE_SECURE=settings.app_url.startswith("https"),
        SESSION_COOKIE_SAMESITE="Lax",
    )
    web_state.attach(app, settings, database)
    replies.register(app)
    numbers.register(app)
    for room in (pages, auth, webhooks, proxy, pixel, flow, health):
        app.register_blueprint(room.bp)
    return app


def behind_door(settings: "Settings | None" = None) -> "Door":
    """The same for an event loop: what `serve` serves, and `up`."""
    from shopify_app.web import state as web_state
    from shopify_app.web.door import Door

    app = create_app(settings)
    return Door(web_state.of(app).hooks, app)
