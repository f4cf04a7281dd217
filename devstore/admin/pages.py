"""The admin's pages: the frame around the app, its tokens, and the two scripts of Shopify's CDN as stand-ins."""

import json
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from devstore.admin.launch import host_parameter, launch_url

HERE = Path(__file__).parent


class App(Protocol):
    """What the admin knows about the app it frames."""

    @property
    def api_key(self) -> str: ...
    @property
    def api_secret(self) -> str: ...
    @property
    def app_url(self) -> str: ...


class Shop(Protocol):
    """What the admin needs of a shop."""

    @property
    def is_installed(self) -> bool: ...
    def mint_id_token(self) -> str: ...
    def install(self) -> object: ...


class Store(Protocol):
    """What the admin needs of the local Shopify; `shop` raises UnknownShop for a handle nobody has."""

    @property
    def app(self) -> App: ...
    def shop(self, handle: str) -> Shop: ...


def blueprint(store: Store) -> Blueprint:
    """Routes of the admin for every shop of `store`."""
    bp = Blueprint("admin", __name__, static_folder="static", static_url_path="/_admin", template_folder="templates")

    @bp.get("/store/<handle>")
    def home(handle: str) -> AnyResponse:
        store.shop(handle)
        return redirect(url_for("admin.frame", handle=handle, api_key=store.app.api_key))

    @bp.get("/store/<handle>/apps/<api_key>")
    @bp.get("/store/<handle>/apps/<api_key>/")
    @bp.get("/store/<handle>/apps/<api_key>/<path:path>")
    def frame(handle: str, api_key: str, path: str = "") -> str:
        if api_key != store.app.api_key:
            abort(404, f"There is no app {api_key!r} here; the one there is has the key {store.app.api_key!r}.")
        if not store.shop(handle).is_installed:
            return render_template("admin/install.html", handle=handle, api_key=api_key)
        config = {
            "handle": handle,
            "appOrigin": store.app.app_url,
            "appPath": f"/store/{handle}/apps/{api_key}",
            "path": "/" + path + (f"?{request.query_string.decode()}" if request.query_string else ""),
        }
        return render_template("admin/frame.html", config=config, handle=handle)

    @bp.post("/store/<handle>/apps/<api_key>/install")
    def install(handle: str, api_key: str) -> AnyResponse:
        store.shop(handle).install()
        return redirect(url_for("admin.frame", handle=handle, api_key=api_key), code=303)

    @bp.get("/store/<handle>/id-token")
    def id_token(handle: str) -> dict[str, str]:
        return {"idToken": store.shop(handle).mint_id_token()}

    @bp.get("/store/<handle>/launch")
    def launch(handle: str) -> dict[str, str]:
        place = urlsplit(request.args.get("path", "/"))
        src = launch_url(
            app_url=store.app.app_url,
            path=place.path,
            query=place.query,
            domain=f"{handle}.myshopify.com",
            host=host_parameter(request.host_url, handle),
            id_token=store.shop(handle).mint_id_token(),
            secret=store.app.api_secret,
        )
        return {"src": src}

    @bp.get("/cdn/app-bridge.js")
    def app_bridge() -> Response:
        return _script((HERE / "cdn" / "app-bridge.js").read_text())

    @bp.get("/cdn/polaris-1.js")
    def polaris() -> Response:
        styles = json.dumps((HERE / "cdn" / "polaris-1.css").read_text())
        return _script((HERE / "cdn" / "polaris-1.js").read_text().replace('"/* styles */"', styles))

    return bp


def _script(text: str) -> Response:
    return Response(text, mimetype="text/javascript", headers={"Cache-Control": "no-cache"})
