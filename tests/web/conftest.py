"""The app behind Flask's test client, and a very small Shopify that hands out tokens and tells a shop's facts."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request, Response

from bench import servers
from shopify_app import up
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.tables import Shop
from tests import factories
from tests.apps import an_app
from tests.web.wire import environ

Send = Callable[..., TestResponse]


@dataclass
class SmallShopify:
    """Counts who asks for which kind of token; `refuse` makes the token endpoint say no.

    The Admin API says no to `refused_tokens`. `meanwhile` happens before the token endpoint answers, `on_use`
    before the Admin API does.
    """

    url: str = ""
    grants: list[dict[str, Any]] = field(default_factory=list)
    refuse: str | None = None
    status: int = 200
    slow: threading.Event = field(default_factory=threading.Event)
    scope: str = "read_orders,read_products"
    meanwhile: Callable[[], None] = lambda: None
    on_use: Callable[[str], None] = lambda token: None
    refused_tokens: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response:
        if request.headers.get("X-Shopify-Access-Token") in self.refused_tokens:
            return _json({"errors": "[API] Invalid API key or access token"}, 401)
        if request.path.endswith("/graphql.json"):
            self.on_use(request.headers["X-Shopify-Access-Token"])
            return _json({"data": {"shop": facts(request.host)}})
        with self.lock:
            self.grants.append(json.loads(request.data) | {"shop": request.host})
            number = len(self.grants)
        self.slow.wait(0.2)
        self.meanwhile()
        if self.refuse:
            return _json({"error": self.refuse}, 400)
        if self.status != 200:
            return Response("no", self.status)
        return _json(
            {
                "access_token": f"shpat_{number}",
                "scope": self.scope,
                "expires_in": 3600,
                "refresh_token": f"shprt_{number}",
                "refresh_token_expires_in": 7776000,
            }
        )


def facts(host: str) -> dict[str, Any]:
    name = host.split(".")[0]
    told = {"name": name.title(), "myshopifyDomain": host, "currencyCode": "EUR", "ianaTimezone": "Europe/Berlin"}
    return told | {"shopAddress": {"countryCodeV2": "DE"}}


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, mimetype="application/json")


class Quiet(WSGIRequestHandler):
    """Keeps the server's own log out of the test output."""

    def log_request(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def shopify() -> Iterator[SmallShopify]:
    """A local Shopify."""
    local = SmallShopify()

    @Request.application
    def respond(request: Request) -> Response:
        return local.answer(request)

    server = make_server("127.0.0.1", 0, respond, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    local.url = f"http://127.0.0.1:{server.port}"
    yield local
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(settings: Settings, shopify: SmallShopify) -> Settings:
    """Settings that reach the local Shopify."""
    return replace(settings, dev_shopify_url=shopify.url)


@pytest.fixture
def app(settings: Settings, database: Database) -> Flask:
    """The whole web app."""
    return an_app(settings, database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without cookies, like an embedded page."""
    return app.test_client(use_cookies=False)


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """Deliver a signed webhook: `send(alice, "orders/create", order())`."""

    def post(shop: Shop | str, topic: str, payload: Any, **how: Any) -> TestResponse:
        body, domain = factories.encoded(payload), shop if isinstance(shop, str) else shop.domain
        return client.post("/webhooks", data=body, headers=factories.webhook_headers(domain, topic, body, **how))

    return post


@pytest.fixture
def visit(client: FlaskClient) -> Send:
    """Load an embedded page as the staff of a shop: `visit(alice, "/settings")`."""

    def get(shop: Shop | str, path: str = "/settings", **claims: Any) -> TestResponse:
        domain = shop if isinstance(shop, str) else shop.domain
        told = {"shop": domain, "embedded": "1", "id_token": factories.id_token(domain, **claims)}
        return client.get(f"{path}{'&' if '?' in path else '?'}{urlencode(told)}")

    return get


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    folder = tmp_path_factory.mktemp("door")
    (folder / "foretally.db").write_bytes(sqlite_template.read_bytes())
    return folder


@pytest.fixture(scope="module")
def port(var: Path) -> Iterator[int]:
    """A running web server."""
    free = servers.free_port()
    with servers.web(up.web_command("127.0.0.1", free), free, var / "log", **environ(var)):
        yield free


@pytest.fixture
def post(client: FlaskClient) -> Send:
    """Send a form as the staff of a shop."""

    def send(shop: Shop, path: str, **form: Any) -> TestResponse:
        bearer = {"Authorization": f"Bearer {factories.id_token(shop.domain)}"}
        return client.post(path, data=form, headers=bearer)

    return send
