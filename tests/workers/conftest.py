"""What a worker has at hand, with a very small Shopify."""

from dataclasses import replace

import pytest

from shopify_app import nudge
from shopify_app.config import Settings
from shopify_app.db import Database
from tests.web.conftest import SmallShopify, shopify
from workers.context import Context

__all__ = ["shopify"]


@pytest.fixture
def context(settings: Settings, database: Database, shopify: SmallShopify) -> Context:
    settings = replace(settings, dev_shopify_url=shopify.url)
    nudge.configure(settings)
    return Context.of(settings, database)
