"""Signed webhooks over a few kept connections, one after the other on each: who is acknowledged, and how soon."""

import base64
import hmac
import re
import selectors
import socket
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bench import big_orders

SHOP = "bench.myshopify.com"
LONGEST_PIECE = 1 << 16
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class Heard:
    """What came back: answers by status, and the seconds each took. A connection that ended counts as `closed`."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def milliseconds(self, share: float) -> float:
        """Within which that share of the answers came."""
        return round(sorted(self.seconds)[int(share * (len(self.seconds) - 1))] * 1000, 2)


def deliveries(numbers: Iterable[int], secret: bytes) -> list[bytes]:
    """One signed delivery per order number, as it goes over the wire."""
    return [_request(str(uuid.uuid5(uuid.NAMESPACE_OID, str(n))), big_orders.body(n), secret) for n in numbers]


def send(port: int, deliveries: Iterable[bytes], connections: int) -> Heard:
    """Send all of them, `connections` at a time, and wait for every answer."""
    heard, left = Heard(), iter(deliveries)
    with selectors.DefaultSelector() as answers:
        started: dict[socket.socket, float] = {}
        for _ in range(connections):
            one = socket.create_connection(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers.register(one, selectors.EVENT_READ)
            _send_next(one, left, started)
        while started:
            for key, _ in answers.select():
                one = _socket(key)
                _hear(one, heard, started.pop(one))
                if not _send_next(one, left, started):
                    answers.unregister(one)
                    one.close()
    return heard


def _socket(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


def _send_next(one: socket.socket, left: Iterator[bytes], started: dict[socket.socket, float]) -> bool:
    """Send the next delivery, if there is one."""
    delivery = next(left, None)
    if delivery is None:
        return False
    started[one] = time.perf_counter()
    one.sendall(delivery)
    return True


def whole_answer(one: socket.socket) -> bytes:
    """One answer, however many pieces it comes in; what there is of it when the other side hangs up."""
    heard = b""
    while not _is_whole(heard) and (piece := one.recv(LONGEST_PIECE)):
        heard += piece
    return heard


def _is_whole(heard: bytes) -> bool:
    head, end, body = heard.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return bool(end) and length is not None and len(body) >= int(length[1])


def _hear(one: socket.socket, heard: Heard, started: float) -> None:
    answer = whole_answer(one)
    heard.seconds.append(time.perf_counter() - started)
    heard.answers[answer[9:12].decode() or "closed"] += 1


def _request(webhook_id: str, body: bytes, secret: bytes) -> bytes:
    headers = {
        "Host": "app.example.com",
        "User-Agent": "Shopify-Captain-Hook",
        "Accept": "*/*",
        "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Shopify-Api-Version": "2026-10",
        "X-Shopify-Event-Id": f"e-{webhook_id}",
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(secret, body, "sha256")).decode(),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Triggered-At": "2026-11-01T10:00:00.123456789Z",
        "X-Shopify-Webhook-Id": webhook_id,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /webhooks HTTP/1.1\r\n{lines}\r\n".encode() + body
