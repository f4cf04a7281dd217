"""The door in front of Flask: each request's body is read first, within limits, and Flask answers in a thread.

Reading holds no thread, so a slow sender keeps nobody waiting. An ASGI application.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shopify_app.errors import Refused
from shopify_app.web import wsgi
from shopify_app.web.body import Pieces
from shopify_app.web.hooks import Hooks

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

BODY_SECONDS = 10.0
"""For the body of a page's form to arrive in; webhooks have less."""
THREADS = 8
"""Requests that Flask works on at the same time."""
SAFE = (
    ("content-type", "text/plain; charset=utf-8"),
    ("content-security-policy", "frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
)


class Door:
    """A WSGI application behind an event loop, and the hooks that answer webhooks without it."""

    def __init__(self, hooks: Hooks, behind: wsgi.Application) -> None:
        self.hooks = hooks
        self._behind = behind
        self._threads = ThreadPoolExecutor(THREADS, "flask")

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive)
        except ConnectionError:
            return
        except TimeoutError:
            answer = _refused(Refused("too_slow", status=408))
        except Refused as refused:
            answer = _refused(refused)
        else:
            loop = asyncio.get_running_loop()
            environ = wsgi.environ(scope, body)
            answer = await loop.run_in_executor(self._threads, wsgi.call, self._behind, environ)
        await _tell(answer, send)


async def _body(receive: Receive) -> bytes:
    """The whole body. Raises Refused when it is too large, ConnectionError when the sender went away in it."""
    pieces, more = Pieces(), True
    while more:
        piece = await receive()
        if piece["type"] == "http.disconnect":
            raise ConnectionError
        more = pieces.add(piece.get("body", b"")) and piece.get("more_body", False)
    return pieces.whole()


def _refused(refused: Refused) -> wsgi.Answer:
    """What is read no further ends the connection: its rest would look like a next request."""
    return refused.status, [*SAFE, ("connection", "close")], refused.code.encode()


async def _tell(answer: wsgi.Answer, send: Send) -> None:
    status, headers, body = answer
    told = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    lines = [line for line in told if line[0] != b"date"]  # the server dates every answer
    if status not in (204, 304) and not any(name == b"content-length" for name, _ in lines):
        lines.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
