"""The HTML that leaves the app, read without a browser."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.browser.conftest import ROOT, Stage
from tests.chromium import missing

MANIFEST = ROOT / "node_modules" / "@shopify" / "polaris-types" / "dist" / "custom-elements.json"
CDN = ("https://cdn.shopify.com/shopifycloud/app-bridge.js", "https://cdn.shopify.com/shopifycloud/polaris-1.js")
GLOBAL = re.compile(r"(id|class|slot|hidden|lang|role|tabindex|data-[a-z-]+|aria-[a-z]+)")
VOID = {"meta", "link", "input", "br", "img"}
VIEWS = (
    ("with-past", "/"),
    ("with-past", "/forecasts?q=a"),
    ("with-past", "/forecasts/1019"),
    ("with-past", "/promotions?product=1001"),
    ("with-past", "/reorder?show=all"),
    ("with-past", "/reorder?show=ordered"),
    ("with-past", "/recommendations"),
    ("with-past", "/models"),
    ("with-past", "/models/forecast/3"),
    ("with-past", "/models/forecast/4"),
    ("with-past", "/models/forecast/99"),
    ("with-past", "/alerts"),
    ("with-past", "/settings"),
    ("with-past", "/settings/rules"),
    ("with-past", "/settings/vendors"),
    ("with-past", "/settings/vendor?name=Kiln+%26+Co"),
    ("in-alarm", "/"),
    ("in-alarm", "/alerts"),
    ("stale", "/forecasts"),
    ("stale", "/reorder"),
    ("reading", "/"),
    ("reading", "/reorder"),
    ("empty", "/recommendations"),
    ("empty", "/alerts"),
)


@dataclass
class Element:
    """One element with the tag it stands in."""

    tag: str
    attributes: dict[str, str | None]
    parent: str


@dataclass
class Reader(HTMLParser):
    """All elements of a page."""

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs), self._open[-1] if self._open else ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert not self._open or self._open[-1] == tag or tag == "path", f"</{tag}> closes <{self._open[-1]}>"
        if self._open and self._open[-1] == tag:
            self._open.pop()


@pytest.fixture(scope="module", params=VIEWS, ids=lambda view: f"{view[0]}{view[1]}")
def page(request: pytest.FixtureRequest, in_production: FlaskClient, stage: Stage) -> str:
    """One page as production sends it."""
    handle, path = request.param
    token = stage.store.shop(handle).mint_id_token()
    reply = in_production.get(path, headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code in (200, 404)
    return reply.get_data(as_text=True)


def elements(page: str) -> list[Element]:
    reader = Reader()
    reader.feed(page)
    return reader.elements


def test_a_page_loads_shopifys_two_scripts_and_nothing_else_from_outside(page: str) -> None:
    found = elements(page)
    sources = [e.attributes.get("src") for e in found if e.attributes.get("src")]
    sheets = [e.attributes.get("href") for e in found if e.tag == "link"]
    assert tuple(sources[:2]) == CDN
    assert all((source or "").startswith("/static/") for source in sources[2:])
    assert all((sheet or "").startswith(("/static/", "data:,")) for sheet in sheets)
    assert "localhost" not in page


def test_a_page_needs_no_inline_script_and_no_inline_style(page: str) -> None:
    found = elements(page)
    assert [e.tag for e in found if "style" in e.attributes or e.tag == "style"] == []
    assert [name for e in found for name in e.attributes if name.startswith("on")] == []
    assert [
        e for e in found if e.tag == "script" and not e.attributes.get("src") and e.attributes.get("type") is None
    ] == []


def test_a_page_names_its_app_and_never_a_token(page: str) -> None:
    assert '<meta name="shopify-api-key" content="foretally">' in page
    assert "id_token" not in page
    assert "eyJ" not in page


def test_every_component_attribute_and_value_exists_at_shopify(page: str) -> None:
    known = components()
    assert list(mistakes(elements(page), known)) == []


@cache
def components() -> dict[str, dict[str, Any]]:
    """Shopify's own list of components: attributes with their types, and slots."""
    if not MANIFEST.exists():
        missing("Shopify's list of components is not here: npm ci (@shopify/polaris-types)")
    modules = json.loads(Path(MANIFEST).read_text())["modules"]
    return {
        one["tagName"]: {
            "attributes": {a["name"]: a.get("type", {}).get("text", "") for a in one.get("attributes", [])},
            "slots": {slot["name"] for slot in one.get("slots", [])},
        }
        for module in modules
        for one in module["declarations"]
    }


def mistakes(found: list[Element], known: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What a page uses that Shopify does not have."""
    for element in found:
        slot = element.attributes.get("slot")
        if slot and slot not in known.get(element.parent, {"slots": set()})["slots"]:
            yield f"<{element.parent}> has no slot {slot}"
        if not element.tag.startswith("s-") or element.tag == "s-app-nav":
            continue
        if element.tag not in known:
            yield f"there is no <{element.tag}>"
            continue
        yield from _wrong_attributes(element, known[element.tag]["attributes"])


def _wrong_attributes(element: Element, types: dict[str, str]) -> Iterator[str]:
    for name, value in element.attributes.items():
        in_menu = name == "rel" and element.parent == "s-app-nav"
        if GLOBAL.fullmatch(name) or in_menu:
            continue
        if name not in types:
            yield f"<{element.tag}> has no attribute {name}"
            continue
        allowed = re.findall(r'"([^"]*)"', types[name])
        is_closed = re.fullmatch(r'("[^"]*"( \| )?)+', types[name]) is not None
        if is_closed and value not in allowed:
            yield f'<{element.tag} {name}="{value}">: known are {", ".join(allowed)}'


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ("<s-card></s-card>", "there is no <s-card>"),
        ('<s-badge tone="red"></s-badge>', '<s-badge tone="red">'),
        ('<s-text variant="body"></s-text>', "<s-text> has no attribute variant"),
        ('<s-page><s-button slot="footer"></s-button></s-page>', "<s-page> has no slot footer"),
    ],
)
def test_markup_that_shopify_does_not_have_is_found(markup: str, said: str) -> None:
    assert [found[: len(said)] for found in mistakes(elements(markup), components())] == [said]
