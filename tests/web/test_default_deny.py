"""Every route turns away who cannot show who they are, but for a short list that says nothing about anybody."""

import re
from pathlib import Path

import pytest
from flask import Flask

from tests.factories import KEY

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database

PUBLIC = {
    ("GET", "/static/<path:filename>"): "files that ship with the app",
    ("GET", "/healthz"): "says ok",
    ("GET", "/readyz"): "says what is reachable",
    ("GET", "/metrics"): "counts, without a shop's name",
    ("GET", "/auth/install"): "sends a shop's merchant to Shopify",
    ("GET", "/auth/patch-id-token"): "an empty page",
}
DOCS = Path(__file__).parents[2] / "docs" / "security.md"
VALUES = {"task": "forecast", "number": 1, "product_id": 1, "export_id": 1, "filename": "app.css"}


def routes(app: Flask) -> list[tuple[str, str]]:
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def address(app: Flask, rule: str) -> str:
    found = next(one for one in app.url_map.iter_rules() if one.rule == rule)
    with app.test_request_context():
        built = app.url_map.bind("").build(found.endpoint, {n: VALUES[n] for n in found.arguments})
    return str(built)


def test_a_stranger_gets_nowhere(app: Flask) -> None:
    client, seen = app.test_client(), 0
    for method, rule in routes(app):
        if (method, rule) in PUBLIC:
            continue
        seen += 1
        answer = client.open(address(app, rule), method=method, data=b"{}" if method == "POST" else None)
        past_app_bridge = answer.headers.get("Location", "").startswith("/auth/patch-id-token?")
        assert answer.status_code in (400, 401) or past_app_bridge, f"{method} {rule} answered {answer.status_code}"
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert seen >= 15


def test_the_documented_routes_are_those_of_the_app(app: Flask) -> None:
    rows = re.findall(r"^\| `([A-Z]+) (/[^`]*)` \| ([^|]+) \|$", DOCS.read_text(), re.MULTILINE)
    told = {(method, rule): door.strip() for method, rule, door in rows if (method, rule) != ("POST", "/flow/…")}
    assert sorted(told) == routes(app), "docs/security.md lists every route and its door"
    assert {route for route, door in told.items() if door.startswith("public: ")} == set(PUBLIC)
    assert {told[route].removeprefix("public: ") for route in PUBLIC} == set(PUBLIC.values())


@pytest.mark.parametrize("forged", ["Bearer ", "Bearer x", "Bearer a.b.c", f"Bearer {KEY}", "Bearer " + "9" * 5000])
def test_a_forged_header_opens_nothing(app: Flask, forged: str) -> None:
    client = app.test_client()
    for method, rule in routes(app):
        if (method, rule) not in PUBLIC:
            answer = client.open(address(app, rule), method=method, headers={"Authorization": forged})
            assert answer.status_code in (400, 401), f"{method} {rule} answered {answer.status_code}"
