"""The web pixel in a sandbox as strict as Shopify's: it sends ids, only with consent, and touches nothing else."""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shopify_app.tables import ViewKind
from tests.chromium import missing

FOLDER: Path = Path(__file__).resolve().parents[2] / "extensions" / "web-pixel"
SETTINGS = {"address": "https://app.example/pixel/events", "shop": "alice.myshopify.com", "key": "k1"}
PRODUCT = {"productVariant": {"id": "5", "title": "Mug", "product": {"id": "7", "title": "Mug", "vendor": "Potter"}}}
CHECKOUT = {
    "checkout": {
        "email": "jane@example.org",
        "shippingAddress": {"firstName": "Jane"},
        "order": {"id": "gid://shopify/OrderIdentity/6543217654321", "customer": {"id": "9"}},
    }
}


def run(*steps: dict[str, Any], consent: bool | None = True) -> list[Any]:
    """What the pixel sends when these things happen: address, options."""
    if not shutil.which("node"):
        missing("needs Node")
    told = json.dumps({"consent": consent, "settings": SETTINGS, "steps": steps})
    program = Path(__file__).with_name("sandbox.mjs")
    command = ["node", "--experimental-vm-modules", "--no-warnings", str(program), str(FOLDER)]
    answer = subprocess.run(command, input=told, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    sent: list[Any] = json.loads(answer.stdout)["sent"]
    return sent


def bodies(*steps: dict[str, Any], **how: Any) -> list[dict[str, Any]]:
    return [json.loads(options["body"]) for _, options in run(*steps, **how)]


def test_each_happening_becomes_ids_and_nothing_else() -> None:
    who = {"shop": "alice.myshopify.com", "key": "k1", "event": "e1", "browser": "c1"}
    test = {"test": "3", "arm": "b", "beside": "7"}
    assert bodies(
        {"name": "product_viewed", "data": PRODUCT},
        {"name": "checkout_completed", "data": CHECKOUT},
        {"name": "foretally_shown", "customData": {"place": "product", "beside": "7"}},
        {"name": "foretally_shown", "customData": {"place": "home", "beside": "home"}},
        {"name": "foretally_clicked", "customData": {"place": "product", "beside": "7", "product": "8"}},
        {"name": "foretally_met", "customData": test},
    ) == [
        {**who, "kind": "viewed", "product": 7},
        {**who, "kind": "ordered", "order": 6543217654321},
        {**who, "kind": "shown", "beside": 7},
        {**who, "kind": "shown", "beside": None},
        {**who, "kind": "clicked", "product": 8, "beside": 7},
        {**who, "kind": "met", "beside": 7, "test": 3, "arm": "b"},
    ]


def test_it_is_sent_so_that_a_closing_page_does_not_lose_it() -> None:
    ((address, options),) = run({"name": "product_viewed", "data": PRODUCT})
    assert address == SETTINGS["address"]
    assert (options["method"], options["keepalive"]) == ("POST", True)
    assert options["headers"] == {"Content-Type": "text/plain"}


def test_without_consent_nothing_is_sent() -> None:
    seen = {"name": "product_viewed", "data": PRODUCT}
    assert run(seen, consent=False) == []
    assert len(run(seen, {"consent": False}, seen, {"consent": True}, seen)) == 2
    assert len(run({"consent": True}, seen, consent=False)) == 1


@pytest.mark.parametrize("name", ["product_viewed", "checkout_completed", "foretally_shown", "foretally_clicked"])
def test_an_event_without_what_it_should_hold_breaks_nothing(name: str) -> None:
    assert len(run({"name": name, "data": {}, "customData": None})) == 1


def test_the_pixel_is_small_and_knows_no_kind_that_the_app_does_not() -> None:
    source = "".join(path.read_text() for path in FOLDER.glob("src/*.js"))
    assert len(gzip.compress(source.encode())) < 2_000
    assert set(re.findall(r"kind: '(\w+)'", source)) == set(ViewKind)
    assert not re.search(
        r"document|window|cookie|localStorage|sendBeacon|email|phone|address\b(?<!settings\.address)", source
    )
