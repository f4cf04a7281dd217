"""The web server: uvicorn, which answers a webhook where its last byte is parsed, and lets the door answer the rest.

A webhook takes a task, an event and a dozen dictionaries less than through ASGI: a fifth of its CPU time.
"""

import asyncio
import logging
import sys
from http import HTTPStatus
from math import inf

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shopify_app import behind_door
from shopify_app.config import Settings
from shopify_app.errors import Refused
from shopify_app.web.acceptance import PATIENCE, Busy
from shopify_app.web.body import Pieces
from shopify_app.web.door import SAFE, Door
from shopify_app.web.hooks import Hooks, Reply, turned_away
from shopify_app.web.wsgi import joined

WEBHOOKS = b"/webhooks"
CONNECTIONS = 1024
"""Idle ones count too: whoever comes after them hears 503."""
HEAD_SECONDS = 10.0
"""For a request's line and headers to arrive in."""
LONGEST_HEAD = 64 << 10
"""Bytes of a request's line and headers; what Shopify and browsers send is a tenth of it."""
IDLE_SECONDS = 95
"""A connection is kept for longer than proxies keep theirs, so that none sends into one that is just being closed."""
GRACE_SECONDS = 10


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; then let the answers that are under way be given."""
    # An answer changes threads several times, and each time may wait this long for one that is busy: 5 ms by default.
    sys.setswitchinterval(0.0005)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # else every scanner that speaks no HTTP is a line
    server(behind_door(settings), host, port).run()


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
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection) and now > connection.until:
                connection.is_late()
        return await super().on_tick(counter)


class Connection(HttpToolsProtocol):
    """One connection. It answers a request at a time, and what came too early waits."""

    app: Door
    until = inf
    """When the other side, or the database, has had enough time; as the event loop counts it."""
    _delivery: "Delivery | None" = None
    _is_in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody came."""
        super().connection_made(transport)
        self.until = self.loop.time() + HEAD_SECONDS

    def data_received(self, data: bytes) -> None:
        """Parse it."""
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        if self._is_free():
            self.until = self.loop.time() + HEAD_SECONDS

    def on_headers_complete(self) -> None:
        """Its body begins. What is rare goes the usual way, to Flask, which answers webhooks too."""
        self._is_in_head = False
        if not self._is_free():
            super().on_headers_complete()
        elif self._is_webhook():
            self.until = self.loop.time() + PATIENCE
            self.cycle = self._delivery = Delivery(self, self.app.hooks)
        else:
            self.until = inf
            super().on_headers_complete()

    def _is_free(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_webhook(self) -> bool:
        is_one = self.url == WEBHOOKS and self.parser.get_method() == b"POST"
        return is_one and not self.expect_100_continue and len(self.connections) < CONNECTIONS

    def on_body(self, body: bytes) -> None:
        """A piece of its body."""
        if isinstance(self.cycle, Delivery):
            self.cycle.add(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """It is here."""
        if isinstance(self.cycle, Delivery):
            self.cycle.take()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is answered."""
        self.until = self.loop.time() + HEAD_SECONDS if self._is_in_head else inf
        super().on_response_complete()

    def is_late(self) -> None:
        """End what took too long."""
        self.until = inf
        if self._delivery is not None and not self._delivery.response_complete:
            self._delivery.is_late()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Hang up on a request whose headers do not end; there is nothing to answer before its first byte."""
        if self._head_bytes and self._is_free():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


class Delivery(RequestResponseCycle):
    """A webhook on its way: its body comes in pieces, and it is answered when it is stored."""

    def __init__(self, connection: Connection, hooks: Hooks) -> None:
        super().__init__(
            scope=connection.scope,
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=connection.parser.get_http_version() != "1.0" and connection.parser.should_keep_alive(),
            on_response=connection.on_response_complete,
        )
        self._loop = connection.loop
        self._hooks = hooks
        self._pieces = Pieces()

    def add(self, piece: bytes) -> None:
        """Some of its body."""
        if not self.response_complete and not self._pieces.add(piece):
            self.keep_alive = False  # what still comes of it would look like a next request
            self.take()

    def take(self) -> None:
        """All of its body is here, or too much of it."""
        if self.response_complete:
            return
        self.more_body = False
        try:
            body = self._pieces.whole()
        except Refused as refused:
            self.answer(turned_away(refused))
        else:
            self._hooks.take_soon(joined(self.scope["headers"]), body, self._loop, self.answer)

    def is_late(self) -> None:
        """Its time is over, on the way to us or in front of the database."""
        if self.more_body:
            self.keep_alive = False
        late = Refused("too_slow", status=408) if self.more_body else Busy("the database took too long")
        self.answer(turned_away(late))

    def answer(self, reply: Reply) -> None:
        """Write the answer, once, if somebody still listens."""
        if self.response_complete or self.disconnected:
            return
        self.response_complete = True
        told = [*SAFE, *reply.headers, ("content-length", str(len(reply.text)))]
        if not self.keep_alive:
            told.append(("connection", "close"))
        date = b"".join(b"%s: %s\r\n" % line for line in self.default_headers)
        lines = "".join(f"{name}: {value}\r\n" for name, value in told)
        self.transport.write(STATUS_LINE[reply.status] + date + f"{lines}\r\n{reply.text}".encode("ascii"))
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
