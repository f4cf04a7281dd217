"""The shop itself, the app and its installation."""

from typing import Any, NamedTuple

from devstore.gid import gid, number
from devstore.graphql.call import Call
from devstore.graphql.tables.metafields import OWNED
from devstore.graphql.tables.values import Table, iso
from devstore.installation import Installation


class Scope(NamedTuple):
    """One access scope."""

    handle: str


def installation(_: Any, call: Call, id: str | None = None) -> Installation | None:
    """The installation of the calling app; there is no other."""
    current = call.shop.installation
    return current if id is None or number(id, "AppInstallation") == current.installation_id else None


def _offset(call: Call) -> str:
    return call.shop.clock.midnight(call.shop.clock.today).astimezone(call.shop.zone).strftime("%z")


SHOP: Table = {
    "id": lambda shop, call: gid("Shop", shop.shop_id),
    "name": lambda shop, call: shop.facts.name,
    "email": lambda shop, call: "owner@example.com",
    "contactEmail": lambda shop, call: "owner@example.com",
    "myshopifyDomain": lambda shop, call: shop.domain,
    "primaryDomain": lambda shop, call: shop,
    "url": lambda shop, call: f"https://{shop.domain}",
    "currencyCode": lambda shop, call: shop.facts.currency,
    "ianaTimezone": lambda shop, call: shop.facts.time_zone,
    "timezoneOffset": lambda shop, call: _offset(call),
    "taxesIncluded": lambda shop, call: True,
    "createdAt": lambda shop, call: iso(shop.clock.midnight(shop.sales.first_day)),
    "billingAddress": lambda shop, call: shop,
    "shopAddress": lambda shop, call: shop,
    "plan": lambda shop, call: shop,
    **OWNED,
}
DOMAIN: Table = {
    "id": lambda shop, call: gid("Domain", shop.shop_id),
    "host": lambda shop, call: shop.domain,
    "url": lambda shop, call: f"https://{shop.domain}",
}
ADDRESS: Table = {
    "id": lambda shop, call: gid("ShopAddress", shop.shop_id),
    "city": lambda shop, call: None,
    "country": lambda shop, call: shop.facts.country,
    "countryCodeV2": lambda shop, call: shop.facts.country,
}
PLAN: Table = {
    "displayName": lambda shop, call: "Development",
    "publicDisplayName": lambda shop, call: "Development",
    "partnerDevelopment": lambda shop, call: True,
    "shopifyPlus": lambda shop, call: False,
}
INSTALLATION: Table = {
    "id": lambda one, call: gid("AppInstallation", one.installation_id),
    "app": lambda one, call: one,
    "accessScopes": lambda one, call: [Scope(scope) for scope in one.scopes],
    **OWNED,
}
APP: Table = {
    "id": lambda one, call: gid("App", one.app_id),
    "apiKey": lambda one, call: call.shop.app.api_key,
    "handle": lambda one, call: call.shop.manifest.name.lower().replace(" ", "-"),
    "title": lambda one, call: call.shop.manifest.name,
    "embedded": lambda one, call: True,
}
SCOPE: Table = {
    "handle": lambda scope, call: scope.handle,
    "description": lambda scope, call: scope.handle.replace("_", " ").capitalize(),
}
