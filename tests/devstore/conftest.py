"""A dev store with two shops that sell under the same ids, an app that listens, and a client for the API."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devstore.config import AppConfig, ShopConfig
from devstore.server import DevStore
from tests.devstore.few_sales import FewSales
from tests.devstore.receiver import Receiver
from tests.devstore.shop_api import Api, api_of

KEY, SECRET = "test-key", "test-secret"
TOML = """
name = "Test App"
[access_scopes]
scopes = "read_orders,read_products,read_inventory,read_customers,write_products"
[auth]
redirect_urls = ["https://app.example/auth/callback"]
[webhooks]
api_version = "2026-10"
[[webhooks.subscriptions]]
topics = ["orders/create", "orders/updated"]
uri = "/webhooks"
include_fields = ["id", "updated_at", "line_items.product_id", "line_items.current_quantity"]
[[webhooks.subscriptions]]
topics = ["products/update", "app/uninstalled", "app/scopes_update", "bulk_operations/finish"]
uri = "/webhooks"
[[webhooks.subscriptions]]
compliance_topics = ["customers/data_request", "customers/redact", "shop/redact"]
uri = "/webhooks"
[app_proxy]
url = "https://app.example/proxy"
prefix = "apps"
subpath = "test"
[product.metafields.app.recommendations]
type = "list.product_reference"
name = "Recommendations"
"""
TRIGGER = """
[[extensions]]
name = "Accuracy alert"
type = "flow_trigger"
handle = "accuracy-alert"
[settings]
[[settings.fields]]
type = "single_line_text_field"
key = "Task"
[[settings.fields]]
type = "number_decimal"
key = "Version number"
"""
ACTION = """
[[extensions]]
name = "Roll back model"
type = "flow_action"
handle = "roll-back-model"
runtime_url = "/flow/roll-back-model"
[settings]
[[settings.fields]]
type = "single_line_text_field"
key = "task"
[[settings.fields]]
type = "number_integer"
key = "expected_version"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """An app folder with a toml and two Flow extensions."""
    for handle, text in (("accuracy-alert", TRIGGER), ("roll-back-model", ACTION)):
        folder = tmp_path / "app" / "extensions" / handle
        folder.mkdir(parents=True)
        (folder / "shopify.extension.toml").write_text(text)
    path = tmp_path / "app" / "shopify.app.toml"
    path.write_text(TOML)
    return path


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The listening app."""
    listening = Receiver()
    yield listening
    listening.close()


Open = Callable[..., DevStore]


@pytest.fixture
def open_store(toml: Path, receiver: Receiver) -> Iterator[Open]:
    """Opens dev stores that are closed after the test."""
    opened: list[DevStore] = []

    def open_one(state: Path | None = None, sales: FewSales | None = None, **shop: Any) -> DevStore:
        app = AppConfig(KEY, SECRET, receiver.url, toml)
        settings: dict[str, Any] = {"patience": 0.3, "restore_rate": 10_000.0, **shop}
        shops = [ShopConfig(handle, sales or FewSales(), **settings) for handle in ("alice", "bob")]
        opened.append(DevStore(shops, app, state))
        return opened[-1]

    yield open_one
    for one in opened:
        one.stop()


@pytest.fixture
def store(open_store: Open) -> DevStore:
    """Two shops, not yet installed."""
    return open_store()


@pytest.fixture
def alice(store: DevStore) -> Api:
    """The first shop, installed."""
    return api_of(store, "alice")


@pytest.fixture
def bob(store: DevStore) -> Api:
    """The second shop, installed: same products, orders and ids."""
    return api_of(store, "bob")
