"""The web app as tests make it, again and again in one process: its templates are compiled once for all of them."""

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from shopify_app import create_app
from shopify_app.config import Settings
from shopify_app.db import Database


class Compiled(BytecodeCache):
    """Keeps compiled templates in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was kept under the bucket's key; Jinja checks that it is of the same source."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


def an_app(settings: Settings, database: Database) -> Flask:
    """The whole web app with these settings, on this database."""
    app = create_app(settings, database)
    app.jinja_env.bytecode_cache = COMPILED
    return app
