"""The OAuth doors of a shop: code grant, token exchange and refresh."""

import base64
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from devstore import identity
from devstore.signing import sign_query
from devstore.tokens import REFRESH_SECONDS, InvalidGrant, TokenPair

if TYPE_CHECKING:
    from devstore.server import DevStore
    from devstore.shop import Shop

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"
CODE_SECONDS = 60


class OAuthError(Exception):
    """The grant is refused: `code` and words as RFC 6749 has them."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code, self.description, self.status = code, description, status


def blueprint(store: "DevStore") -> Blueprint:
    """`/admin/oauth/…` of every shop, told apart by the Host header."""
    bp = Blueprint("oauth", __name__)

    @bp.get("/admin/oauth/authorize")
    def authorize() -> BaseResponse | tuple[str, int]:
        shop = store.shop_of(request)
        try:
            return redirect(grant_code(shop, request.args))
        except OAuthError as error:
            return f"Oauth error {error.code}: {error.description}", error.status

    @bp.post("/admin/oauth/access_token")
    def access_token() -> tuple[Response, int]:
        shop = store.shop_of(request)
        form = request.get_json(silent=True) if request.is_json else request.form.to_dict()
        return answer(shop, form if isinstance(form, dict) else {})

    return bp


def answer(shop: "Shop", form: Mapping[str, Any]) -> tuple[Response, int]:
    """The reply of the token endpoint to one request."""
    grant = str(form.get("grant_type") or ("authorization_code" if "code" in form else ""))
    try:
        body = exchange(shop, grant, form)
    except OAuthError as error:
        shop.traffic.record("oauth", grant=grant, status=error.status, error=error.code)
        return jsonify(error=error.code, error_description=error.description), error.status
    shop.traffic.record("oauth", grant=grant, status=200, error=None)
    return jsonify(body), 200


def exchange(shop: "Shop", grant: str, form: Mapping[str, Any]) -> dict[str, Any]:
    """Tokens for a grant. Raises OAuthError."""
    if form.get("client_id") != shop.app.api_key or form.get("client_secret") not in shop.secrets:
        raise OAuthError("invalid_client", "The client is unknown, or its secret is wrong.")
    grants: dict[str, Callable[[Shop, Mapping[str, Any]], dict[str, Any]]] = {
        TOKEN_EXCHANGE: _by_id_token,
        "refresh_token": _by_refresh_token,
        "authorization_code": _by_code,
    }
    if grant not in grants:
        raise OAuthError("unsupported_grant_type", f"The dev store knows no grant {grant!r}.")
    if not shop.is_installed:
        raise OAuthError("invalid_client", "The app is not installed on this shop.")
    return grants[grant](shop, form)


def grant_code(shop: "Shop", query: Mapping[str, str]) -> str:
    """Consent at once: install the app with the asked scopes. Returns the signed address of the app's callback."""
    if query.get("client_id") != shop.app.api_key:
        raise OAuthError("invalid_request", "Could not find Shopify API application with this client_id.")
    target = query.get("redirect_uri", "")
    if not target or target not in _allowed_redirects(shop, target):
        raise OAuthError("invalid_request", "The redirect_uri is not whitelisted.")
    scopes = [scope.strip() for scope in query.get("scope", "").split(",") if scope.strip()]
    shop.install(scopes=scopes or None)
    code = secrets.token_hex(16)
    shop.codes[code] = time.time() + CODE_SECONDS
    signed = {
        "code": code,
        "host": host_param(shop.handle),
        "shop": shop.domain,
        "state": query.get("state", ""),
        "timestamp": str(int(time.time())),
    }
    signed["hmac"] = sign_query(shop.app.api_secret, signed)
    return f"{target}{'&' if '?' in target else '?'}{urlencode(signed)}"


def _allowed_redirects(shop: "Shop", target: str) -> tuple[str, ...]:
    """The toml's addresses, and the same at the app's local address, as `shopify app dev` would have them."""
    declared, public = shop.manifest.redirect_urls, shop.manifest.application_url
    local = tuple(shop.app.app_url + url.removeprefix(public) for url in declared if public and url.startswith(public))
    return (*declared, *local) or (target,)


def host_param(handle: str) -> str:
    """The `host` parameter: base64 of the admin's address, padding stripped as Shopify does."""
    return base64.b64encode(f"admin.shopify.com/store/{handle}".encode()).decode().rstrip("=")


def _by_id_token(shop: "Shop", form: Mapping[str, Any]) -> dict[str, Any]:
    if form.get("subject_token_type") == OFFLINE:
        return _by_legacy_token(shop, form)
    if form.get("subject_token_type") != ID_TOKEN:
        raise OAuthError("invalid_request", "subject_token_type must be an ID token.")
    _check_id_token(shop, str(form.get("subject_token", "")))
    wanted = form.get("requested_token_type")
    if wanted == ONLINE:
        return _online_body(shop)
    if wanted != OFFLINE:
        raise OAuthError("invalid_request", "requested_token_type must be an offline or online access token.")
    return _offline_body(shop, _offline(shop, form))


def _by_legacy_token(shop: "Shop", form: Mapping[str, Any]) -> dict[str, Any]:
    """The way from a token that never expires to an expiring pair, without a person."""
    if form.get("requested_token_type") != OFFLINE or not _is_expiring(form):
        raise OAuthError("invalid_request", "An offline token can only be exchanged for an expiring offline token.")
    try:
        return _offline_body(shop, shop.tokens.migrate(str(form.get("subject_token", ""))))
    except InvalidGrant as error:
        raise OAuthError("invalid_subject_token", str(error)) from error


def _check_id_token(shop: "Shop", token: str) -> None:
    for secret in shop.secrets:
        try:
            identity.verify(token, shop.domain, shop.app.api_key, secret)
        except identity.InvalidIdToken:
            continue
        return
    raise OAuthError("invalid_subject_token", "Token exchange cannot be performed due to an invalid subject token.")


def _by_refresh_token(shop: "Shop", form: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _offline_body(shop, shop.tokens.refresh(str(form.get("refresh_token", ""))))
    except InvalidGrant as error:
        raise OAuthError("invalid_grant", str(error)) from error


def _by_code(shop: "Shop", form: Mapping[str, Any]) -> dict[str, Any]:
    if shop.codes.pop(str(form.get("code")), 0.0) < time.time():
        raise OAuthError("invalid_request", "The authorization code was not found or was already used")
    return _offline_body(shop, _offline(shop, form))


def _offline(shop: "Shop", form: Mapping[str, Any]) -> TokenPair:
    return shop.tokens.issue_offline() if _is_expiring(form) else shop.tokens.issue_legacy()


def _is_expiring(form: Mapping[str, Any]) -> bool:
    return str(form.get("expiring", "0")).lower() in ("1", "true")


def _offline_body(shop: "Shop", pair: TokenPair) -> dict[str, Any]:
    body: dict[str, Any] = {"access_token": pair.access, "scope": ",".join(shop.scopes)}
    if pair.refresh:
        body |= {
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh,
            "refresh_token_expires_in": REFRESH_SECONDS,
        }
    return body


def _online_body(shop: "Shop") -> dict[str, Any]:
    pair = shop.tokens.issue_online(int(str(identity.STAFF["id"])))
    scope = ",".join(shop.scopes)
    return {
        "access_token": pair.access,
        "scope": scope,
        "expires_in": pair.expires_in,
        "associated_user_scope": scope,
        "associated_user": identity.STAFF,
    }
