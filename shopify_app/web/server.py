"""The web server: uvicorn, which answers a webhook where its last byte is parsed, and lets the door answer the rest.

A webhook takes a task, an event and a dozen dictionaries less than through ASGI: a fifth of its CPU time.
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
from shopify_app.web.delivery import Delivery
from shopify_app.web.door import Door

WEBHOOKS = b"/webhooks"
CONNECTIONS = 1024
"""Idle ones count too: whoever comes after them hears 503."""
HEAD_SECONDS = 10.0
"""For a request's line and headers to arrive in."""
LONGEST_HEAD = 64 << 10
"""Bytes of a request's line and headers, or of what follows a body; what Shopify and browsers send is a tenth of it."""
AHEAD = 100
"""Requests that a connection may send before their turn; the rest of what came with them is not read."""
UNREAD_SECONDS = 30.0
"""For some of an answer to be taken by its reader."""
IDLE_SECONDS = 95
"""A connection is kept for longer than proxies keep theirs, so that none sends into one that is just being closed."""
GRACE_SECONDS = 9
"""For answers that are under way at the end; Docker kills after ten."""
LAST_SECONDS = 0.5
"""For a request that was sent when the server began to end."""
NOWHERE: deque[tuple[bytes, bytes]] = deque(maxlen=0)
"""For headers that come behind a body: nobody signed them, and who stands in front of us did not see them."""


def run(door: Door, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; then let the answers that are under way be given."""
    # An answer changes threads several times, and each time may wait this long for one that is busy: 5 ms by default.
    sys.setswitchinterval(0.0005)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # else every scanner that speaks no HTTP is a line
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
    """uvicorn, with one clock for what every connection waits for: a timer each would cost more than a parser."""

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        self._look()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the answers that are under way be given; nobody is waited for longer than at other times."""
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
    """One connection. It answers a request at a time, and what came too early waits."""

    app: Door
    until = inf
    """When the other side, or the database, has had enough time; as the event loop counts it."""
    _first: RequestResponseCycle | None = None
    """The request whose turn it is; `cycle` is the one that came last."""
    _is_ending = False
    _is_in_head = False
    _has_moved = False
    _head_bytes = 0
    _unread = 0
    _unread_since = inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody came."""
        super().connection_made(transport)
        self.until = self.loop.time() + HEAD_SECONDS

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        if self._first is not None:
            self._first.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse it."""
        self._has_moved = False
        super().data_received(data)
        if self._has_moved:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > LONGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def eof_received(self) -> bool:  # type: ignore[override]
        """They have said all they had to say, and may still listen."""
        return self._owes_answers()

    def send_400_response(self, msg: str) -> None:
        """What follows is no HTTP."""
        if not self._owes_answers():
            super().send_400_response(msg)

    def _owes_answers(self) -> bool:
        """Whether requests wait for their answers that came whole. The last of them ends the connection."""
        if self._is_free() or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def shutdown(self) -> None:
        """The server ends. What is on its way to it is still answered."""
        self._is_ending = True
        if self._is_free():
            self.until = self.loop.time() + LAST_SECONDS
        else:
            super().shutdown()

    def pause_writing(self) -> None:
        """They do not read their answers, so we do not read their questions."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """They do."""
        super().resume_writing()
        self.flow.resume_reading()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._is_in_head = True
        if self._is_free():
            self.until = self.loop.time() + HEAD_SECONDS

    def on_headers_complete(self) -> None:
        """Its body begins. What is rare goes the usual way, to Flask, which answers webhooks too."""
        self._is_in_head = False
        if not self._is_free():
            if len(self.pipeline) >= AHEAD:
                raise OverflowError  # for the parser: it gives up
            super().on_headers_complete()
        elif self._is_webhook():
            self.until = self.loop.time() + PATIENCE
            self.cycle = self._first = Delivery(self, self.app.hooks)
        else:
            self.until = inf
            super().on_headers_complete()
            self._first = self.cycle
        self.headers = NOWHERE  # type: ignore[assignment]
        if self._is_ending or self.parser.should_upgrade():  # the parser takes its body for a next request
            self.cycle.keep_alive = False

    def _is_free(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_webhook(self) -> bool:
        is_one = self.url == WEBHOOKS and self.parser.get_method() == b"POST"
        return is_one and not self.expect_100_continue and len(self.connections) < CONNECTIONS

    def on_body(self, body: bytes) -> None:
        """A piece of its body."""
        self._has_moved = True
        if isinstance(self.cycle, Delivery):
            self.cycle.add(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """It is here."""
        self._has_moved = True
        if isinstance(self.cycle, Delivery):
            self.cycle.take()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is answered."""
        if self.pipeline:
            self._first, self.until = self.pipeline[-1][0], inf
        else:
            self.until = self.loop.time() + (HEAD_SECONDS if self._is_in_head else IDLE_SECONDS)
        super().on_response_complete()
        if self.flow.write_paused:
            self.flow.pause_reading()

    def look(self, now: float) -> None:
        """End what took too long."""
        if now > self.until:
            self._is_late()
        unread = self.transport.get_write_buffer_size()
        if not unread or unread != self._unread:
            self._unread, self._unread_since = unread, now
        elif now > self._unread_since + UNREAD_SECONDS:
            self.transport.abort()

    def _is_late(self) -> None:
        self.until = inf
        if isinstance(self._first, Delivery) and not self._first.response_complete:
            self._first.is_late()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Hang up on a request whose headers do not end; there is nothing to answer before its first byte."""
        if self._owes_answers():
            self.flow.pause_reading()
            return
        if self._is_in_head and self._is_free():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
