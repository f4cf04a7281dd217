"""POST /webhooks: check, store, say yes. Nothing is parsed here, and no worker is needed for the answer."""

from flask import Blueprint, Response, request

from shopify_app import metrics
from shopify_app.errors import Refused
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.platform import verify
from shopify_app.web.acceptance import Busy
from shopify_app.web.body import whole_body
from shopify_app.web.state import state

bp = Blueprint("webhooks", __name__)


@bp.post("/webhooks")
def receive() -> Response:
    """200 once the delivery is stored, also when it is stored already; 401 unsigned; 503 when it cannot be stored."""
    body = whole_body()
    with metrics.webhook_seconds.time():
        try:
            hook = verify.webhook(dict(request.headers), body, state().settings.secrets)
            is_new = state().acceptance.accept(hook)
        except Refused as refused:
            metrics.webhooks.labels("refused").inc()
            return Response(refused.code, refused.status, mimetype="text/plain")
        except Busy as busy:
            metrics.webhooks.labels("busy").inc()
            log.warning("a delivery was not taken", reason=str(busy))
            return Response("try again", 503, {"Retry-After": "5"}, mimetype="text/plain")
    metrics.webhooks.labels("accepted" if is_new else "repeated").inc()
    if is_new:
        nudge("ingest")
    return Response(status=200)
