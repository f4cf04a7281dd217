"""Numbers in addresses: as large as Shopify's ids and the database's columns are; a larger one names nothing."""

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from shopify_app.tables.base import LARGEST_ID


class Number(IntegerConverter):
    """`<int:…>` of a route: beyond the largest id the address is 404."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_ID)


def shopify_id(text: str) -> int:
    """The same of a query. Raises ValueError."""
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        raise ValueError("no id is that large or small")
    return number


def register(app: Flask) -> None:
    """Every `<int:…>` of the app's routes, which have to be registered after this."""
    app.url_map.converters["int"] = Number
