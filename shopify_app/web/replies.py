"""What every answer carries, and what an error looks like from outside."""

from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.exceptions import NotFound as NotFoundPath
from werkzeug.wrappers import Response as AnyResponse

from shopify_app.errors import Conflict, ForetallyError, NeedsReopening, NotFound, Refused, ShopifyError, Throttled
from shopify_app.log import log
from shopify_app.web import guards
from shopify_app.web.state import state

STATUS: tuple[tuple[type[ForetallyError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (NeedsReopening, 409),
    (Throttled, 503),
    (ShopifyError, 502),
)
WORDS = {
    404: "There is no such page.",
    405: "That cannot be done here.",
    413: "That is too much at once.",
    500: "Something went wrong on our side. It was written down; please try again.",
    502: "Shopify did not answer as expected. Please try again in a moment.",
    503: "Shopify asks us to wait. Please try again in a moment.",
}


def register(app: Flask) -> None:
    """Answer every error, and set the headers of every answer."""
    app.before_request(_readable)
    app.after_request(_headers)
    app.register_error_handler(ForetallyError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def _readable() -> None:
    """Werkzeug raises UnicodeDecodeError on the first look at a query with raw bytes in it: look here, once."""
    try:
        _ = request.args
    except UnicodeDecodeError:
        raise Refused("invalid_query", status=400) from None


def _headers(reply: Response) -> Response:
    """Only the verified shop's admin may frame a page; nobody may frame anything else."""
    framed_by = g.get("framed_by")
    ancestors = f"https://{framed_by} https://admin.shopify.com" if framed_by else "'none'"
    local = state().settings.dev_shopify_url
    if framed_by and local:
        ancestors += f" {local}"
    reply.headers["Content-Security-Policy"] = f"frame-ancestors {ancestors}"
    reply.headers["X-Content-Type-Options"] = "nosniff"
    reply.headers["Referrer-Policy"] = "same-origin"
    if framed_by:
        reply.headers["Cache-Control"] = "no-store"
    if framed_by and reply.mimetype == "text/html":
        reply.headers["Link"] = _early(state().cdn)
    return reply


def _early(cdn: str) -> str:
    origin = "/".join(cdn.split("/")[:3])
    scripts = ", ".join(f"<{cdn}/{name}>; rel=preload; as=script" for name in ("app-bridge.js", "polaris-1.js"))
    return f"<{origin}>; rel=preconnect, {scripts}"


def _ours(error: ForetallyError) -> Response:
    if isinstance(error, Refused):
        return Response(error.code, error.status, mimetype="text/plain")
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    if status >= 500:
        log.warning("a request failed", path=request.path, error=str(error)[:300])
    return _page(WORDS.get(status, str(error)) if status >= 500 else str(error), status)


def _http(error: HTTPException) -> AnyResponse | HTTPException:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, NotFoundPath | MethodNotAllowed) and "framed_by" not in g:
        try:
            guards.recognise()
        except Refused:
            if request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "iframe":
                return guards.bounce()  # a page of ours loaded again, without the token of its first load
    return _page(WORDS.get(error.code, error.name), error.code)


def _unforeseen(error: Exception) -> Response:
    log.exception("a request crashed", path=request.path)
    return _page(WORDS[500], 500)


def _page(words: str, status: int) -> Response:
    """Plain for machines, a page inside the admin, with its links, for people who are known."""
    if "framed_by" not in g:
        return Response(f"{words}\n", status, mimetype="text/plain")
    heading = "That cannot be shown" if status == 404 else "That did not work"
    told = words[:1].upper() + words[1:].removesuffix(".") + "."
    page = render_template(
        "pages/problem.html", api_key=state().settings.api_key, cdn=state().cdn, heading=heading, words=told
    )
    return Response(page, status, mimetype="text/html")
