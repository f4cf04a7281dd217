"""A WSGI application called with a request that was read already, and its answer as plain values."""

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Answer = tuple[int, list[tuple[str, str]], bytes]
UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def environ(scope: Any, body: bytes) -> dict[str, Any]:
    """The request as PEP 3333 describes it. `scope` is RSGI's."""
    server, _, port = scope.server.rpartition(":")
    client, _, client_port = scope.client.rpartition(":")
    return {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client,
        "REMOTE_PORT": client_port,
        **_headers(scope),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def call(application: Application, environ: dict[str, Any]) -> Answer:
    """Status, headers and body of the application's answer."""
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        started[:] = [int(status[:3]), headers]

    pieces = application(environ, start)
    try:
        body = b"".join(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return started[0], started[1], body


def _headers(scope: Any) -> dict[str, str]:
    """Headers by their CGI names; a name with an underscore could pass for another one, so it is left out."""
    found: dict[str, str] = {}
    for name, value in scope.headers.items():
        key = UNPREFIXED.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        if "_" not in name:
            glue = "; " if name == "cookie" else ","
            found[key] = f"{found[key]}{glue}{value}" if key in found else value
    if scope.authority:
        found.setdefault("HTTP_HOST", scope.authority)
    return found
