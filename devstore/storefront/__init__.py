"""The shop as its customers see it: a plain theme of our own that renders the app's theme blocks."""

from devstore.storefront.pages import blueprint

__all__ = ["blueprint"]
