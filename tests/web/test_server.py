"""Connections to the server that `up` starts: in which order, for how long, and how they end."""

import os
import re
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from bench import servers
from shopify_app import up
from shopify_app.records.seal import Seal
from shopify_app.web.acceptance import Acceptance
from shopify_app.web.door import Door
from shopify_app.web.hooks import Hooks
from shopify_app.web.server import Server, server
from tests.web.wire import PAGE, bodies, environ, hook, locked, raw, whole


def test_requests_sent_before_their_turn_are_answered_in_order(port: int, var: Path) -> None:
    before = bodies(var)
    page = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    unsigned = b"POST /webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(hook(20) + page + hook(21) + hook(22) + unsigned + last)
        answers = whole(one)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"200", b"200", b"400", b"404"]
    assert bodies(var) == before + 3


@pytest.mark.parametrize(
    "request_",
    [
        hook(30, first="POST /webhooks HTTP/1.0"),
        hook(31, "Connection: close"),
        hook(32, "Connection: close", first="POST http://app.example.com/webhooks?x=1 HTTP/1.1"),
        hook(33, "Connection: close", "Expect: 100-continue"),
    ],
)
def test_a_connection_ends_when_the_sender_asks_for_it_however_the_request_is_written(
    port: int, var: Path, request_: bytes
) -> None:
    before = bodies(var)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(request_)
        answer = whole(one)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer)[-1] == b"200"
    assert b"connection: close" in answer
    assert bodies(var) == before + 1


def test_a_delivery_that_ends_in_its_middle_leaves_no_trace(port: int, var: Path) -> None:
    before = bodies(var)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(hook(40)[:-10])
    assert raw(port, hook(41)).startswith(b"HTTP/1.1 200")
    assert bodies(var) == before + 1


def test_headers_without_an_end_are_cut_off(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(b"POST /webhooks HTTP/1.1\r\nX-Long: " + b"x" * (80 << 10))
        assert one.recv(1000).startswith(b"HTTP/1.1 431")


def test_who_sends_no_whole_request_is_cut_off(port: int) -> None:
    with ExitStack() as opened:
        silent, slow, kept = (
            opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(3)
        )
        slow.sendall(b"POST /webhooks HTTP/1.1\r\nHost: x\r\nX-")
        kept.sendall(hook(50))
        assert kept.recv(1000).startswith(b"HTTP/1.1 200")
        assert silent.recv(1000) == b""
        assert slow.recv(1000).startswith(b"HTTP/1.1 408")
        kept.sendall(hook(51))
        assert kept.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_body_that_does_not_come_hears_408(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(hook(52)[:-1])
        assert whole(one).startswith(b"HTTP/1.1 408")


def test_a_sender_who_left_robs_nobody_of_an_answer(port: int, var: Path) -> None:
    """A request that waited behind a delivery had taken its place, so the answer was written to a closed socket."""
    with ExitStack() as opened:
        first, broken, *neighbours = (
            opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(5)
        )
        with locked(var):
            first.sendall(hook(60))
            time.sleep(0.1)  # the others wait for the next commit, together
            broken.sendall(hook(61) + PAGE + b"no HTTP\r\n\r\n")
            broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(0.1)
            broken.close()
            for number, neighbour in enumerate(neighbours):
                neighbour.sendall(hook(62 + number))
            time.sleep(0.3)
        assert [one.recv(1000)[:12] for one in neighbours] == [b"HTTP/1.1 200"] * 3
    assert "Exception" not in (var / "log").read_text()


def test_what_came_whole_is_answered_before_the_line_is_cut(port: int, var: Path) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        with locked(var):
            one.sendall(hook(70) + PAGE + b"no HTTP\r\n\r\n")
            time.sleep(0.3)
        assert re.findall(rb"HTTP/1.1 (\d+)", whole(one)) == [b"200", b"200"]


@pytest.mark.parametrize("requests", [hook(71), PAGE, hook(72) + PAGE + hook(73)])
def test_who_has_said_everything_is_still_answered(port: int, requests: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(requests)
        one.shutdown(socket.SHUT_WR)
        answers = whole(one)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200"] * requests.count(b"HTTP/1.1\r\n")


@pytest.mark.parametrize("path", [b"/webhooks", b"/webhooks?by=flask"])
def test_headers_behind_a_body_are_none(port: int, path: bytes) -> None:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Connection: close", b"Transfer-Encoding: chunked"]
    body = b"1\r\nx\r\n0\r\nX-Shopify-Hmac-Sha256: bm90IGl0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(b"\r\n".join([*lines, b"", body]))
        assert whole(one).endswith(b"no_signature")


def test_headers_behind_a_body_end(port: int) -> None:
    head = b"POST /webhooks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=2) as one:
        one.sendall(head + b"X-Long: " + b"x" * (200 << 10))
        with suppress(ConnectionError):
            assert one.recv(1000) == b""


@pytest.mark.parametrize("path", ["/webhooks", "/healthz"])
def test_the_body_of_a_request_for_another_protocol_is_no_next_request(port: int, path: str) -> None:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: h2c", f"Content-Length: {len(PAGE)}"]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall("\r\n".join([*lines, "", ""]).encode())
        time.sleep(0.3)
        with suppress(OSError):
            one.sendall(PAGE)
        answers = one.recv(65536) + one.recv(65536)
    assert len(re.findall(rb"HTTP/1.1 \d+", answers)) == 1
    assert b"connection: close" in answers


def test_a_large_body_does_not_count_as_the_headers_of_the_next_request(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(hook(80, before=b" " * 200_000) + PAGE[:20])
        assert one.recv(1000).startswith(b"HTTP/1.1 200")
        one.sendall(PAGE[20:])
        assert one.recv(1000).startswith(b"HTTP/1.1 200")


def test_not_too_many_requests_wait_for_their_turn(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(PAGE * 3000)
        answers = b""
        with suppress(ConnectionError):  # what was not read any more resets it
            while piece := one.recv(65536):
                answers += piece
    assert 0 < answers.count(b"HTTP/1.1 200") < 200


def test_who_does_not_read_is_not_read(port: int) -> None:
    unsigned = b"POST /webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx" * 500
    with socket.create_connection(("127.0.0.1", port), timeout=2) as one, pytest.raises(TimeoutError):
        one.sendall(unsigned * 2000)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, int]]:
    """A server of one large page that waits for nobody for more than a second."""
    monkeypatch.setattr("shopify_app.web.server.IDLE_SECONDS", 1)
    monkeypatch.setattr("shopify_app.web.server.UNREAD_SECONDS", 1.0)

    def page(_environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"x" * (16 << 20)]

    free = servers.free_port()
    serving = server(Door(Hooks([b"s"], Acceptance("sqlite://", Seal([b"k" * 32]))), page), "127.0.0.1", free)
    running = threading.Thread(target=serving.run)
    running.start()
    while not serving.started:
        time.sleep(0.01)
    yield serving, free
    serving.should_exit = True
    running.join()


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_who_never_reads_an_answer_is_not_waited_for(quick: tuple[Server, int], more: bytes) -> None:
    serving, port = quick
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
        time.sleep(4)
        assert not serving.server_state.connections
        assert len(whole(one)) < 16 << 20


def test_who_reads_slowly_hears_the_whole_answer(quick: tuple[Server, int]) -> None:
    with socket.create_connection(("127.0.0.1", quick[1]), timeout=10) as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        heard = 0
        while piece := one.recv(2 << 20):
            heard += len(piece)
            time.sleep(0.3)
    assert heard > 16 << 20


def test_blank_lines_do_not_keep_a_connection(quick: tuple[Server, int]) -> None:
    with socket.create_connection(("127.0.0.1", quick[1]), timeout=10) as one:
        one.sendall(b"POST /webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
        assert one.recv(1000).startswith(b"HTTP/1.1 400")
        one.sendall(b"\r\n")
        assert one.recv(1000) == b""


def test_a_slow_sender_does_not_hold_up_the_end_and_who_sends_during_it_is_answered(
    tmp_path: Path, sqlite_template: Path
) -> None:
    (tmp_path / "foretally.db").write_bytes(sqlite_template.read_bytes())
    free = servers.free_port()
    running = servers.web(up.web_command("127.0.0.1", free), free, tmp_path / "log", **environ(tmp_path))
    with running as pid, ExitStack() as opened:
        kept, idle, slow = (
            opened.enter_context(socket.create_connection(("127.0.0.1", free), timeout=10)) for _ in range(3)
        )
        for one in (kept, idle):
            one.sendall(hook(90))
            assert one.recv(1000).startswith(b"HTTP/1.1 200")
        slow.sendall(hook(91)[:-1])
        time.sleep(0.2)
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.12)
        kept.sendall(hook(92))
        assert whole(kept).startswith(b"HTTP/1.1 200")
        assert whole(idle) == b""
        assert slow.recv(1000).startswith(b"HTTP/1.1 408")
