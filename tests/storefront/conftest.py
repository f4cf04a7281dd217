"""The tea shop, served by the dev store."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from devstore.config import AppConfig, ShopConfig
from devstore.gid import gid
from devstore.server import DevStore
from devstore.shop import Shop
from tests.storefront.tea_shop import ROOT, TeaShop


@pytest.fixture(scope="session")
def store() -> Iterator[DevStore]:
    app = AppConfig("foretally", "secret", "http://127.0.0.1:1", ROOT / "shopify.app.toml", embeds=("script",))
    running = DevStore([ShopConfig("tea", TeaShop())], app)
    running.shop("tea").install()
    yield running
    running.stop()


@pytest.fixture
def shop(store: DevStore) -> Shop:
    """The tea shop without any recommendations."""
    tea = store.shop("tea")
    for number in range(1, 7):
        tea.metafields.delete(gid("Product", number), "$app", "recommendations")
    tea.metafields.delete(gid("Shop", tea.shop_id), "$app", "recommendations")
    return tea


@pytest.fixture
def customer(store: DevStore, shop: Shop) -> FlaskClient:
    """A fresh browser without scripts."""
    return store.wsgi.test_client()
