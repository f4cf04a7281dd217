"""Where things are on the storefront of one shop, which lives under /s/{handle}."""

from dataclasses import dataclass

from devstore.sales.model import Product


@dataclass(frozen=True)
class Addresses:
    """Paths of one shop's storefront."""

    handle: str

    @property
    def root(self) -> str:
        """The home page, without a slash at its end."""
        return f"/s/{self.handle}"

    @property
    def cart(self) -> str:
        """The cart page; `/add` and `/change` below it take forms."""
        return f"{self.root}/cart"

    def product(self, product: Product) -> str:
        """A product page."""
        return f"{self.root}/products/{product.handle}"

    def picture(self, product: Product) -> str:
        """A product's own picture, or the one drawn for it."""
        return product.image_url or f"{self.root}/media/{product.handle}.svg"

    def asset(self, extension: str, name: str) -> str:
        """A file of a theme app extension."""
        return f"{self.root}/extensions/{extension}/assets/{name}"
