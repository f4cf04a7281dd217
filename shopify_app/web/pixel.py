"""POST /pixel/events: the web pixel tells what a visitor looked at. Unsigned, so a hint; answered before it is kept."""

import json
from typing import Any

from flask import Blueprint, Response, request

from shopify_app import clock, metrics
from shopify_app.errors import Refused
from shopify_app.platform.domains import shop_domain
from shopify_app.records.views import Seen
from shopify_app.tables import ViewKind
from shopify_app.tables.base import LARGEST_ID
from shopify_app.web.state import state

bp = Blueprint("pixel", __name__, url_prefix="/pixel")

LARGEST = 1_000
LONGEST = 64
NEEDS = {
    ViewKind.VIEWED: ("product",),
    ViewKind.CLICKED: ("product",),
    ViewKind.ORDERED: ("order",),
    ViewKind.MET: ("test", "arm"),
    ViewKind.SHOWN: (),
}
"""What an event of a kind has to name."""


@bp.post("/events")
def events() -> Response:
    """204, also for what will not be kept; 4xx for what cannot be meant, comes from nowhere, or is too much."""
    try:
        told = _told(request.get_data())
        state().pixel.take(told["shop"], _text(told, "key"), _seen(told))
    except Refused as refused:
        metrics.views.labels(refused.code if refused.code == "too_many_today" else "refused").inc()
        return _answer(refused.status, refused.code)
    metrics.views.labels("taken").inc()
    return _answer(204)


def _answer(status: int, code: str = "") -> Response:
    """A browser on any shop's pages may read this: it says nothing about anybody."""
    return Response(
        code, status, {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}, mimetype="text/plain"
    )


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body) if len(body) <= LARGEST else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Refused("malformed", status=400)
    shop_domain(told.get("shop"))
    return told


def _seen(told: dict[str, Any]) -> Seen:
    try:
        kind = ViewKind(str(told.get("kind")))
    except ValueError:
        raise Refused("malformed", status=400) from None
    arm = told.get("arm")
    if any(told.get(name) is None for name in NEEDS[kind]) or arm not in (None, "a", "b"):
        raise Refused("malformed", status=400)
    return Seen(
        event_id=_text(told, "event"),
        kind=kind,
        browser=_text(told, "browser"),
        product_id=_number(told, "product"),
        beside_id=_number(told, "beside"),
        order_id=_number(told, "order"),
        test=_number(told, "test", 2**31 - 1),
        arm=arm,
        heard_at=clock.now(),
    )


def _text(told: dict[str, Any], name: str) -> str:
    found = told.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST or not (found.isascii() and found.isprintable()):
        raise Refused("malformed", status=400)
    return found


def _number(told: dict[str, Any], name: str, largest: int = LARGEST_ID) -> int | None:
    found = told.get(name)
    if found is None:
        return None
    if type(found) is not int or not 0 < found <= largest:
        raise Refused("malformed", status=400)
    return found
