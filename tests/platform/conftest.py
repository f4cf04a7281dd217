"""A real little HTTP server that answers as told, and the reference data beside the repository when it is there."""

import gzip
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
import requests
from graphql import GraphQLSchema, build_client_schema, build_schema
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.http import session

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("FORETALLY_SHARED", ROOT.parent / "shared"))
SCHEMA = SHARED / "shopify" / "admin_schema_2026-10.graphql.gz"
SCOPES = SHARED / "shopify" / "admin_scopes_2026-10.json.gz"
NPM = ROOT / "node_modules" / "@shopify" / "dev-mcp" / "dist" / "data" / "admin_2026-10.json.gz"

Answer = Response | Callable[[Request], Response]


@dataclass
class LocalShopify:
    """Gives the answers it was told, in order, and remembers what it was asked."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def will_answer(self, *answers: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Queue answers: a dict becomes JSON, text and bytes go out as they are."""
        for one in answers:
            body = json.dumps(one) if isinstance(one, dict | list) else one
            self.answers.append(body if callable(body) else Response(body, status=status, headers=headers))

    def will_break_off(self, body: bytes, promised: int) -> None:
        """Queue an answer whose connection ends before the promised bytes are there."""
        headers = {"Content-Length": str(promised), "Connection": "close"}
        self.answers.append(Response(iter([body]), headers=headers))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else Response("nothing left to answer", status=418)
        return (answer if isinstance(answer, Response) else answer(request))(environ, start_response)


class Quiet(WSGIRequestHandler):
    """Keeps the server's own log out of the test output."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def shopify() -> Iterator[LocalShopify]:
    local = LocalShopify()
    server = make_server("127.0.0.1", 0, local, threaded=True, request_handler=Quiet)
    local.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield local
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def http(shopify: LocalShopify) -> Iterator[requests.Session]:
    with session(shopify.url) as made:
        yield made


@pytest.fixture
def api(http: requests.Session) -> AdminApi:
    return AdminApi("alice.myshopify.com", "shpat_of_alice", http)


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    path = SHARED / "shopify" / "vectors.json"
    if not path.is_file():
        pytest.skip(f"no signature vectors at {path.parent}: CI has none either; tests/peers judges the same kinds")
    return dict(json.loads(path.read_text()))


@pytest.fixture(scope="session")
def introspection() -> dict[str, Any] | None:
    """The published schema with its marks (scopes, protected data), from the pinned npm package, when installed."""
    return dict(json.load(gzip.open(NPM))) if NPM.is_file() else None


@pytest.fixture(scope="session")
def admin_schema(introspection: dict[str, Any] | None) -> GraphQLSchema:
    if introspection:
        return build_client_schema(introspection["data"], assume_valid=True)
    if not SCHEMA.is_file():
        unavailable("no published Admin schema: `npm ci` for @shopify/dev-mcp, or set FORETALLY_SHARED")
    return build_schema(gzip.open(SCHEMA, "rt").read(), assume_valid=True)


@pytest.fixture(scope="session")
def scopes_by_type(introspection: dict[str, Any] | None) -> dict[str, list[str]]:
    """For each type that asks for access scopes, those of which one is enough."""
    if introspection:
        items = introspection["offline_scopes"]["items"]
        return {
            one["typeName"]: one["offlineScopes"] for one in items if one["type"] == "type" and one["offlineScopes"]
        }
    if not SCOPES.is_file():
        unavailable("no published access scopes: `npm ci` for @shopify/dev-mcp, or set FORETALLY_SHARED")
    return {name: entry["scopes"] for name, entry in json.load(gzip.open(SCOPES))["types"].items()}


def unavailable(reason: str) -> NoReturn:
    """Skip on a laptop; fail in CI, where everything a test needs has to be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
