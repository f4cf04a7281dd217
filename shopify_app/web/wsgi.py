"""A WSGI application called with a request that was read already, and its answer as plain values."""

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = Iterable[tuple[bytes, bytes]]
Answer = tuple[int, list[tuple[str, str]], bytes]
UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def environ(scope: Any, body: bytes) -> dict[str, Any]:
    """The request as PEP 3333 describes it. `scope` is ASGI's; there is no client in it who hung up at once."""
    (server, port), (client, client_port) = scope["server"], scope["client"] or ("", 0)
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client,
        "REMOTE_PORT": str(client_port),
        **_headers(scope["headers"]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
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


def joined(headers: Headers) -> dict[str, str]:
    """Headers by lower-case name; what comes twice is joined, as HTTP says."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in found:
            value = f"{found[name]}{'; ' if name == 'cookie' else ','}{value}"
        found[name] = value
    return found


def _headers(headers: Headers) -> dict[str, str]:
    """Headers by their CGI names; a name with an underscore could pass for another one, so it is left out."""
    return {
        UNPREFIXED.get(name) or f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in joined(headers).items()
        if "_" not in name
    }
