"""The app proxy: a storefront request, signed and handed on to the app without its cookies."""

import http.client
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, request
from werkzeug.datastructures import Headers

from devstore.signing import sign_proxy

if TYPE_CHECKING:
    from devstore.server import DevStore
    from devstore.shop import Shop

TIMEOUT = 10.0
CUSTOMER_COOKIE = "devstore_customer"
"""Who is logged in on the dev storefront; the app never sees it, only `logged_in_customer_id`."""
ADDED = ("shop", "logged_in_customer_id", "path_prefix", "timestamp", "signature")
NOT_HANDED_ON = ("cookie", "host", "content-length", "connection", "transfer-encoding", "accept-encoding")
NOT_HANDED_BACK = ("set-cookie", "connection", "transfer-encoding", "content-length", "keep-alive", "server", "date")


def blueprint(store: "DevStore") -> Blueprint:
    """`/s/{handle}/{prefix}/{subpath}/…` of every shop."""
    bp = Blueprint("proxy", __name__)
    path = f"/s/<handle>/{store.manifest.proxy_prefix}/{store.manifest.proxy_subpath}"

    @bp.route(path, defaults={"rest": ""}, methods=["GET", "POST"])
    @bp.route(f"{path}/<path:rest>", methods=["GET", "POST"])
    def forward(handle: str, rest: str) -> Response:
        shop = store.shop(handle)
        if not shop.is_installed:
            return Response("The app is not installed on this shop.", 404)
        customer = request.cookies.get(CUSTOMER_COOKIE, "")
        query = signed_query(shop, list(request.args.items(multi=True)), customer)
        return _hand_on(shop, rest, query)

    return bp


def signed_query(shop: "Shop", query: list[tuple[str, str]], customer: str) -> list[tuple[str, str]]:
    """The visitor's parameters with those that Shopify adds; a visitor cannot bring the latter along."""
    manifest = shop.manifest
    own = [(key, value) for key, value in query if key not in ADDED]
    signed = [
        *own,
        ("shop", shop.domain),
        ("logged_in_customer_id", customer),
        ("path_prefix", f"/{manifest.proxy_prefix}/{manifest.proxy_subpath}"),
        ("timestamp", str(int(time.time()))),
    ]
    return [*signed, ("signature", sign_proxy(shop.app.api_secret, signed))]


def _hand_on(shop: "Shop", rest: str, query: list[tuple[str, str]]) -> Response:
    target = urlsplit(shop.app.app_url)
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.netloc, timeout=TIMEOUT)
    path = "/".join(part for part in (shop.manifest.proxy_path.rstrip("/"), rest) if part)
    try:
        connection.request(request.method, f"{path}?{urlencode(query)}", request.get_data(), _onward(request.headers))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        shop.traffic.record("proxy", path=path, status=0)
        return Response("There was an error in the third-party application.", 502)
    finally:
        connection.close()
    shop.traffic.record("proxy", path=path, status=answer.status)
    return _back(answer.status, body, answer.getheaders())


def _onward(headers: Headers) -> dict[str, str]:
    kept = {key: value for key, value in headers.items() if key.lower() not in NOT_HANDED_ON}
    return {**kept, "X-Forwarded-For": request.remote_addr or "127.0.0.1"}


def _back(status: int, body: bytes, headers: list[tuple[str, str]]) -> Response:
    kept = [(key, value) for key, value in headers if key.lower() not in NOT_HANDED_BACK]
    if any(key.lower() == "content-type" and "application/liquid" in value for key, value in kept):
        return Response("devstore does not render application/liquid answers inside the theme.", 501)
    return Response(body, status, kept)
