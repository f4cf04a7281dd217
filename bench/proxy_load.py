"""Shoppers at a steady rate, whether or not earlier ones were answered: how soon, counted from when due."""

import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from bench.webhook_load import Heard, whole_answer

SHOP = "bench.myshopify.com"


def requests(carts: Sequence[Sequence[int]], secret: bytes) -> list[bytes]:
    """One request per cart, signed as Shopify's proxy signs and as it goes over the wire."""
    return [_request(",".join(str(product) for product in cart), secret) for cart in carts]


def send(port: int, requests: Sequence[bytes], per_second: float, connections: int) -> Heard:
    """Send each when it is due. A late start counts against the answer: nothing is left out of the tail."""
    heard, lock, kept = Heard(), threading.Lock(), threading.local()

    def ask(due: float, request: bytes) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = socket.create_connection(("127.0.0.1", port))
            kept.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        kept.connection.sendall(request)
        answer = whole_answer(kept.connection)
        took = time.perf_counter() - due
        with lock:
            heard.seconds.append(took)
            heard.answers[answer[9:12].decode() or "closed"] += 1

    with ThreadPoolExecutor(connections) as shoppers:
        started = time.perf_counter()
        for number, request in enumerate(requests):
            due = started + number / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
            shoppers.submit(ask, due, request)
    return heard


def _request(product_ids: str, secret: bytes) -> bytes:
    given = {
        "shop": SHOP,
        "logged_in_customer_id": "",
        "path_prefix": "/apps/foretally",
        "timestamp": str(int(time.time())),
        "product_ids": product_ids,
    }
    message = "".join(sorted(f"{name}={value}" for name, value in given.items()))
    query = urlencode({**given, "signature": hmac.digest(secret, message.encode(), hashlib.sha256).hex()})
    return f"GET /proxy/recommendations?{query} HTTP/1.1\r\nHost: app.example.com\r\nAccept: */*\r\n\r\n".encode()
