"""One client's HTTP/1.1 connection: whole requests out of bytes, within limits of size and time, and the answers back.

The parser is llhttp, the one of Node. A request is handed on when its whole body is here, so that no thread ever waits
for a sender; the next one of the same connection when the one before is answered.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

import httptools

from shopify_app.errors import Refused
from shopify_app.log import log
from shopify_app.web.body import Pieces
from shopify_app.web.wsgi import Answer, Request

LARGEST_HEAD = 64 << 10
"""Bytes of a request before its body."""
NEXT_REQUEST = 60.0
"""Seconds for the head of a connection's next request to arrive in, and for a last answer to be fetched."""
ERROR = Refused("error", status=500)
PHRASES = {status.value: status.phrase for status in HTTPStatus}
WITHOUT_BODY = (204, 304)
NOT_THEIRS = ("connection", "content-length", "date", "keep-alive", "transfer-encoding")
"""Headers of an answer that are the connection's business."""


class Desk(Protocol):
    """Who answers requests, on the event loop's thread."""

    def patience(self, request: Request) -> float:
        """Seconds for the body to arrive in."""

    def take(self, request: Request, body: bytes, answer: Callable[[Answer], None]) -> None:
        """Answer now or later; the first answer counts."""

    def late(self, request: Request, arrived: bool) -> Answer | None:
        """What to say when patience is over. None: go on waiting for the answer to what has arrived."""

    def refuse(self, refused: Refused) -> Answer:
        """What to say to what is too large, or no HTTP."""


class Connection(asyncio.Protocol):
    """A protocol for asyncio. Its owner finds it in `all_open` and calls `look` now and then, and `stop` at the end."""

    def __init__(self, desk: Desk, clock: Callable[[], float], date: Callable[[], bytes], all_open: set["Connection"]):
        self._desk, self._clock, self._date, self._open = desk, clock, date, all_open
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._arriving: Request | None = None
        self._answering: Request | None = None
        self._pieces = Pieces()
        self._whole: deque[tuple[Request, Pieces]] = deque()
        """Requests that nobody has begun to answer: several may come at once."""
        self._unread: list[bytes] = []
        self._is_last = self._is_closed = self._is_busy = False
        self._answers = self._head_bytes = 0
        self._due = math.inf

    def connection_made(self, transport: Any) -> None:
        """A client has come."""
        self._transport = transport
        self._client, self._server = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._open.add(self)
        self._due = self._clock() + NEXT_REQUEST

    def connection_lost(self, _error: Exception | None) -> None:
        """The client is gone: what is answered from now on is for nobody."""
        self._open.discard(self)
        self._answers += 1
        self._is_closed = True

    def eof_received(self) -> bool:
        """A client that has said everything may still want to hear the answer."""
        self._is_last = True
        return self._answering is not None

    def pause_writing(self) -> None:
        """Nothing to do: an answer is written whole."""

    def resume_writing(self) -> None:
        """Nothing to do."""

    def data_received(self, data: bytes) -> None:
        """Bytes, as many as came."""
        if self._is_closed:
            return
        if self._answering is not None:
            self._unread.append(data)
            self._transport.pause_reading()
            return
        if self._arriving is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(Refused("not_http", status=400))
        if self._head_bytes > LARGEST_HEAD:
            self._refuse(Refused("head_too_large", status=431))

    def on_message_begin(self) -> None:
        """The parser: a request begins."""
        self._url = b""
        self._headers: dict[str, str] = {}

    def on_url(self, piece: bytes) -> None:
        """The parser: a piece of its address."""
        self._url += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser: one of its headers. What comes twice is joined."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key in self._headers:
            text = f"{self._headers[key]}{'; ' if key == 'cookie' else ','}{text}"
        self._headers[key] = text

    def on_headers_complete(self) -> None:
        """The parser: its body comes next, if it has one."""
        version, self._head_bytes = self._parser.get_http_version(), 0
        if version == "1.1" and "host" not in self._headers:
            self._refuse(Refused("no_host", status=400))
            return
        path, _, query = _origin_form(self._url).partition(b"?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=(unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
            query=query.decode("latin-1"),
            version=version,
            headers=self._headers,
            client=self._client,
            server=self._server,
            keeps=version == "1.1" and self._parser.should_keep_alive(),
        )
        self._arriving, self._pieces = request, Pieces()
        if self._answering is None:
            self._due = self._clock() + self._desk.patience(request)
            if self._headers.get("expect", "").lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, piece: bytes) -> None:
        """The parser: a piece of its body."""
        if not self._pieces.add(piece) and not self._is_last:
            self._refuse(Refused("too_large", status=413))

    def on_message_complete(self) -> None:
        """The parser: it is all here."""
        if self._arriving is not None:
            self._whole.append((self._arriving, self._pieces))
            self._arriving = None
            self._work()

    def look(self) -> None:
        """Do not wait for ever, for whatever it is that is late."""
        if self._clock() <= self._due:
            return
        if self._answering is not None and not self._is_closed:
            answer = self._desk.late(self._answering, True)
            self._due = math.inf
            if answer is not None:
                self._answer(self._answers, answer)
        elif self._arriving is not None and not self._is_closed:
            self._say_last(self._desk.late(self._arriving, False))
        else:
            self._transport.abort()

    def stop(self) -> None:
        """Finish what is being answered, and take no more."""
        self._is_last = True
        if self._answering is None:
            self._close()

    def _work(self) -> None:
        """Have the next request answered. An answer that comes at once ends up here again: a loop, not a tower."""
        if self._is_busy:
            return
        self._is_busy = True
        while self._whole and self._answering is None and not self._is_closed:
            self._answering, pieces = self._whole.popleft()
            answer = partial(self._answer, self._answers)
            try:
                self._desk.take(self._answering, pieces.whole(), answer)
            except Refused as refused:
                answer(self._desk.refuse(refused))
            except Exception:
                log.exception("a request could not be answered")
                answer(self._desk.refuse(ERROR))
        self._is_busy = False

    def _answer(self, number: int, answer: Answer) -> None:
        request = self._answering
        if number != self._answers or request is None or self._is_closed:
            return
        self._answers += 1
        self._answering = None
        keeps, is_head = request.keeps and not self._is_last, request.method == "HEAD"
        try:
            packed = _packed(answer, self._date(), keeps=keeps, is_head=is_head)
        except ValueError as error:
            log.error("an answer could not be sent", reason=str(error))
            packed = _packed(self._desk.refuse(ERROR), self._date(), keeps=keeps, is_head=is_head)
        self._transport.write(packed)
        self._due = self._clock() + NEXT_REQUEST
        if not keeps:
            self._close()
        elif self._whole:
            self._due = self._clock() + self._desk.patience(self._whole[0][0])
            self._work()
        elif self._unread:
            unread, self._unread = b"".join(self._unread), []
            self._transport.resume_reading()
            self.data_received(unread)

    def _refuse(self, refused: Refused) -> None:
        """Say no and hang up; what came before is answered first."""
        self._is_last = True
        if self._answering is None and not self._is_closed:
            self._say_last(self._desk.refuse(refused))

    def _say_last(self, answer: Answer | None) -> None:
        if answer is not None:
            self._transport.write(_packed(answer, self._date(), keeps=False, is_head=False))
        self._close()

    def _close(self) -> None:
        """Hang up when everything is said; `look` hangs up when it is not heard."""
        self._is_closed = True
        self._arriving = None
        self._due = self._clock() + NEXT_REQUEST
        self._transport.close()


def _origin_form(url: bytes) -> bytes:
    """`/path?query`, also when a proxy wrote the whole address."""
    if url.startswith(b"/"):
        return url.partition(b"#")[0]
    _, _, rest = url.partition(b"://")
    return b"/" + rest.partition(b"#")[0].partition(b"/")[2]


def _packed(answer: Answer, date: bytes, *, keeps: bool, is_head: bool) -> bytes:
    status, headers, body = answer
    has_body = not is_head and status not in WITHOUT_BODY
    return b"".join((_head(status, tuple(headers), len(body), keeps), date, b"\r\n\r\n", body if has_body else b""))


@lru_cache(maxsize=256)
def _head(status: int, headers: tuple[tuple[str, str], ...], length: int, keeps: bool) -> bytes:
    """Everything before the date: answers to webhooks are all the same."""
    lines = [f"HTTP/1.1 {status} {PHRASES.get(status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in NOT_THEIRS]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header of an answer holds a line break")
    if status not in WITHOUT_BODY:
        lines.append(f"content-length: {length}")
    if not keeps:
        lines.append("connection: close")
    return "\r\n".join([*lines, "date: "]).encode("latin-1")
