"""The web server: uvicorn with a short cut for webhooks; every other request goes through the door to Flask.

A webhook is answered right after its last byte is parsed. Going around ASGI saves a task, an event and a dozen
dictionaries: a fifth of its CPU time.
"""

import asyncio
import logging
import socket
import sys
from collections import deque
from http import HTTPStatus
from math import inf

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shopify_app.web.acceptance import PATIENCE
from shopify_app.web.door import Door
from shopify_app.web.webhook_cycle import WebhookCycle

WEBHOOKS = b"/webhooks"
CONNECTIONS = 1024
"""Open at once, idle ones too; further ones are answered 503."""
HEAD_SECONDS = 10.0
"""Time for a request's line and headers to arrive."""
LONGEST_HEAD = 64 << 10
"""Bytes of a request's line and headers, or of trailers; Shopify and browsers send a tenth of it."""
AHEAD = 100
"""Pipelined requests that may wait on one connection; further ones are not read."""
UNREAD_SECONDS = 30.0
"""Time without any of an answer being read before the connection is dropped."""
IDLE_SECONDS = 95
"""Longer than proxies keep theirs, so that none sends into a connection that is just being closed."""
GRACE_SECONDS = 9
"""Time for running requests at shutdown; Docker kills after ten seconds."""
LAST_SECONDS = 0.5
"""Time for a request that was sent just as shutdown began."""
NOWHERE: deque[tuple[bytes, bytes]] = deque(maxlen=0)
"""Swallows trailers (headers behind a body): unsigned, and unseen by a proxy in front of us."""


def run(door: Door, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; then finish running requests."""
    # A request changes threads several times, and may wait this long each time: the default is 5 ms.
    sys.setswitchinterval(0.0005)
    logging.getLogger("uvicorn.error").setLevel(
        logging.ERROR
    )  # or each scanner that speaks no HTTP would be a log line
    server(door, host, port).run()


def server(door: Door, host: str, port: int) -> "Server":
    """A server that is not running yet."""
    return Server(
        uvicorn.Config(
            door,
            host,
            port,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


class Server(uvicorn.Server):
    """uvicorn with one clock for all timeouts: a timer per connection would cost more than the parser."""

    async def on_tick(self, counter: int) -> bool:
        """Check timeouts ten times a second."""
        self._look()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish running requests, with the same timeouts as before."""
        looking = asyncio.create_task(self._keep_looking())
        await super().shutdown(sockets)
        looking.cancel()

    async def _keep_looking(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(0.1)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.look(now)


class Connection(HttpToolsProtocol):
    """One connection. It answers one request at a time; pipelined ones wait."""

    app: Door
    until = inf
    """When the current wait times out, by the event loop's clock: for the client or for the database."""
    _first: RequestResponseCycle | None = None
    """The request being answered; `cycle` is the newest one."""
    _is_ending = False
    _is_in_head = False
    _has_moved = False
    _head_bytes = 0
    _unread = 0
    _unread_since = inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout for the first request's headers."""
        super().connection_made(transport)
        self.until = self.loop.time() + HEAD_SECONDS

    def connection_lost(self, exc: Exception | None) -> None:
        """Mark the running request as disconnected."""
        if self._first is not None:
            self._first.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse headers that do not end."""
        self._has_moved = False
        super().data_received(data)
        if self._has_moved:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > LONGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client stopped sending; keep the connection open while it still waits for answers."""
        return self._owes_answers()

    def send_400_response(self, msg: str) -> None:
        """Answer 400, unless complete requests still wait for their answers."""
        if not self._owes_answers():
            super().send_400_response(msg)

    def _owes_answers(self) -> bool:
        """Whether complete requests still wait for answers. If so, the last answer closes the connection."""
        if self._is_free() or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def shutdown(self) -> None:
        """The server shuts down: answer what is already on its way, then close."""
        self._is_ending = True
        if self._is_free():
            self.until = self.loop.time() + LAST_SECONDS
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        """The client does not read its answers: stop reading its requests."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self.flow.resume_reading()

    def on_message_begin(self) -> None:
        """Start the timeout for this request's headers."""
        super().on_message_begin()
        self._is_in_head = True
        if self._is_free():
            self.until = self.loop.time() + HEAD_SECONDS

    def on_headers_complete(self) -> None:
        """Send an ordinary webhook down the short cut, and everything else to Flask, odd webhooks included."""
        self._is_in_head = False
        if not self._is_free():
            if len(self.pipeline) >= AHEAD:
                raise OverflowError  # for the parser: it gives up
            super().on_headers_complete()
        elif self._is_webhook():
            self.until = self.loop.time() + PATIENCE
            self.cycle = self._first = WebhookCycle(self, self.app.hooks)
        else:
            self.until = inf
            super().on_headers_complete()
            self._first = self.cycle
        self.headers = NOWHERE  # type: ignore[assignment]
        if self._is_ending or self.parser.should_upgrade():  # the parser would take its body for the next request
            self.cycle.keep_alive = False

    def _is_free(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_webhook(self) -> bool:
        is_one = self.url == WEBHOOKS and self.parser.get_method() == b"POST"
        return is_one and not self.expect_100_continue and len(self.connections) < CONNECTIONS

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of the body."""
        self._has_moved = True
        if isinstance(self.cycle, WebhookCycle):
            self.cycle.add(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._has_moved = True
        if isinstance(self.cycle, WebhookCycle):
            self.cycle.take()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next pipelined request, or wait for one."""
        if self.pipeline:
            self._first, self.until = self.pipeline[-1][0], inf
        else:
            self.until = self.loop.time() + (HEAD_SECONDS if self._is_in_head else IDLE_SECONDS)
        super().on_response_complete()
        if self.flow.write_paused:
            self.flow.pause_reading()

    def look(self, now: float) -> None:
        """Enforce the timeouts."""
        if now > self.until:
            self._is_late()
        unread = self.transport.get_write_buffer_size()
        if not unread or unread != self._unread:
            self._unread, self._unread_since = unread, now
        elif now > self._unread_since + UNREAD_SECONDS:
            self.transport.abort()

    def _is_late(self) -> None:
        self.until = inf
        if isinstance(self._first, WebhookCycle) and not self._first.response_complete:
            self._first.is_late()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Close the connection: after the answers it still owes, or with `status` when part of a request has come."""
        if self._owes_answers():
            self.flow.pause_reading()
            return
        if self._is_in_head and self._is_free():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
