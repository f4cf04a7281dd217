"""The dev store: one process that plays Shopify for several shops and one app."""

import logging
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response, jsonify, request, send_file
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from devstore import admin, control, oauth, proxy, storefront
from devstore.config import AppConfig, ShopConfig
from devstore.courier import Courier
from devstore.errors import BadRequest, ConfigError, UnknownShop
from devstore.graphql import endpoint
from devstore.manifest import read
from devstore.selling import Seller
from devstore.shop import Shop
from devstore.state import State

STOPS_WITHIN = 0.05
"""Seconds until the server sees that it should end; every test that starts one waits for that."""
DOMAIN = re.compile(r"([a-z0-9][a-z0-9-]*)\.myshopify\.com(:\d+)?")


class DevStore:
    """Shops, their Flask app (`wsgi`) and a server for it. Use `start` and `stop`, or the app alone in tests."""

    def __init__(self, shops: Iterable[ShopConfig], app: AppConfig, state: Path | None = None) -> None:
        self.app, self.manifest = app, read(app.toml)
        self._scratch = None if state else Path(tempfile.mkdtemp(prefix="devstore-"))
        self._state = State(state)
        self.courier = Courier(self._state)
        files = (state or self._scratch or Path()) / "bulk"
        self._shops = {
            one.handle: Shop(one, app, self.manifest, self._state, self.courier, files) for one in _distinct(shops)
        }
        self.sellers = {handle: Seller(shop, self.courier) for handle, shop in self._shops.items()}
        self.base_url = "http://localhost:8801"
        """Where this dev store is reached; right once it is started."""
        self.wsgi = self._flask()
        self._server: BaseWSGIServer | None = None

    @property
    def handles(self) -> list[str]:
        """The handles of all shops."""
        return list(self._shops)

    def shop(self, handle: str) -> Shop:
        """The shop of a handle. Raises UnknownShop."""
        if handle not in self._shops:
            raise UnknownShop(f"no shop {handle!r} here; there are {', '.join(self._shops)}")
        return self._shops[handle]

    def shop_of(self, request: Request) -> Shop:
        """The shop that a request's Host header names. Raises UnknownShop."""
        found = DOMAIN.fullmatch(request.host.lower())
        return self.shop(found[1] if found else request.host)

    def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Serve in background threads, and let the clocks of shops with a speed run. Returns the base address."""
        self._server = _bind(self.wsgi, host, port)
        self.base_url = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(STOPS_WITHIN,), name="devstore", daemon=True).start()
        for handle, shop in self._shops.items():
            self.sellers[handle].run(shop.config.speed)
        return self.base_url

    def stop(self) -> None:
        """End everything; what is not delivered goes out after the next start with the same state folder."""
        for handle, seller in self.sellers.items():
            seller.stop()
            self._shops[handle].flow.stop()
            self._shops[handle].bulk.stop()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self.courier.stop()
        self._state.close()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _flask(self) -> Flask:
        app = Flask("devstore", static_folder=None)
        for blueprint in (
            oauth.blueprint(self),
            endpoint.blueprint(self),
            proxy.blueprint(self),
            control.blueprint(self),
            admin.blueprint(self),
            storefront.blueprint(self),
        ):
            app.register_blueprint(blueprint)
        app.add_url_rule("/bulk/<int:operation_id>.jsonl", view_func=self._bulk_file)
        app.register_error_handler(UnknownShop, lambda error: (str(error.args[0]), 404))
        app.register_error_handler(BadRequest, lambda error: (jsonify(error=str(error)), 400))
        app.register_error_handler(Exception, _say_what_broke)
        return app

    def _bulk_file(self, operation_id: int) -> Response:
        expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
        for shop in self._shops.values():
            found = shop.bulk.file(operation_id, expires, signature)
            if found:
                return send_file(found.resolve(), mimetype="application/jsonl", conditional=True)
        return Response("The address of this result is wrong or too old.", 403)


def _distinct(shops: Iterable[ShopConfig]) -> list[ShopConfig]:
    listed = list(shops)
    handles = [one.handle for one in listed]
    for handle in handles:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", handle):
            raise ConfigError(f"{handle!r} is no shop handle: lower-case letters, digits and hyphens")
        if handles.count(handle) > 1:
            raise ConfigError(f"the shop {handle!r} is there twice")
    return listed


def _say_what_broke(error: Exception) -> Any:
    if isinstance(error, HTTPException):
        return error
    logging.getLogger("devstore").exception("devstore broke on %s %s", request.method, request.path)
    return jsonify(error=f"devstore broke: {error!r}"), 500


class _Handler(WSGIRequestHandler):
    """Keeps connections open and says nothing for good requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Stay silent: recorded traffic is at the control door."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Browsers hang up; nothing is wrong."""


def _bind(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """A threaded server on a port. Raises ConfigError when the port is taken, or none."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError:
            raise ConfigError(f"--port {port} is none: ports end at 65535") from None
        except OSError as error:
            raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from error
    return make_server(host, port, app, threaded=True, request_handler=_Handler)
