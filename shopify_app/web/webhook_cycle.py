"""One webhook request on a uvicorn connection: collects its body, has it stored and writes the answer, without ASGI."""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shopify_app.errors import Refused
from shopify_app.web.acceptance import Busy
from shopify_app.web.body import Pieces
from shopify_app.web.door import SAFE
from shopify_app.web.hooks import Hooks, Reply, turned_away
from shopify_app.web.wsgi import joined

LINES = "".join(f"{name}: {value}\r\n" for name, value in SAFE)


class WebhookCycle(RequestResponseCycle):
    """A webhook request: its body comes in pieces, and it is answered once it is stored."""

    def __init__(self, connection: HttpToolsProtocol, hooks: Hooks) -> None:
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
        """Add a piece of the body."""
        if not self.response_complete and not self._pieces.add(piece):
            self.keep_alive = False  # the rest of the body would look like the next request
            self.take()

    def take(self) -> None:
        """The body is complete, or too large: store it or refuse it."""
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
        """Answer that time ran out, while the body came or before the database stored it."""
        if self.more_body:
            self.keep_alive = False
        late = Refused("too_slow", status=408) if self.more_body else Busy("the database took too long")
        self.answer(turned_away(late))

    def answer(self, reply: Reply) -> None:
        """Write the answer, once, if the connection is still open."""
        if self.response_complete or self.disconnected:
            return
        self.response_complete = True
        told = [*reply.headers, ("content-length", str(len(reply.text)))]
        if not self.keep_alive:
            told.append(("connection", "close"))
        date = b"".join(b"%s: %s\r\n" % line for line in self.default_headers)
        more = "".join(f"{name}: {value}\r\n" for name, value in told)
        self.transport.write(STATUS_LINE[reply.status] + date + f"{LINES}{more}\r\n{reply.text}".encode("ascii"))
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
