"""POST /webhooks for servers that run Flask alone, and for what is rarely asked; `web/server.py` answers the rest."""

from flask import Blueprint, Response, request

from shopify_app.errors import Refused
from shopify_app.web.body import whole_body
from shopify_app.web.hooks import turned_away
from shopify_app.web.state import state

bp = Blueprint("webhooks", __name__)


@bp.post("/webhooks")
def receive() -> Response:
    """What `Hooks.take` answers."""
    try:
        reply = state().hooks.take(dict(request.headers), whole_body(request.stream.read))
    except Refused as refused:
        reply = turned_away(refused)
    return Response(reply.text, reply.status, list(reply.headers), mimetype="text/plain")
