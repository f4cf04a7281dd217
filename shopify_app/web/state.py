"""What every request needs, made once per process."""

from dataclasses import dataclass

import requests
from flask import Flask, current_app

from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.lifecycle.pixel import Pixel
from shopify_app.lifecycle.serving import Serving
from shopify_app.platform import http
from shopify_app.records.objects import Objects, open_objects
from shopify_app.records.seal import Seal
from shopify_app.web.acceptance import Acceptance
from shopify_app.web.hooks import Hooks

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
    hooks: Hooks
    pixel: Pixel

    @property
    def cdn(self) -> str:
        """Where App Bridge and Polaris come from."""
        local = self.settings.dev_shopify_url
        return f"{local}/cdn" if local else "https://cdn.shopify.com/shopifycloud"


def attach(app: Flask, settings: Settings, database: Database | None = None) -> None:
    """Open what the app needs, the database unless it is given, and keep it with the app."""
    database, seal = database or Database.of(settings), Seal(settings.encryption_keys)
    app.extensions[KEY] = State(
        settings=settings,
        database=database,
        seal=seal,
        objects=open_objects(settings),
        session=http.session(settings.dev_shopify_url),
        serving=Serving(database, settings),
        hooks=Hooks(settings.secrets, Acceptance(settings.database_url, seal)),
        pixel=Pixel(database),
    )


def state() -> State:
    """What the running app has open."""
    return of(current_app)


def of(app: Flask) -> State:
    """What that app has open."""
    found: State = app.extensions[KEY]
    return found
