"""Products and carts as finished values for the templates."""

from collections import Counter
from dataclasses import dataclass

from devstore.sales import money
from devstore.sales.model import Product
from devstore.storefront.addresses import Addresses
from devstore.storefront.cart import Cart
from devstore.storefront.prices import display
from devstore.storefront.protocols import Shop

PER_PAGE = 24
TYPES_SHOWN = 10
LOW = 5


@dataclass(frozen=True)
class Card:
    """A product as a grid shows it."""

    product_id: int
    variant_id: int
    title: str
    vendor: str
    url: str
    picture: str
    price: str
    full_price: str | None
    off: str | None
    """How much cheaper it is now, in per cent."""
    units: int
    """Units left."""

    @property
    def sold_out(self) -> bool:
        """Whether nothing is left."""
        return self.units <= 0

    @property
    def stock(self) -> str:
        """What the product page says about it."""
        if self.sold_out:
            return "Sold out"
        return f"Only {self.units} left" if self.units <= LOW else "In stock, ready to ship"


@dataclass(frozen=True)
class Grid:
    """One page of a list of products."""

    cards: list[Card]
    found: int
    page: int
    pages: int


def card(shop: Shop, product: Product) -> Card:
    """A product with everything a template prints."""
    addresses, currency = Addresses(shop.handle), shop.facts.currency
    price, full = money.cents(product.price), money.cents(product.compare_at_price or "0")
    return Card(
        product_id=product.product_id,
        variant_id=product.variant_id,
        title=product.title,
        vendor=product.vendor,
        url=addresses.product(product),
        picture=addresses.picture(product),
        price=display(price, currency),
        full_price=display(full, currency) if full > price else None,
        off=f"{round(100 * (1 - price / full))}%" if full > price else None,
        units=shop.products.available(product),
    )


def grid(shop: Shop, product_type: str, words: str, page: int, units: Counter[int]) -> Grid:
    """Products of a type (all if empty) whose title holds all the words, best sellers first."""
    sought = words.lower().split()
    found = [
        product
        for product in shop.products.all()
        if product_type in ("", product.product_type) and all(word in product.title.lower() for word in sought)
    ]
    found.sort(key=lambda product: (-units[product.product_id], product.product_id))
    pages = max(-(-len(found) // PER_PAGE), 1)
    page = min(max(page, 1), pages)
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    return Grid([card(shop, product) for product in shown], len(found), page, pages)


def types(shop: Shop) -> list[str]:
    """The product types with the most products, in alphabetical order."""
    counted = Counter(product.product_type for product in shop.products.all() if product.product_type)
    return sorted(name for name, _ in counted.most_common(TYPES_SHOWN))


def cart_rows(shop: Shop, cart: Cart) -> list[tuple[Card, int, str]]:
    """Each line of a cart: its product, its units, what it costs."""
    currency = shop.facts.currency
    return [(card(shop, line.product), line.units, display(line.cents, currency)) for line in cart.lines]


def as_json(shop: Shop, product: Product) -> dict[str, object]:
    """A product as Shopify's storefront JSON has it: prices in cents."""
    price, addresses = money.cents(product.price), Addresses(shop.handle)
    available = shop.products.available(product) > 0
    variant = {"id": product.variant_id, "title": "Default Title", "price": price, "available": available}
    return {
        "id": product.product_id,
        "title": product.title,
        "handle": product.handle,
        "type": product.product_type,
        "vendor": product.vendor,
        "tags": list(product.tags),
        "price": price,
        "price_min": price,
        "price_max": price,
        "price_varies": False,
        "compare_at_price": money.cents(product.compare_at_price) if product.compare_at_price else None,
        "available": available,
        "url": addresses.product(product),
        "featured_image": addresses.picture(product),
        "variants": [{**variant, "sku": product.sku}],
    }
