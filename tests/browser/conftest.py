"""A browser on the admin of a local Shopify, with the real app in its frame and a shop that has a past."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Frame, Page
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from devstore.config import AppConfig, ShopConfig
from devstore.server import DevStore
from ml.recommend import imported
from shopify_app import clock, config, create_app
from shopify_app.db import Database
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.migrate import to_head
from shopify_app.platform.oauth import TokenPair
from shopify_app.records import tokens
from shopify_app.records.objects import Objects, open_objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Shop
from tests.browser import history
from tests.devstore.few_sales import FewSales

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET = "foretally", "a secret for tests, as long as a real one"
SHOPS = ("with-past", "acting", "stale", "in-alarm", "reading", "empty")


@dataclass
class Stage:
    """Where the admin and the app are, and what lies behind the app."""

    admin_url: str
    app_url: str
    database: Database
    store: DevStore
    environ: dict[str, str]
    """What the app was started with."""

    @property
    def settings(self) -> config.Settings:
        """What the app runs with."""
        return config.load(self.environ)

    @property
    def objects(self) -> Objects:
        """Where the app keeps its files."""
        return open_objects(self.settings)

    def shop(self, db: Session, handle: str) -> Shop:
        """The shop's row."""
        return db.scalars(select(Shop).where(Shop.domain == self.store.shop(handle).domain)).one()

    def address(self, handle: str, path: str = "") -> str:
        """The admin page that frames the app."""
        return f"{self.admin_url}/store/{handle}/apps/{KEY}{path}"


@dataclass
class Visit:
    """One tab on the admin: what it shows, and everything the console complained about."""

    page: Page
    stage: Stage
    complaints: list[str] = field(default_factory=list)

    def open(self, handle: str, path: str = "") -> Frame:
        """The app's frame, once its page is there and its enhancements have run."""
        self.page.goto(self.stage.address(handle, path))
        return self.frame()

    def frame(self) -> Frame:
        """The app's frame as it is now."""
        self.page.frame_locator("#frame").locator("s-page h1").wait_for()
        frame = next(frame for frame in self.page.frames if frame.url.startswith(self.stage.app_url))
        frame.wait_for_load_state("load")
        frame.evaluate("customElements.whenDefined('s-page').then(() => true)")
        if frame.locator("[data-chart]").count() and self.has_uplot:
            frame.locator(".uplot canvas").first.wait_for()
        return frame

    @property
    def has_uplot(self) -> bool:
        """npm was here, so charts are drawn anew in the browser."""
        return (ROOT / "shopify_app" / "static" / "vendor" / "uPlot.iife.min.js").exists()


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The local Shopify and the app, each on its own port and site, with shops in different states."""
    var = tmp_path_factory.mktemp("browser")
    app_server = make_server("127.0.0.1", 0, _later, threaded=True, request_handler=_Silent)
    app_url = f"http://127.0.0.1:{app_server.server_port}"
    shops = [ShopConfig(handle, FewSales()) for handle in SHOPS]
    store = DevStore(shops, AppConfig(KEY, SECRET, app_url, ROOT / "shopify.app.toml"))
    admin_url = store.start()
    given = environ(var, app_url) | {"ENVIRONMENT": "development", "DEV_SHOPIFY_URL": admin_url}
    settings = config.load(given)
    to_head(settings.database_url)
    app_server.app = create_app(settings)
    database = Database.of(settings)
    with database.transaction() as db:
        furnish(db, settings, store)
    threading.Thread(target=app_server.serve_forever, daemon=True).start()
    yield Stage(admin_url, app_url, database, store, given)
    app_server.shutdown()
    app_server.server_close()
    store.stop()


def _later(_environ: Any, _start: Any) -> Any:
    raise RuntimeError("the app is not there yet")


def environ(var: Path, app_url: str) -> dict[str, str]:
    """Settings of an embedded installation that keeps everything under `var`."""
    return {
        "FORETALLY_VAR": str(var),
        "SHOPIFY_API_KEY": KEY,
        "SHOPIFY_API_SECRET": SECRET,
        "APP_URL": app_url,
        "BUSINESS_CLOCK": "data",
    }


def furnish(db: Session, settings: config.Settings, store: DevStore) -> None:
    """Shops in daily use (one to look at, one to change), without news, in alarm, still being read, and fresh."""
    objects, now = open_objects(settings), clock.now()
    bundle = neighbours(settings)
    for handle in SHOPS:
        store.shop(handle).install()
        shop = installed(db, settings, store.shop(handle).domain)
        if handle not in ("reading", "empty"):
            heard_at = now - timedelta(days=2) if handle == "stale" else now
            history.past(db, objects, shop, heard_at, bundle)
        if handle == "in-alarm":
            history.alarm(db, shop)
        if handle == "reading":
            history.reading(db, shop, now)


def installed(db: Session, settings: config.Settings, domain: str) -> Shop:
    """A shop whose token the app holds, so that opening it installs nothing anew."""
    shop = history.shop(db, domain)
    later = clock.now() + timedelta(hours=1)
    pair = TokenPair("token of " + domain, shop.scopes, later, "refresh of " + domain, later + timedelta(days=60), "")
    tokens.save(db, shop.id, pair, Seal(settings.encryption_keys))
    return shop


def neighbours(settings: config.Settings) -> str:
    """A recommender's bundle for the shops' products."""
    ids = [1001 + n for n in range(len(history.TITLES))]
    rows = [
        {"product_id": a, "neighbour_id": ids[(n + step) % len(ids)], "score": 1 / step, "together": 40 // step}
        for n, a in enumerate(ids)
        for step in range(1, 8)
    ]
    folder = settings.var / "neighbours"
    imported.write(folder, pd.DataFrame(rows), ids[::-1])
    return Bundles(settings).keep(folder)


@pytest.fixture(scope="session")
def in_production(stage: Stage) -> FlaskClient:
    """The same data behind the app as it runs in production: Shopify's own scripts, no local stand-ins."""
    own = {name: value for name, value in stage.environ.items() if name != "DEV_SHOPIFY_URL"}
    settings = config.load(own | {"ENVIRONMENT": "production", "APP_URL": "https://foretally.example.com"})
    return create_app(settings).test_client()


@pytest.fixture(scope="session")
def windows(browser: Browser) -> dict[int, BrowserContext]:
    """One profile per width, used by all tests: nothing the app keeps would carry over, it has no cookies."""
    made = {width: browser.new_context(viewport={"width": width, "height": 900}) for width in (1280, 390)}
    for one in made.values():
        one.set_default_timeout(20_000)
        one.new_page()  # stays open: with its last tab a window closes, and another costs 0.2 s of CPU
    return made


@pytest.fixture
def visit(windows: dict[int, BrowserContext], stage: Stage, width: int) -> Iterator[Visit]:
    """A tab that remembers complaints of the console."""
    tab = Visit(windows[width].new_page(), stage)

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            tab.complaints.append(message.text)

    tab.page.on("console", listen)
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    yield tab
    tab.page.close()
