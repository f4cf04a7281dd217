"""The server's first step: reads each body within limits, answers webhooks itself, passes the rest to Flask.

Reading holds no thread, so a slow sender keeps nobody waiting. Flask works in threads, behind. For granian (RSGI).
"""

import asyncio
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shopify_app.errors import Refused
from shopify_app.web import wsgi
from shopify_app.web.body import LARGEST, whole_body_of
from shopify_app.web.hooks import Hooks, Reply

WEBHOOKS = "/webhooks"
BODY_SECONDS = 10.0
"""For the body of a page's form to arrive in; `Hooks` is stricter."""
THREADS = 8
"""Requests that Flask works on at the same time."""
SAFE = (
    ("content-type", "text/plain; charset=utf-8"),
    ("content-security-policy", "frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
)


class Door:
    """An RSGI application: our answers to webhooks, and a WSGI application behind it."""

    def __init__(self, hooks: Hooks, behind: wsgi.Application) -> None:
        self._hooks = hooks
        self._behind = behind
        self._threads = ThreadPoolExecutor(THREADS, "flask")

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request. There are no websockets here."""
        if scope.proto != "http":
            protocol.close(403)
        elif scope.path == WEBHOOKS and scope.method == "POST":
            headers = scope.headers
            reply = await self._hooks.take_soon(headers, _body(headers, protocol))
            protocol.response_bytes(*_told(reply))
        else:
            protocol.response_bytes(*await self._page(scope, protocol))

    async def _page(self, scope: Any, protocol: Any) -> wsgi.Answer:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(scope.headers, protocol)
        except TimeoutError:
            return _told(Reply(408, "too_slow"))
        except Refused as refused:
            return _told(Reply(refused.status, refused.code))
        environ, loop = wsgi.environ(scope, body), asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, wsgi.call, self._behind, environ)


def _told(reply: Reply) -> wsgi.Answer:
    return reply.status, [*SAFE, *reply.headers], reply.text.encode()


def _body(headers: Mapping[str, str], protocol: Any) -> Awaitable[bytes]:
    """The whole body. Waiting for it raises Refused when it is too large."""
    length = headers.get("content-length") or ""
    if length.isdigit() and int(length) <= LARGEST:
        whole: Awaitable[bytes] = protocol()
        return whole
    return whole_body_of(protocol)
