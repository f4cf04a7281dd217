"""The door in front of Flask, in the server that `up` starts: what it answers itself, and what it passes on."""

import os
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bench import servers
from shopify_app import up
from shopify_app.db import Database
from shopify_app.records.seal import Seal
from shopify_app.tables import Event
from shopify_app.web import wsgi
from shopify_app.web.acceptance import Acceptance
from shopify_app.web.body import Pieces
from shopify_app.web.door import Door
from shopify_app.web.hooks import Hooks
from shopify_app.web.server import Server, server
from tests.factories import KEY, OLD_SECRET, SECRET, encoded, order, webhook_headers

ROOT = Path(__file__).parents[2]
SHOP = "alice.myshopify.com"
PAGE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    folder = tmp_path_factory.mktemp("door")
    (folder / "foretally.db").write_bytes(sqlite_template.read_bytes())
    return folder


@pytest.fixture(scope="module")
def port(var: Path) -> Iterator[int]:
    """A running web server."""
    free = servers.free_port()
    with servers.web(up.web_command("127.0.0.1", free), free, var / "log", **settings(var)):
        yield free


def settings(var: Path) -> dict[str, str]:
    return {
        "SHOPIFY_API_KEY": KEY,
        "SHOPIFY_API_SECRET": SECRET,
        "SHOPIFY_OLD_API_SECRET": OLD_SECRET,
        "APP_URL": "https://app.example.com",
        "FORETALLY_VAR": str(var),
        "DATABASE_URL": f"sqlite:///{var / 'foretally.db'}",
    }


@pytest.fixture
def connection(port: int) -> Iterator[HTTPConnection]:
    made = HTTPConnection("127.0.0.1", port, timeout=10)
    yield made
    made.close()


def bodies(var: Path) -> int:
    database = Database(f"sqlite:///{var / 'foretally.db'}")
    with database.reading() as db:
        found = len(db.scalars(select(Event.seq)).all())
    database.engine.dispose()
    return found


def post(connection: HTTPConnection, body: bytes, headers: dict[str, str], **how: Any) -> tuple[int, str]:
    connection.request("POST", "/webhooks", body=body, headers=headers, **how)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def raw(port: int, request: bytes) -> bytes:
    """What the server answers to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(request)
        return one.recv(65536)


def test_signed_deliveries_are_stored_once(connection: HTTPConnection, var: Path) -> None:
    before, body = bodies(var), encoded(order(1))
    for secret in (SECRET, OLD_SECRET):
        headers = webhook_headers(SHOP, "orders/create", body, webhook_id="w-1", secret=secret)
        assert post(connection, body, headers) == (200, "")
    assert bodies(var) == before + 1


def test_a_body_in_chunks_is_taken(connection: HTTPConnection, var: Path) -> None:
    before, body = bodies(var), encoded(order(2))
    headers = webhook_headers(SHOP, "orders/create", body)
    pieces = [body[:10], body[10:200], body[200:]]
    connection.request("POST", "/webhooks", body=iter(pieces), headers=headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    assert bodies(var) == before + 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_big_order_is_taken_and_a_huge_one_hears_413_after_reading(
    connection: HTTPConnection, var: Path, chunked: bool
) -> None:
    before = bodies(var)
    for size, expected in ((560_000, 200), (6_000_000, 413)):
        body = b" " * size + encoded(order(3, note=str(chunked)))
        headers = webhook_headers(SHOP, "orders/create", body)
        sent = iter([body[:70_000], body[70_000:]]) if chunked else body
        connection.request("POST", "/webhooks", body=sent, headers=headers, encode_chunked=chunked)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == expected
    assert bodies(var) == before + 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"X-Shopify-Hmac-Sha256": "bm90IGl0"}, (401, "bad_signature")),
        ({"X-Shopify-Hmac-Sha256": ""}, (400, "no_signature")),
        ({"X-Shopify-Shop-Domain": "evil.example.com"}, (400, "invalid_shop")),
        ({"X-Shopify-Topic": ""}, (400, "missing_topic")),
    ],
)
def test_what_is_not_signed_or_not_whole_leaves_no_trace(
    connection: HTTPConnection, var: Path, changes: dict[str, str], expected: tuple[int, str]
) -> None:
    before, body = bodies(var), encoded(order(4))
    assert post(connection, body, webhook_headers(SHOP, "orders/create", body) | changes) == expected
    assert bodies(var) == before


def test_bytes_that_are_no_text_are_stored(connection: HTTPConnection, var: Path) -> None:
    before, body = bodies(var), b"\xff\x00\xfe"
    assert post(connection, body, webhook_headers(SHOP, "orders/create", body))[0] == 200
    assert bodies(var) == before + 1


def test_a_header_that_comes_twice_is_refused(port: int, var: Path) -> None:
    before, body = bodies(var), encoded(order(5))
    lines = [f"{name}: {value}" for name, value in webhook_headers(SHOP, "orders/create", body).items()]
    head = ["POST /webhooks HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, "X-Shopify-Topic: other"]
    answer = raw(port, "\r\n".join([*head, "", ""]).encode() + body)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.endswith(b"repeated_header")
    assert bodies(var) == before


def test_a_captured_body_under_another_shop_is_counted_where_people_look(connection: HTTPConnection, var: Path) -> None:
    body = encoded(order(6))
    for shop in (SHOP, "bob.myshopify.com"):
        assert post(connection, body, webhook_headers(shop, "orders/create", body))[0] == 200
    connection.request("GET", "/metrics")
    told = connection.getresponse().read().decode()
    assert 'foretally_webhooks_total{outcome="quarantined"} 1.0' in told
    assert "foretally_inbox_quarantined 1.0" in told
    assert '"a delivery was quarantined"' in (var / "log").read_text()


@pytest.mark.parametrize(
    ("method", "path", "status", "has_body"),
    [
        ("GET", "/healthz", 200, True),
        ("HEAD", "/healthz", 200, False),
        ("GET", "/webhooks", 405, True),
        ("GET", "/nothing/%C3%BC?x=%20", 404, True),
        ("GET", "/static/app.css", 200, True),
        ("POST", "/flow/retrain-model", 400, True),
        ("GET", "/auth/patch-id-token?shopify-reload=%2Fsettings%3Fa%3D%20", 400, True),
        ("GET", "/auth/patch-id-token?shopify-reload=%2Fsettings%3Fa%3Db", 200, True),
    ],
)
def test_everything_else_is_answered_by_flask(
    connection: HTTPConnection, method: str, path: str, status: int, has_body: bool
) -> None:
    connection.request(method, path)
    answer = connection.getresponse()
    assert (answer.status, bool(answer.read())) == (status, has_body)
    assert answer.headers["Content-Security-Policy"].startswith("frame-ancestors")


def hook(number: int, *more: str, first: str = "POST /webhooks HTTP/1.1") -> bytes:
    """A signed delivery as it goes over the wire."""
    body = encoded(order(number))
    lines = [f"{name}: {value}" for name, value in webhook_headers(SHOP, "orders/create", body).items()]
    return "\r\n".join([first, "Host: x", f"Content-Length: {len(body)}", *lines, *more, "", ""]).encode() + body


@contextmanager
def locked(var: Path) -> Iterator[None]:
    """Somebody else writes into the database."""
    with closing(sqlite3.connect(var / "foretally.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def whole(one: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    return b"".join(iter(lambda: one.recv(65536), b""))


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


def test_a_form_that_ends_in_its_middle_never_reaches_flask(port: int, var: Path) -> None:
    counted = 'foretally_webhooks_total{outcome="refused"}'

    def refused() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
            one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            told = whole(one)
        return next(line for line in told.split(b"\n") if line.startswith(counted.encode()))

    raw(port, b"POST /webhooks?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")  # Flask would count it
    before = refused()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(b"POST /webhooks?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nhalf")
    assert refused() == before


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


def test_webhooks_need_neither_flask_nor_any_library_for_numbers(tmp_path: Path, sqlite_template: Path) -> None:
    (tmp_path / "foretally.db").write_bytes(sqlite_template.read_bytes())
    free = servers.free_port()
    ask = f"""
import asyncio, sys
from shopify_app.records.seal import Seal
from shopify_app.web.acceptance import Acceptance
from shopify_app.web.door import Door
from shopify_app.web.hooks import Hooks
from shopify_app.web.server import server

async def play():
    acceptance = Acceptance("sqlite:///{tmp_path / "foretally.db"}", Seal([b"k" * 32]))
    serving = server(Door(Hooks([{SECRET.encode()!r}], acceptance), None), "127.0.0.1", {free})
    running = asyncio.create_task(serving.serve())
    while not serving.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", {free})
    writer.write({hook(7, "Connection: close")!r})
    print((await reader.read())[:15].decode())
    serving.should_exit = True
    await running

asyncio.run(play())
heavy = "flask werkzeug requests pandas numpy pyarrow duckdb scipy xgboost prophet".split()
print([name for name in heavy if name in sys.modules])  # the doorbell loads Celery behind the answer
"""
    environ = {"PATH": os.environ["PATH"], "SHOPIFY_API_KEY": KEY, "SHOPIFY_API_SECRET": SECRET, "APP_URL": "https://x"}
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["HTTP/1.1 200 OK", "[]"], done.stderr[-2000:]


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
    body = b" " * 200_000 + encoded(order(80))
    lines = [f"{name}: {value}" for name, value in webhook_headers(SHOP, "orders/create", body).items()]
    head = "\r\n".join(["POST /webhooks HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(head.encode() + body + PAGE[:20])
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


def test_a_page_that_is_known_already_has_no_length(connection: HTTPConnection) -> None:
    connection.request("GET", "/static/app.css", headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})
    answer = connection.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Content-Length"]) == (304, None)


def test_an_answer_is_dated_once(connection: HTTPConnection) -> None:
    connection.request("GET", "/static/app.css")
    answer = connection.getresponse()
    answer.read()
    assert len(answer.headers.get_all("Date", [])) == 1


def test_a_request_whose_sender_left_at_once_has_no_address() -> None:
    scope = {"method": "GET", "raw_path": b"/", "query_string": b"", "http_version": "1.1", "headers": []}
    found = wsgi.environ(scope | {"scheme": "http", "server": ("127.0.0.1", 80), "client": None}, b"")
    assert (found["REMOTE_ADDR"], found["REMOTE_PORT"]) == ("", "0")


def test_a_body_is_not_kept_for_as_long_as_its_connection() -> None:
    pieces = Pieces()
    pieces.add(b"a")
    assert (pieces.whole(), pieces.whole()) == (b"a", b"")


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
    running = servers.web(up.web_command("127.0.0.1", free), free, tmp_path / "log", **settings(tmp_path))
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
