"""Doors before there is a shop: the consent flow for shops without managed installation, and App Bridge's stop-over."""

import hmac
import re
import secrets
import tomllib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, g, redirect, render_template_string, request, session
from werkzeug.wrappers import Response as AnyResponse

from shopify_app import clock, metrics
from shopify_app.config import Settings
from shopify_app.errors import Refused
from shopify_app.platform import verify
from shopify_app.platform.domains import shop_domain
from shopify_app.platform.oauth import OAuth
from shopify_app.web import opening
from shopify_app.web.state import State, state

bp = Blueprint("auth", __name__, url_prefix="/auth")

TOML = Path(__file__).resolve().parents[2] / "shopify.app.toml"
ROOT_RELATIVE = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
STOP_OVER = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="shopify-api-key" content="{{ api_key }}">
  <script data-api-key="{{ api_key }}" src="{{ cdn }}/app-bridge.js"></script>
  <title>Foretally</title>
</head>
<body></body>
</html>
"""


@bp.get("/install")
def install() -> AnyResponse:
    """Ask the merchant for consent. Only for shops that Shopify did not install the app into by itself."""
    shop = shop_domain(_only("shop"))
    session["state"] = secrets.token_urlsafe(24)
    address = f"{state().settings.app_url}/auth/callback"
    return redirect(_oauth(state()).install_url(shop, scopes(), address, session["state"]))


@bp.get("/callback")
def callback() -> AnyResponse:
    """The merchant consented: get the token, install, and go where the app is seen inside the admin."""
    back = verify.oauth_callback(request.query_string, state().settings.secrets, clock.now())
    expected = session.pop("state", None)
    if not isinstance(expected, str) or not hmac.compare_digest(expected.encode(), back.state.encode()):
        raise Refused("wrong_state")
    metrics.opened("consent", back.secret_used)
    opening.install(state(), back.shop, _oauth(state()).exchange_code(back.shop, back.code))
    return redirect(_inside_admin(state(), back.shop, back.host))


@bp.get("/patch-id-token")
def patch_id_token() -> Response:
    """A page that only loads App Bridge, which loads the page in `shopify-reload` again, with a fresh ID token."""
    if not ROOT_RELATIVE.fullmatch(_only("shopify-reload")):
        raise Refused("invalid_reload", status=400)
    if "shop" in request.args:
        g.framed_by = shop_domain(_only("shop"))
    else:
        g.framed_by = "*.myshopify.com"  # nothing here can be clicked, and links inside the app do not name the shop
    page = render_template_string(STOP_OVER, api_key=state().settings.api_key, cdn=state().cdn)
    return Response(page, mimetype="text/html")


@cache
def scopes() -> tuple[str, ...]:
    """What the app asks for: the list in shopify.app.toml, which Shopify reads too."""
    return tuple(tomllib.loads(TOML.read_text())["access_scopes"]["scopes"].split(","))


def cookie_key(settings: Settings) -> bytes:
    """What signs our one cookie: never the client secret, or a cookie's signature would pass for a webhook's."""
    return hmac.digest(settings.encryption_keys[0], b"foretally cookies", "sha256")


def _oauth(of: State) -> OAuth:
    return OAuth(of.settings.api_key, of.settings.api_secret, of.session)


def _only(name: str) -> str:
    """A parameter that is given exactly once."""
    given = request.args.getlist(name)
    if len(given) != 1:
        raise Refused("missing_" + name.replace("-", "_"), status=400)
    return given[0]


def _inside_admin(of: State, shop: str, host: str | None) -> str:
    handle, key = shop.removesuffix(".myshopify.com"), of.settings.api_key
    if of.settings.dev_shopify_url:
        return f"{of.settings.dev_shopify_url}/store/{handle}/apps/{key}"
    return f"https://{host or f'admin.shopify.com/store/{handle}'}/apps/{key}"
