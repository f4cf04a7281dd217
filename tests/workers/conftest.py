"""What a worker has at hand, with a very small Shopify."""

from dataclasses import replace

import pytest

from shopify_app import nudge
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.platform import http
from shopify_app.records.objects import open_objects
from shopify_app.records.seal import Seal
from tests.web.conftest import SmallShopify, shopify
from workers.context import Context

__all__ = ["shopify"]


@pytest.fixture
def context(settings: Settings, database: Database, shopify: SmallShopify) -> Context:
    settings = replace(settings, dev_shopify_url=shopify.url)
    nudge.configure(settings)
    return Context(
        settings=settings,
        database=database,
        objects=open_objects(settings),
        bundles=Bundles(settings),
        seal=Seal(settings.encryption_keys),
        session=http.session(settings.dev_shopify_url),
    )
