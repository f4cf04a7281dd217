"""One Chromium for all tests of a process, and what they look for with it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--test-third-party-cookie-phaseout",
]


def missing(what: str) -> None:
    """Skip with the reason; in CI nothing that a test needs may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it, without its own downloads."""
    if not Path(CHROMIUM).exists():
        missing(f"no browser at {CHROMIUM}: install chromium or set CHROMIUM")
    with sync_playwright() as play:
        try:
            chromium = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        except Error as broken:
            missing(f"{CHROMIUM} does not start: {broken.message.splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def width(request: pytest.FixtureRequest) -> int:
    """How wide the window is."""
    found: int = request.param
    return found


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's source."""
    source = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        missing("axe-core is not here: npm ci")
    return source.read_text()
