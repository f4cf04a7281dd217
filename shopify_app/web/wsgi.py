"""A WSGI application called with a request that was read already, and its answer as plain values."""

import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Request(NamedTuple):
    """The head of a request. Texts are latin-1, as WSGI wants them; names of headers are in lower case."""

    method: str
    path: str
    """Without percent signs."""
    query: str
    version: str
    headers: Mapping[str, str]
    client: tuple[Any, ...]
    server: tuple[Any, ...]
    keeps: bool
    """Whether the client wants to go on with this connection."""


class Answer(NamedTuple):
    """Status, headers and body."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def environ(request: Request, body: bytes) -> dict[str, Any]:
    """The request as PEP 3333 describes it."""
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": str(request.server[0]),
        "SERVER_PORT": str(request.server[1]),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "REMOTE_ADDR": str(request.client[0]),
        "REMOTE_PORT": str(request.client[1]),
        **_headers(request.headers),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
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
    return Answer(started[0], started[1], body)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by their CGI names; a name with an underscore could pass for another one, so it is left out."""
    named = {name: value for name, value in headers.items() if "_" not in name}
    return {UNPREFIXED.get(name) or f"HTTP_{name.upper().replace('-', '_')}": named[name] for name in named}
