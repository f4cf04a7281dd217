"""Who is asking: the shop's staff inside the admin, by ID token. Everything a page shows depends on this answer."""

from urllib.parse import urlencode

from flask import Response, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from shopify_app import clock, metrics
from shopify_app.errors import Refused, ShopifyError
from shopify_app.log import log
from shopify_app.platform import verify
from shopify_app.platform.oauth import InvalidSubjectToken
from shopify_app.records import shops
from shopify_app.tables import Shop, ShopState
from shopify_app.web import opening
from shopify_app.web.state import State, state

__all__ = ["State", "bounce", "embedded", "recognise", "retry", "shop", "staff", "state", "writable"]

RETRY = "X-Shopify-Retry-Invalid-Session-Request"


def embedded() -> AnyResponse | None:
    """Let only the shop's staff through, and install the shop when it opens the app for the first time.

    A page without a good ID token is sent past App Bridge, which fetches one; a script is told to try again with one.
    """
    try:
        g.shop = _open(recognise(), _token_text())
    except (Refused, InvalidSubjectToken):
        metrics.refused.labels("embedded").inc()
        return bounce() if _is_document() else retry()
    return None


def recognise() -> str:
    """The shop whose staff asks. From now on answers are for its admin. Raises Refused without a good ID token."""
    token = verify.id_token(_token_text(), state().settings.api_key, state().settings.secrets, clock.now())
    metrics.opened("page", token.secret_used)
    g.staff, g.framed_by = token.user_id, token.shop  # before anything fails: who is known is told inside the admin
    return token.shop


def writable() -> None:
    """Refuse what PostgreSQL can neither keep nor look for: a NUL among what was asked or entered."""
    given = (*request.args.items(multi=True), *request.form.items(multi=True))
    if any("\x00" in text for pair in given for text in pair):
        raise Refused("invalid_text", status=400)


def _open(domain: str, id_token: str) -> Shop:
    """The shop, with a token. When Shopify gives none, what is stored can still be read, and a page says so."""
    try:
        return opening.open_shop(state(), domain, id_token)
    except InvalidSubjectToken:
        raise
    except ShopifyError as error:
        with state().database.reading() as db:
            known = shops.by_domain(db, domain)
        if known is None or known.state != ShopState.NEEDS_REOPENING or not known.name:
            raise
        log.warning("access was not renewed", shop=domain, error=str(error)[:200])
        return known


def shop() -> Shop:
    """The verified shop of this request, as it was when the request came."""
    found: Shop = g.shop
    return found


def staff() -> str:
    """The number of the member of staff who asks."""
    found: str = g.staff
    return found


def retry() -> Response:
    """For a script: App Bridge sends the same request once more, with a fresh ID token."""
    return Response("The ID token is missing or too old.", 401, {RETRY: "1"}, mimetype="text/plain")


def _token_text() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        return token.strip() if scheme.lower() == "bearer" else ""
    given = request.args.getlist("id_token")
    return given[0] if len(given) == 1 else ""


def _is_document() -> bool:
    """A browser loading a page: App Bridge adds the header to every request that a script makes."""
    return request.method == "GET" and "Authorization" not in request.headers


def bounce() -> AnyResponse:
    """To the page that only loads App Bridge, which comes back here with a token."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "id_token"]
    target = "/" + request.path.lstrip("/\\") + (f"?{urlencode(kept)}" if kept else "")
    query = [(name, value) for name, value in kept if name != "shopify-reload"]
    return redirect(f"/auth/patch-id-token?{urlencode([*query, ('shopify-reload', target)])}")
