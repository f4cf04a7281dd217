"""What every request needs, made once per process."""

from dataclasses import dataclass

import requests
from flask import Flask, current_app

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle.serving import Serving
from shopify_app.platform import http
from shopify_app.records.objects import Objects
from shopify_app.records.seal import Seal
from shopify_app.web.acceptance import Acceptance

KEY = "foretally"


@dataclass(frozen=True)
class State:
    """Settings, database and stores of this process."""

    settings: Settings
    database: Database
    seal: Seal
    objects: Objects
    session: requests.Session
    serving: Serving
    acceptance: Acceptance

    @property
    def cdn(self) -> str:
        """Where App Bridge and Polaris come from."""
        local = self.settings.dev_shopify_url
        return f"{local}/cdn" if local else "https://cdn.shopify.com/shopifycloud"


def attach(app: Flask, settings: Settings) -> None:
    """Open what the app needs and keep it with the app."""
    database, seal = Database(settings.database_url), Seal(settings.encryption_keys)
    app.extensions[KEY] = State(
        settings=settings,
        database=database,
        seal=seal,
        objects=Objects(settings.objects_folder),
        session=http.session(settings.dev_shopify_url),
        serving=Serving(database, settings),
        acceptance=Acceptance(settings.database_url, seal),
    )


def state() -> State:
    """What the running app has open."""
    found: State = current_app.extensions[KEY]
    return found
