"""What the storefront needs of the local Shopify around it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from devstore.sales.model import Product, Sales, ShopFacts


class Products(Protocol):
    """The catalogue as customers see it now."""

    def all(self) -> list[Product]: ...
    def get(self, product_id: int | None) -> Product | None: ...
    def by_handle(self, handle: str) -> Product | None: ...
    def available(self, product: Product) -> int: ...


class Metafield(Protocol):
    """A stored value with its type."""

    @property
    def type(self) -> str: ...
    @property
    def value(self) -> str: ...


class Metafields(Protocol):
    """Values by owner (a global id), namespace and key."""

    def get(self, owner: str, namespace: str | None, key: str) -> Metafield | None: ...


class Pixel(Protocol):
    """The app's web pixel, switched on."""

    @property
    def parsed(self) -> dict[str, Any]: ...


class Pixels(Protocol):
    """At most one pixel."""

    def get(self) -> Pixel | None: ...


class Clock(Protocol):
    """The shop's business day."""

    @property
    def today(self) -> date: ...


class Shop(Protocol):
    """One shop."""

    @property
    def handle(self) -> str: ...
    @property
    def shop_id(self) -> int: ...
    @property
    def is_installed(self) -> bool: ...
    @property
    def facts(self) -> ShopFacts: ...
    @property
    def sales(self) -> Sales: ...
    @property
    def products(self) -> Products: ...
    @property
    def metafields(self) -> Metafields: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def pixels(self) -> Pixels: ...


class App(Protocol):
    """The app under development; its extensions lie in `extensions/` beside its toml."""

    @property
    def toml(self) -> Path | None: ...
    @property
    def embeds(self) -> Sequence[str]: ...


class Store(Protocol):
    """The local Shopify; `shop` raises KeyError for a handle that nobody has."""

    @property
    def app(self) -> App: ...
    def shop(self, handle: str) -> Shop: ...
