"""One call of the Admin GraphQL API: what it answered, what it cost, and what was wrong with it.

No ambient shop: an `AdminApi` is one shop with one token, and nothing of it outlives the object.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from shopify_app.config import API_VERSION
from shopify_app.errors import ShopifyError, ShopifyUnavailable, Throttled, Unauthorised
from shopify_app.platform import answers
from shopify_app.platform.documents import document
from shopify_app.platform.domains import shop_domain


class UserErrors(ShopifyError):
    """A mutation that Shopify understood and did not do; `user_errors` are its own entries."""

    def __init__(self, shop: str, user_errors: list[dict[str, Any]]) -> None:
        super().__init__(shop, "; ".join(str(error.get("message")) for error in user_errors)[:500])
        self.user_errors = user_errors


@dataclass(frozen=True)
class Cost:
    """What a call cost, and the state of this app's bucket in this shop afterwards, in points."""

    requested: float
    actual: float | None
    maximum: float
    available: float
    restore_rate: float

    @property
    def wait(self) -> float:
        """Seconds until the bucket holds enough for the same call again."""
        missing = self.requested - self.available
        return min(max(missing / max(self.restore_rate, 1.0), 0.1), answers.LONGEST_WAIT)


@dataclass
class AdminApi:
    """The Admin API of one shop. `cost` is what the last call cost, when Shopify said so.

    `refused` is told of a token that Shopify no longer accepts, so that the next try can have another one.
    """

    shop: str
    token: str = field(repr=False)
    session: requests.Session = field(repr=False)
    version: str = API_VERSION
    refused: Callable[[], None] = field(default=lambda: None, repr=False)
    cost: Cost | None = field(default=None, init=False)

    def run(self, what: str, /, **variables: Any) -> dict[str, Any]:
        """The `data` of one document: a name out of `queries/`, or a document's own text.

        Raises Throttled, Unauthorised, UserErrors, ShopifyError or ShopifyUnavailable; one call, no second try.
        """
        text = what if "{" in what else document(what)
        path = f"/admin/api/{self.version}/graphql.json"
        headers = {"X-Shopify-Access-Token": self.token}
        reply = answers.post(
            self.session, shop_domain(self.shop), path, {"query": text, "variables": variables}, **headers
        )
        if reply.status_code == 401:
            self.refused()
            raise Unauthorised(self.shop)
        content = answers.json_object(self.shop, reply)
        self.cost = _cost(content)
        return self._data(content)

    def _data(self, content: dict[str, Any]) -> dict[str, Any]:
        if content.get("errors"):
            raise self._failure(content["errors"])
        data = content.get("data")
        if not isinstance(data, dict):
            raise ShopifyUnavailable(self.shop, "the answer holds no data")
        refused = [
            error for part in data.values() if isinstance(part, Mapping) for error in part.get("userErrors") or []
        ]
        if refused:
            raise UserErrors(self.shop, refused)
        return data

    def _failure(self, errors: Any) -> ShopifyError:
        first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {"message": errors}
        extensions = first.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        if code == "THROTTLED" and self._ever_fits():
            return Throttled(self.shop, wait=self.cost.wait if self.cost else 1.0)
        if code == "INTERNAL_SERVER_ERROR":
            return ShopifyUnavailable(self.shop, "Shopify's own error")
        words = str(first.get("message"))[:300]
        return ShopifyError(self.shop, f"{code}: {words}" if code else words)

    def _ever_fits(self) -> bool:
        return self.cost is None or self.cost.requested <= self.cost.maximum


def _cost(content: dict[str, Any]) -> Cost | None:
    try:
        cost = content["extensions"]["cost"]
        bucket, actual = cost["throttleStatus"], cost.get("actualQueryCost")
        return Cost(
            requested=float(cost["requestedQueryCost"]),
            actual=None if actual is None else float(actual),
            maximum=float(bucket["maximumAvailable"]),
            available=float(bucket["currentlyAvailable"]),
            restore_rate=float(bucket["restoreRate"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # mutations of some APIs and error pages come without it
