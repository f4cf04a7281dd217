"""What Shopify says about the shop itself."""

from typing import NamedTuple

from shopify_app.errors import ShopifyError
from shopify_app.platform.admin_api import AdminApi


class ShopFacts(NamedTuple):
    """A shop's name, currency, time zone and country."""

    name: str
    currency: str
    time_zone: str
    country: str


def shop_facts(api: AdminApi) -> ShopFacts:
    """The facts, read from Shopify. Raises ShopifyError when the answer is about another shop than asked."""
    found = api.run("shop_facts")["shop"]
    if found["myshopifyDomain"] != api.shop:
        raise ShopifyError(api.shop, f"the token belongs to {found['myshopifyDomain']}")
    country = (found.get("shopAddress") or {}).get("countryCodeV2") or ""
    return ShopFacts(found["name"], found["currencyCode"], found["ianaTimezone"], country)
