"""The server's first step: answers webhooks itself, and passes the rest to Flask, which works in threads behind it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

from shopify_app.errors import Refused
from shopify_app.log import log
from shopify_app.web import wsgi
from shopify_app.web.acceptance import PATIENCE
from shopify_app.web.hooks import Hooks, Reply
from shopify_app.web.wsgi import Answer, Request

WEBHOOKS = "/webhooks"
BODY_SECONDS = 10.0
"""For the body of a page's form to arrive in. A webhook has PATIENCE from its head to its answer."""
THREADS = 8
"""Requests that Flask works on at the same time."""
SAFE = (
    ("content-type", "text/plain; charset=utf-8"),
    ("content-security-policy", "frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
)
FAILED = Reply(500, "error")


class Door:
    """Our answers to webhooks, and a WSGI application behind it."""

    def __init__(self, hooks: Hooks, behind: wsgi.Application) -> None:
        self._hooks = hooks
        self._behind = behind
        self._threads = ThreadPoolExecutor(THREADS, "flask")

    def patience(self, request: Request) -> float:
        """Seconds for the body to arrive in."""
        return PATIENCE if _is_hook(request) else BODY_SECONDS

    def take(self, request: Request, body: bytes, answer: Callable[[Answer], None]) -> None:
        """Answer, now or later."""
        if _is_hook(request):
            self._hooks.take_soon(request.headers, body, lambda reply: answer(told(reply)))
        else:
            loop = asyncio.get_running_loop()
            done = loop.run_in_executor(self._threads, wsgi.call, self._behind, wsgi.environ(request, body))
            done.add_done_callback(partial(_pass_on, answer))

    def late(self, request: Request, arrived: bool) -> Answer | None:
        """What is said when a body or our database was too slow; pages take the time they take."""
        if not arrived:
            return told(self._hooks.too_slow() if _is_hook(request) else Reply(408, "too_slow"))
        return told(self._hooks.too_late()) if _is_hook(request) else None

    def refuse(self, refused: Refused) -> Answer:
        """What is said to what is too large, or no HTTP."""
        return told(Reply(refused.status, refused.code))


@lru_cache(maxsize=64)
def told(reply: Reply) -> Answer:
    """A reply as the connection sends it."""
    return Answer(reply.status, (*SAFE, *reply.headers), reply.text.encode())


def _is_hook(request: Request) -> bool:
    return request.path == WEBHOOKS and request.method == "POST"


def _pass_on(answer: Callable[[Answer], None], done: "asyncio.Future[Answer]") -> None:
    error = done.exception()
    if error is not None:
        log.error("a request failed outside of Flask", exc_info=error)
    answer(told(FAILED) if error else done.result())
