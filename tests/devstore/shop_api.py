"""The Admin API of one shop as an app calls it."""

from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient

from devstore.server import DevStore
from devstore.shop import Shop


@dataclass
class Api:
    """The Admin API of one shop as the app calls it."""

    client: FlaskClient
    shop: Shop
    token: str

    def post(self, query: str, /, version: str = "2026-10", **variables: Any) -> Any:
        return self.client.post(
            f"/admin/api/{version}/graphql.json",
            json={"query": query, "variables": variables},
            headers={"Host": self.shop.domain, "X-Shopify-Access-Token": self.token},
        )

    def run(self, query: str, /, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = self.post(query, **variables).get_json()
        assert "errors" not in body, body["errors"]
        return body["data"]

    def errors(self, query: str, /, **variables: Any) -> list[dict[str, Any]]:
        """The errors of an answer."""
        found: list[dict[str, Any]] = self.post(query, **variables).get_json()["errors"]
        return found


def api_of(store: DevStore, handle: str, scopes: list[str] | None = None) -> Api:
    """Install the app on a shop and call its API."""
    shop = store.shop(handle)
    shop.install(scopes)
    return Api(store.wsgi.test_client(), shop, shop.tokens.issue_offline().access)
