"""What may come over one connection to the server that `up` starts, and what is never waited for without an end."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bench import servers
from shopify_app.errors import Refused
from shopify_app.web import connection, server
from shopify_app.web.wsgi import Answer, Request

HEAD = b"POST /in HTTP/1.1\r\nHost: x\r\n"


class Echo:
    """A desk that answers with what it heard; `/later` in half a second, `/never` not at all, `/late` only when asked.

    A path that ends in `/broken` is answered with a header that would begin another one, `/fails` raises.
    """

    def patience(self, request: Request) -> float:
        return 0.3

    def take(self, request: Request, body: bytes, answer: Callable[[Answer], None]) -> None:
        heard = Answer(200, [("x-path", request.path), ("Content-Length", "7")], body or request.query.encode())
        if request.path == "/fails":
            raise RuntimeError("as it was told")
        if request.path == "/later":
            asyncio.get_running_loop().call_later(0.5, answer, heard)
        elif request.path not in ("/never", "/late"):
            answer(heard)

    def late(self, request: Request, arrived: bool) -> Answer | None:
        if arrived:
            return Answer(503, [], b"late") if request.path == "/late" else None
        return Answer(408, [], b"slow")

    def refuse(self, refused: Refused) -> Answer:
        return Answer(refused.status, [], refused.code.encode())


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server of its own, in a thread."""
    monkeypatch.setattr(connection, "NEXT_REQUEST", 1.0)
    free, loop, over = servers.free_port(), asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(server.Server(Echo()).serve("127.0.0.1", free, over))
    )
    thread.start()
    wait_for(free)
    yield free
    loop.call_soon_threadsafe(over.set)
    thread.join(20)
    assert not thread.is_alive()


def wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)


def said(port: int, *pieces: bytes, pause: float = 0.0, end: bool = False) -> str:
    """Everything that is answered until the server hangs up or says nothing more for two seconds."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as one:
        for piece in pieces:
            one.sendall(piece)
            time.sleep(pause)
        if end:
            one.shutdown(socket.SHUT_WR)
        try:
            while more := one.recv(65536):
                heard += more
        except TimeoutError:
            heard += b"<open>"
        except ConnectionResetError:
            heard += b"<reset>"
    return heard.decode("latin-1")


def post(body: bytes, path: bytes = b"/in", more: bytes = b"") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s" % (path, more, len(body), body)


CLOSE = b"Connection: close\r\n"


def test_requests_that_come_together_are_answered_one_by_one_in_their_order(port: int) -> None:
    heard = said(port, post(b"one", b"/later") + post(b"two") + post(b"three", more=CLOSE))
    assert [heard.index(word) for word in ("one", "two", "three")] == sorted(map(heard.index, ("one", "two", "three")))
    assert heard.count("HTTP/1.1 200 OK") == 3


def test_what_comes_while_one_is_answered_waits_its_turn(port: int) -> None:
    second = post(b"two", more=CLOSE)
    heard = said(port, post(b"one", b"/later"), second[:30], second[30:], pause=0.1)
    assert heard.endswith("two")
    assert heard.index("one") < heard.index("two")


def test_a_request_may_come_byte_by_byte_and_in_chunks(port: int) -> None:
    chunked = HEAD + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert said(port, *[chunked[n : n + 1] for n in range(len(chunked))]).endswith("abcde")


def test_hundreds_of_requests_in_one_piece_are_no_tower_of_calls(port: int) -> None:
    heard = said(port, post(b"") * 2000 + post(b"", more=CLOSE))
    assert heard.count("HTTP/1.1 200 OK") == 2001


def test_refused_requests_do_not_count_towards_the_size_of_the_next_head(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as one:
        for _ in range(20):
            one.sendall(post(b"x" * 10_000))
            heard = b""
            while len(heard) < 10_000:
                heard += one.recv(65536)
            assert heard.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GARBAGE\r\n\r\n", "not_http"),
        (b"GET / HTTP/1.1\r\n\r\n", "no_host"),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not_http"),
        (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "not_http"),
        (HEAD + b"X: a\x00b\r\n\r\n", "not_http"),
        (HEAD + b"X : y\r\n\r\n", "not_http"),
        (HEAD + b"X: " + b"a" * 80_000, "head_too_large"),
        (b"GET /" + b"a" * 80_000, "head_too_large"),
    ],
)
def test_what_is_no_http_or_too_long_is_refused_and_hung_up_on(port: int, request_: bytes, expected: str) -> None:
    heard = said(port, request_)
    assert heard.startswith("HTTP/1.1 4") or heard == "<reset>"
    assert heard.endswith((expected, "<reset>"))
    assert "<open>" not in heard


def test_a_client_that_asks_first_is_told_to_send_its_body(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as one:
        one.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert one.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.sendall(b"ab")
        assert one.recv(1000).endswith(b"\r\n\r\nab")


def test_old_and_half_closed_clients_hear_their_answer_and_the_end(port: int) -> None:
    assert said(port, b"GET /a?b HTTP/1.0\r\n\r\n").endswith("\r\n\r\nb")
    assert said(port, post(b"one", b"/later"), end=True).endswith("one")


def test_addresses_are_read_in_both_forms(port: int) -> None:
    for address in (b"/a%20b?c=d%20e", b"http://x/a%20b?c=d%20e"):
        heard = said(port, b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (address, CLOSE))
        assert "x-path: /a b\r\n" in heard
        assert heard.endswith("c=d%20e")


def test_the_connection_counts_the_answer_s_bytes_itself_and_sends_none_for_head(port: int) -> None:
    heard = said(port, b"HEAD /?abc HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n")
    assert "content-length: 3\r\n" in heard
    assert "Content-Length" not in heard
    assert "\r\ndate: " in heard
    assert heard.endswith("\r\n\r\n")


def test_an_answer_with_a_broken_header_or_an_error_in_it_is_an_error(port: int) -> None:
    assert said(port, post(b"", b"/a%0D%0Ax-evil:1")).startswith("HTTP/1.1 500")
    assert said(port, post(b"", b"/fails", CLOSE)).startswith("HTTP/1.1 500")


def test_nobody_is_waited_for_without_an_end(port: int) -> None:
    started = time.monotonic()
    assert said(port, b"POST /") == ""
    assert said(port, post(b"")).startswith("HTTP/1.1 200")
    assert said(port, HEAD + b"Content-Length: 5\r\n\r\nab").endswith("slow")
    assert said(port, post(b"", b"/late", CLOSE)).endswith("late")
    assert time.monotonic() - started < 8
    assert said(port, post(b"", b"/never")) == "<open>"


def test_a_stop_lets_answers_out_that_are_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    free, loop, over = servers.free_port(), asyncio.new_event_loop(), asyncio.Event()
    serving = server.Server(Echo()).serve("127.0.0.1", free, over)
    thread = threading.Thread(target=lambda: loop.run_until_complete(serving))
    thread.start()
    wait_for(free)
    with (
        socket.create_connection(("127.0.0.1", free), timeout=5) as idle,
        socket.create_connection(("127.0.0.1", free), timeout=5) as busy,
    ):
        busy.sendall(post(b"last words", b"/later"))
        time.sleep(0.1)
        loop.call_soon_threadsafe(over.set)
        assert idle.recv(1000) == b""
        assert busy.recv(1000).endswith(b"last words")
        assert busy.recv(1000) == b""
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free), timeout=1)


def test_more_clients_than_there_is_room_for_are_hung_up_on(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST", 2)
    kept = [socket.create_connection(("127.0.0.1", port), timeout=2) for _ in range(2)]
    time.sleep(0.1)
    assert said(port, post(b"", more=CLOSE)) in ("", "<reset>")
    for one in kept:
        one.close()
    time.sleep(0.1)
    assert said(port, post(b"", more=CLOSE)).startswith("HTTP/1.1 200")
