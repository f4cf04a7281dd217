"""GET /proxy/recommendations: a shopper asks, through Shopify, what goes with some products."""

import secrets

from flask import Blueprint, Response, jsonify, request

from shopify_app import clock, metrics
from shopify_app.errors import NotFound, Refused
from shopify_app.lifecycle.serving import KINDS, Shopper
from shopify_app.platform import verify
from shopify_app.platform.callers import ProxyCall
from shopify_app.tables.base import LARGEST_ID
from shopify_app.web.state import state

bp = Blueprint("proxy", __name__, url_prefix="/proxy")

MOST_ASKED = 50
MOST_ANSWERED = 20
USUAL = 8


@bp.get("/recommendations")
def recommendations() -> Response:
    """`{"product_ids": […], "version": 3}`; 404 as long as there is nothing to say, so that the theme shows its own.

    With `list=again`, `personal` or `personal_new`, the own list of the customer who is signed in, as Shopify says; the
    answer names the list it came from.
    """
    with metrics.answer_seconds.time():
        try:
            call = verify.app_proxy(request.query_string, state().settings.secrets, clock.now())
            metrics.opened("proxy", call.secret_used)
            asked, limit = _product_ids(call), _limit(call)
            shopper = _shopper(call)
            answer = state().serving.recommend(call.shop, asked, limit, secrets.token_hex(16), shopper)
        except Refused as refused:
            metrics.answers.labels("refused").inc()
            return _told({"error": refused.code}, refused.status)
        except NotFound:
            metrics.answers.labels("nothing").inc()
            return _told({"error": "no_recommendations"}, 404)
    if not answer.product_ids:
        metrics.answers.labels("nothing").inc()
        return _told({"error": "no_recommendations"}, 404)
    metrics.answers.labels("answered").inc()
    named = {"list": answer.list_name} if shopper else {}
    return _told({"product_ids": answer.product_ids, "version": answer.version_number, **named}, 200)


def _told(content: dict[str, object], status: int) -> Response:
    reply = jsonify(content)
    reply.status_code = status
    reply.headers["Cache-Control"] = "no-store"
    return reply


def _product_ids(call: ProxyCall) -> list[int]:
    """What the visitor looks at or has in the cart. Theirs to choose, so only its form is checked."""
    given = [part for part in call.params.get("product_ids", "").split(",") if part]
    if len(given) > MOST_ASKED or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in given):
        raise Refused("invalid_product_ids", status=400)
    asked = dict.fromkeys(int(part) for part in given)
    if max(asked, default=0) > LARGEST_ID:
        raise Refused("invalid_product_ids", status=400)
    return list(asked)


def _shopper(call: ProxyCall) -> Shopper | None:
    """Whose own list is wanted. Only Shopify says who is signed in; to anybody else nothing is theirs."""
    kind = call.params.get("list")
    if kind is None:
        return None
    if kind not in KINDS:
        raise Refused("invalid_list", status=400)
    if call.customer_id is None:
        raise NotFound("nobody is signed in")
    return Shopper(call.customer_id, kind)


def _limit(call: ProxyCall) -> int:
    given = call.params.get("limit", str(USUAL))
    if not (given.isascii() and given.isdigit() and len(given) < 4 and 1 <= int(given) <= MOST_ANSWERED):
        raise Refused("invalid_limit", status=400)
    return int(given)
