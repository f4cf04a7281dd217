"""The embedded pages: each route asks the guard who it is for, reads finished values and prints them."""

from flask import Blueprint

from shopify_app.web import guards

bp = Blueprint("pages", __name__)
bp.before_request(guards.embedded)
bp.before_request(guards.writable)

from shopify_app.web.pages import (  # noqa: E402
    alerts,
    exports,
    forecasts,
    mailing,
    models,
    overview,
    promotions,
    recommendations,
    reorder,
    rules,
    settings,
    vendors,
    words,
)

for word in words.FILTERS:
    bp.add_app_template_filter(word)


__all__ = [
    "alerts",
    "bp",
    "exports",
    "forecasts",
    "mailing",
    "models",
    "overview",
    "promotions",
    "recommendations",
    "reorder",
    "rules",
    "settings",
    "vendors",
]
