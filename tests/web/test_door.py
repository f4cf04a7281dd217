"""The door in front of Flask, in the server that `up` starts: what it answers itself, and what it passes on."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from bench import servers
from shopify_app.web import wsgi
from shopify_app.web.body import Pieces
from tests.factories import KEY, OLD_SECRET, SECRET, encoded, order, webhook_headers
from tests.web.wire import SHOP, bodies, hook, raw, whole

ROOT = Path(__file__).parents[2]


@pytest.fixture
def connection(port: int) -> Iterator[HTTPConnection]:
    made = HTTPConnection("127.0.0.1", port, timeout=10)
    yield made
    made.close()


def post(connection: HTTPConnection, body: bytes, headers: dict[str, str], **how: Any) -> tuple[int, str]:
    connection.request("POST", "/webhooks", body=body, headers=headers, **how)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


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
    before = bodies(var)
    answer = raw(port, hook(5, "X-Shopify-Topic: other"))
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
