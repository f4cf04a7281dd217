"""The local admin by itself: it launches the app as Shopify does."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from devstore.config import AppConfig, ShopConfig
from devstore.server import DevStore
from devstore.signing import decode_jwt, sign_query
from tests.browser.conftest import KEY, ROOT, SECRET
from tests.devstore.few_sales import FewSales


@pytest.fixture
def store() -> Iterator[DevStore]:
    app = AppConfig(KEY, SECRET, "http://127.0.0.1:8800", ROOT / "shopify.app.toml")
    made = DevStore([ShopConfig("alice", FewSales())], app)
    yield made
    made.stop()


def test_the_first_page_is_signed_and_carries_a_token_of_the_shop(store: DevStore) -> None:
    reply = Client(store.wsgi).get("/store/alice/launch?path=/models%3Ftask%3Dforecast")
    address = urlsplit((reply.json or {})["src"])
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert (address.netloc, address.path) == ("127.0.0.1:8800", "/models")
    assert query.pop("task") == "forecast"
    assert query["hmac"] == sign_query(SECRET, query)
    assert query["shop"] == "alice.myshopify.com"
    assert decode_jwt(SECRET, query["id_token"])["dest"] == "https://alice.myshopify.com"


def test_every_launch_has_a_fresh_token(store: DevStore) -> None:
    client = Client(store.wsgi)
    tokens = {(client.get("/store/alice/id-token").json or {})["idToken"] for _ in range(3)}
    assert len(tokens) == 3


def test_a_shop_without_the_app_is_asked_to_install_it(store: DevStore) -> None:
    client = Client(store.wsgi)
    assert "Install the app in alice?" in client.get(f"/store/alice/apps/{KEY}").text
    assert client.post(f"/store/alice/apps/{KEY}/install").status_code == 303
    assert store.shop("alice").is_installed
    assert '<iframe id="frame"' in client.get(f"/store/alice/apps/{KEY}/models").text


def test_an_unknown_shop_or_app_is_not_found(store: DevStore) -> None:
    client = Client(store.wsgi)
    assert client.get(f"/store/nobody/apps/{KEY}").status_code == 404
    assert client.get("/store/alice/apps/other").status_code == 404
    assert client.get("/store/nobody/id-token").status_code == 404


def test_the_stand_ins_are_whole_scripts_of_our_own(store: DevStore) -> None:
    client = Client(store.wsgi)
    polaris = client.get("/cdn/polaris-1.js")
    assert polaris.mimetype == "text/javascript"
    assert '"/* styles */"' not in polaris.text
    assert "s-page" in polaris.text
    assert "idToken" in client.get("/cdn/app-bridge.js").text


def test_the_app_never_names_the_stand_ins() -> None:
    sources = [*Path(ROOT / "templates").rglob("*.html"), *Path(ROOT / "shopify_app" / "static").glob("*.js")]
    assert [path.name for path in sources if "localhost" in path.read_text()] == []
