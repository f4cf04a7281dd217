"""Bulk queries: Shopify collects everything in the background and offers it as one file of JSON lines.

Up to five may run at once. Children name their parent in `__parentId` and may come anywhere after it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import requests

from shopify_app.errors import ShopifyError, ShopifyUnavailable
from shopify_app.platform.admin_api import AdminApi
from shopify_app.platform.documents import document

EVER = "created_at:>=1970-01-01T00:00:00Z"
CHUNK = 1 << 16
LONGEST_LINE = 1 << 22


class BulkGone(ShopifyError):
    """Shopify no longer has this bulk query or its result: it keeps them for a week."""


@dataclass(frozen=True)
class BulkState:
    """How far a bulk query is. The addresses are secrets of a week: whoever has one can read the file."""

    bulk_id: str
    status: str
    object_count: int
    error_code: str | None
    url: str | None = field(repr=False)
    partial_url: str | None = field(repr=False)

    @property
    def is_over(self) -> bool:
        """Nothing more will come, well or badly."""
        return self.status in ("COMPLETED", "CANCELED", "FAILED", "EXPIRED")

    @property
    def is_complete(self) -> bool:
        """All that was asked for is there. `url` is None even so when there was nothing to collect."""
        return self.status == "COMPLETED"


def orders_query(since: datetime | None = None, until: datetime | None = None, by: str = "created_at") -> str:
    """The bulk query for the orders with `by` (created_at or updated_at) from `since` on and before `until`.

    A bulk query has no variables, so it is text.
    """
    bounds = [f"{by}:>={_utc(since)}" if since else "", f"{by}:<{_utc(until)}" if until else ""]
    return document("orders_bulk").replace(EVER, " AND ".join(filter(None, bounds)) or EVER)


def products_query() -> str:
    """The bulk query for the whole catalogue with its variants."""
    return document("products_bulk")


def inventory_query() -> str:
    """The bulk query for what is in stock where."""
    return document("inventory_bulk")


def customers_query() -> str:
    """The bulk query for the numbers of those who accept marketing."""
    return document("customers_bulk")


def start(api: AdminApi, query: str) -> str:
    """The id of a new bulk query. Raises UserErrors with code OPERATION_IN_PROGRESS or LIMIT_REACHED when full."""
    started = api.run("bulk_run", query=query)["bulkOperationRunQuery"]["bulkOperation"]
    return str(started["id"])


def state(api: AdminApi, bulk_id: str) -> BulkState:
    """How far it is. Ask with a fresh token each time: a token lives an hour, a bulk query up to ten days."""
    found = api.run("bulk_state", id=bulk_id)["bulkOperation"]
    if found is None:
        raise BulkGone(api.shop, f"no bulk operation {bulk_id}")
    return BulkState(
        bulk_id=found["id"],
        status=found["status"],
        object_count=int(found["objectCount"]),
        error_code=found["errorCode"],
        url=found["url"],
        partial_url=found["partialDataUrl"],
    )


def lines(session: requests.Session, url: str, offset: int = 0) -> Iterator[bytes]:
    """The result's lines, without their newlines, read as they arrive: memory stays constant.

    To resume after an interruption, pass the bytes of whole lines seen so far (each one's length plus 1) as `offset`.
    Raises ShopifyUnavailable when the connection breaks, and BulkGone when the address has expired.
    """
    rest = b""
    for chunk in _chunks(session, url, offset):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, whole)
        if len(rest) > LONGEST_LINE:
            raise ShopifyError(_host(url), "a line of the result is longer than 4 MB")
    if rest:
        yield rest


def _chunks(session: requests.Session, url: str, offset: int) -> Iterator[bytes]:
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        with session.get(url, headers=headers, stream=True) as reply:
            if _nothing_left(reply, offset):
                return
            _check(url, reply)
            skip = offset if reply.status_code == 200 else 0
            for chunk in reply.iter_content(CHUNK):
                yield chunk[skip:]
                skip = max(skip - len(chunk), 0)
    except OSError as error:  # every error of requests is one
        raise ShopifyUnavailable(_host(url), f"the download broke off ({type(error).__name__})") from None


def _nothing_left(reply: requests.Response, offset: int) -> bool:
    return bool(offset) and reply.status_code == 416


def _check(url: str, reply: requests.Response) -> None:
    if reply.status_code >= 500 or reply.status_code == 429:
        raise ShopifyUnavailable(_host(url), f"HTTP {reply.status_code} for a bulk result")
    if reply.status_code not in (200, 206):
        raise BulkGone(_host(url), f"HTTP {reply.status_code} for a bulk result: its address has expired")


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _host(url: str) -> str:
    return urlsplit(url).hostname or "bulk result"
