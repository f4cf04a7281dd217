"""What every job needs, made once per process."""

import secrets
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import requests

from shopify_app import access, config
from shopify_app.db import Database
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.platform import http
from shopify_app.platform.admin_api import AdminApi
from shopify_app.records.objects import Objects, open_objects
from shopify_app.records.seal import Seal
from shopify_app.tables import Shop


@dataclass(frozen=True)
class Context:
    """Settings, database and stores of this process."""

    settings: config.Settings
    database: Database
    objects: Objects
    bundles: Bundles
    seal: Seal
    session: requests.Session

    @classmethod
    def of(cls, settings: config.Settings, database: Database | None = None) -> "Context":
        """All of it for these settings, on their own database if none is given."""
        return cls(
            settings=settings,
            database=database or Database.of(settings),
            objects=open_objects(settings),
            bundles=Bundles(settings),
            seal=Seal(settings.encryption_keys),
            session=http.session(settings.dev_shopify_url),
        )

    def api(self, shop: Shop) -> AdminApi:
        """Shopify's Admin API for one shop, with a token that is good for at least five minutes."""
        token = access.token_for(self.database, self.settings, shop, self.session)
        refused = partial(access.distrust, self.database, self.settings, shop, token)
        return AdminApi(shop.domain, token, self.session, refused=refused)

    def scratch(self, name: str) -> Path:
        """A fresh folder for files in the making, on the same disk as the stores.

        Its name never comes again: processes of two containers have the same numbers, and a killed one leaves files.
        """
        folder = self.settings.var / "scratch" / f"{name}-{secrets.token_hex(8)}"
        folder.mkdir(parents=True)
        return folder


@cache
def context() -> Context:
    """This process's context, opened at the first job."""
    return Context.of(config.load())
