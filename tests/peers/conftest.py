"""Shopify's own Node library beside a local Shopify with two shops, and an app that keeps what it is sent.

In CI a missing Node or library is a failure; elsewhere these tests are skipped, with the reason.
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from devstore.config import AppConfig, ShopConfig
from devstore.server import DevStore
from tests.devstore.few_sales import FewSales
from tests.devstore.receiver import Received, Receiver

ROOT = Path(__file__).parents[2]
KEY, SECRET = "peer-test-key", "peer-test-secret-of-thirty-two-ch"
ALICE, BOB = "alice.myshopify.com", "bob.myshopify.com"
OLDEST_NODE = 20


def missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the library in reach."""
    found = shutil.which("node")
    if found is None:
        missing("no Node: the peer is Shopify's own Node library")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        missing(f"Node {version.strip()} is too old for Shopify's library, which needs {OLDEST_NODE}")
    if not (ROOT / "node_modules" / "@shopify" / "shopify-api").is_dir():
        missing("no @shopify/shopify-api: run `npm install`")
    return found


class PeerError(Exception):
    """The library refused, in its own words."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(f"{told['error']}: {told['message']}")
        self.kind, self.body = told["error"], told["body"]


@dataclass
class Peer:
    """Shopify's library in a process of its own."""

    process: subprocess.Popen[str]

    def all(self, questions: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Every answer, `{"answer": …}` or `{"error": …}`, in order."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(questions) + "\n")
        self.process.stdin.flush()
        return list(json.loads(self.process.stdout.readline()))

    def ask(self, name: str, **question: Any) -> Any:
        """One answer. Raises PeerError."""
        told = self.all([(name, question)])[0]
        if "error" in told:
            raise PeerError(told)
        return told["answer"]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """The listening app."""
    listening = Receiver()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def store(receiver: Receiver) -> Iterator[DevStore]:
    """Two shops that sell under the same ids, with the app's own toml and extensions."""
    app = AppConfig(KEY, SECRET, receiver.url, ROOT / "shopify.app.toml")
    shops = [ShopConfig(name, FewSales(), patience=0.3, restore_rate=10_000.0) for name in ("alice", "bob")]
    opened = DevStore(shops, app)
    opened.start()
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def peer(node: str, store: DevStore, receiver: Receiver) -> Iterator[Peer]:
    """The library, configured as an app of that Shopify."""
    given = {
        "shopify": store.base_url.removeprefix("http://").replace("localhost", "127.0.0.1"),
        "app": receiver.url,
        "key": KEY,
        "secret": SECRET,
        "scopes": ["read_orders", "read_products"],
    }
    command = [node, str(Path(__file__).with_name("peer.mjs")), json.dumps(given)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    yield Peer(process)
    assert process.stdin is not None
    process.stdin.close()
    process.wait(10)


def bytes_of(body: bytes) -> str:
    return base64.b64encode(body).decode()


def delivery(received: Received) -> dict[str, Any]:
    """What the library wants to know of a delivery."""
    return {"headers": received.headers, "bytes": bytes_of(received.body)}
