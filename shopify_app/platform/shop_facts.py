"""What Shopify says about the shop itself and about what its merchant allowed us to do."""

from dataclasses import dataclass
from datetime import datetime

from shopify_app import clock
from shopify_app.errors import ShopifyError
from shopify_app.platform.admin_api import AdminApi


@dataclass(frozen=True)
class ShopFacts:
    """A shop's name, clock, currency and country."""

    shop: str
    name: str
    created_at: datetime
    time_zone: str
    currency: str
    country: str
    plan: str
    is_development: bool


def shop_facts(api: AdminApi) -> ShopFacts:
    """The facts, read from Shopify. Raises ShopifyError when the answer is about another shop than asked."""
    found = api.run("shop_facts")["shop"]
    if found["myshopifyDomain"] != api.shop:
        raise ShopifyError(api.shop, f"the token belongs to {found['myshopifyDomain']}")
    return ShopFacts(
        shop=api.shop,
        name=found["name"],
        created_at=clock.parse(found["createdAt"]),
        time_zone=found["ianaTimezone"],
        currency=found["currencyCode"],
        country=(found.get("shopAddress") or {}).get("countryCodeV2") or "",
        plan=found["plan"]["publicDisplayName"],
        is_development=found["plan"]["partnerDevelopment"],
    )


def granted_scopes(api: AdminApi) -> frozenset[str]:
    """Every access scope this installation has now, optional ones included."""
    scopes = api.run("installation_scopes")["currentAppInstallation"]["accessScopes"]
    return frozenset(scope["handle"] for scope in scopes)
