"""Processes race for one token, or are killed at the worst moment, against a local Shopify that retires tokens."""

import base64
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.serving import make_server

from devstore.config import AppConfig, ShopConfig
from devstore.server import DevStore
from shopify_app import access, clock
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.platform import http
from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.oauth import OAuth
from shopify_app.records import shops, tokens
from shopify_app.records.seal import Seal
from shopify_app.tables import Shop, ShopState, Token
from tests.devstore.few_sales import FewSales
from tests.factories import KEY, SECRET
from tests.web.conftest import Quiet

ROOT = Path(__file__).parents[2]
RENEW = """
from shopify_app import access
from shopify_app.records import shops
with database.reading() as db:
    shop = shops.by_domain(db, "alice.myshopify.com")
print(access.token_for(database, settings, shop, http.session(settings.dev_shopify_url)))
"""
OPEN = """
import sys
from shopify_app import create_app
print(create_app(settings).test_client().get("/settings?id_token=" + sys.argv[2]).status_code)
"""
START = """
import base64, pickle, sys
from shopify_app.db import Database
from shopify_app.platform import http
settings = pickle.loads(base64.b64decode(sys.argv[1]))
database = Database(settings.database_url)
"""


@dataclass
class Shopify:
    """The dev store behind a door that can kill whoever asks for a token, after the token was made."""

    store: DevStore
    url: str = ""
    victim: subprocess.Popen[str] | None = None
    slow: float = 0.0
    grants: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        answer = self.store.wsgi(environ, start_response)
        if environ["PATH_INFO"].endswith("/access_token"):
            self.grants.append(environ["HTTP_HOST"])
            threading.Event().wait(self.slow)
            if self.victim is not None:
                self.victim.send_signal(signal.SIGKILL)
                self.victim.wait()
        return answer


@pytest.fixture
def shopify() -> Iterator[Shopify]:
    store = DevStore([ShopConfig(name, FewSales()) for name in ("alice", "bob")], AppConfig(KEY, SECRET, "http://x"))
    local = Shopify(store)
    server = make_server("127.0.0.1", 0, local, threaded=True, request_handler=Quiet)
    local.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name in ("alice", "bob"):
        store.shop(name).install()
    yield local
    server.shutdown()
    thread.join()
    server.server_close()
    store.stop()


@pytest.fixture
def settings(settings: Settings, shopify: Shopify) -> Settings:
    return replace(settings, dev_shopify_url=shopify.url)


@pytest.fixture
def start(settings: Settings) -> Callable[..., subprocess.Popen[str]]:
    """Run a piece of the app in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    given = base64.b64encode(pickle.dumps(settings)).decode()

    def begin(what: str, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", START + what, given, *more]
        return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)

    return begin


def about_to_expire(database: Database, settings: Settings, seal: Seal, shopify: Shopify, shop: Shop) -> None:
    oauth = OAuth(KEY, SECRET, http.session(shopify.url))
    pair = oauth.exchange_id_token(shop.domain, shopify.store.shop(shop.domain.split(".")[0]).mint_id_token())
    with database.transaction() as db:
        tokens.save(db, shop.id, replace(pair, expires_at=clock.now() + timedelta(minutes=4)), seal)
    shopify.grants.clear()


def a_minute_later(database: Database) -> None:
    with database.transaction() as db:
        db.execute(update(Token).values(lease_until=clock.now() - timedelta(seconds=1)))


def works(shopify: Shopify, domain: str, token: str) -> bool:
    return bool(AdminApi(domain, token, http.session(shopify.url)).run("shop_facts")["shop"]["name"])


def test_two_processes_that_need_it_at_once_renew_once(
    database: Database, settings: Settings, seal: Seal, alice: Shop, bob: Shop, shopify: Shopify, start: Any
) -> None:
    for shop in (alice, bob):
        about_to_expire(database, settings, seal, shopify, shop)
    shopify.slow = 1.0  # longer than two processes are apart
    told = [child.communicate(timeout=60)[0].strip() for child in [start(RENEW), start(RENEW)]]
    assert shopify.grants == [alice.domain]
    assert told[0] == told[1]
    assert works(shopify, alice.domain, told[0])


def test_killed_between_the_answer_and_the_commit_the_old_refresh_token_still_renews(
    database: Database, settings: Settings, seal: Seal, alice: Shop, shopify: Shopify, start: Any
) -> None:
    about_to_expire(database, settings, seal, shopify, alice)
    shopify.victim = start(RENEW)
    assert shopify.victim.wait(60) == -signal.SIGKILL
    assert shopify.grants == [alice.domain]
    shopify.victim = None
    a_minute_later(database)
    token = access.token_for(database, settings, alice, http.session(shopify.url))
    assert shopify.grants == [alice.domain] * 2
    assert works(shopify, alice.domain, token)
    with database.reading() as db:
        stored = tokens.load(db, alice.id, seal)
        assert stored is not None
        assert (stored.access_token, stored.generation) == (token, 2)


def test_killed_while_the_app_is_opened_for_the_first_time_the_next_opening_installs(
    database: Database, settings: Settings, seal: Seal, shopify: Shopify, start: Any
) -> None:
    shopify.victim = start(OPEN, shopify.store.shop("alice").mint_id_token())
    assert shopify.victim.wait(60) == -signal.SIGKILL
    shopify.victim = None
    a_minute_later(database)
    told = start(OPEN, shopify.store.shop("alice").mint_id_token()).communicate(timeout=60)[0]
    assert told.strip() == "200"
    with database.reading() as db:
        shop = shops.by_domain(db, "alice.myshopify.com")
        assert shop is not None
        assert shop.state == ShopState.INSTALLED
        stored = tokens.load(db, shop.id, seal)
    assert stored is not None
    assert works(shopify, shop.domain, stored.access_token)
