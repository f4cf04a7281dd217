"""Publishing recommendation lists as product metafields: `$app` namespace, key `recommendations`.

The storefront reads them in Liquid, with no call at all. A digest in each write makes the write fail when somebody
else wrote in between, so that two workers can never publish an old list over a new one.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shopify_app.platform.admin_api import AdminApi, UserErrors
from shopify_app.platform.gids import gid, number

KEY = "recommendations"
TYPE = "list.product_reference"
LARGEST_BATCH = 25
LONGEST_LIST = 128
LARGEST_READ = 250
STALE = ("STALE_OBJECT", "INVALID_COMPARE_DIGEST")


@dataclass(frozen=True)
class ListWrite:
    """One list to publish. `compare_digest` is what the last read or write returned; None: there is no list yet."""

    product_id: int
    neighbour_ids: tuple[int, ...]
    compare_digest: str | None


@dataclass(frozen=True)
class ListWritten:
    """It is published; the next write of this list has to name this digest."""

    product_id: int
    compare_digest: str


@dataclass(frozen=True)
class StaleList:
    """Somebody else wrote this list in between: read the digest again, then decide again."""

    product_id: int


@dataclass(frozen=True)
class UnwritableList:
    """Shopify does not take this list: most often the product, or one it names, was deleted."""

    product_id: int
    code: str | None
    message: str


@dataclass(frozen=True)
class PublishedList:
    """What the storefront shows now."""

    product_id: int
    neighbour_ids: tuple[int, ...]
    compare_digest: str


Outcome = ListWritten | StaleList | UnwritableList


def set_lists(api: AdminApi, writes: Sequence[ListWrite]) -> list[Outcome]:
    """Publish up to 25 lists, and say what became of each, in the order given.

    Shopify writes all or none. What it names as wrong is left out and the rest sent again, so that one deleted
    product does not hold up the others; the same writes twice are stale the second time, never doubled.
    """
    if len(writes) > LARGEST_BATCH:
        raise ValueError(f"{len(writes)} lists at once; Shopify takes {LARGEST_BATCH}")
    outcomes: dict[int, Outcome] = {}
    waiting = list(writes)
    while waiting:
        try:
            data = api.run("metafields_set", metafields=[_input(write) for write in waiting])
        except UserErrors as refused:
            wrong = _wrong(waiting, refused)
            outcomes |= wrong
            waiting = [write for write in waiting if write.product_id not in wrong]
        else:
            outcomes |= _written(waiting, data["metafieldsSet"]["metafields"])
            waiting = []
    return [outcomes[write.product_id] for write in writes]


def published(api: AdminApi, product_ids: Iterable[int]) -> dict[int, PublishedList | None]:
    """What is published for these products, None where nothing is. A product that is gone is not in the answer."""
    found: dict[int, PublishedList | None] = {}
    ids = [gid("Product", product_id) for product_id in product_ids]
    for start in range(0, len(ids), LARGEST_READ):
        nodes = api.run("metafield_digests", ids=ids[start : start + LARGEST_READ])["nodes"]
        found |= {number(node["id"]): _published(node) for node in nodes if node}
    return found


def _input(write: ListWrite) -> dict[str, Any]:
    neighbours = [gid("Product", neighbour) for neighbour in write.neighbour_ids[:LONGEST_LIST]]
    return {
        "ownerId": gid("Product", write.product_id),
        "key": KEY,
        "type": TYPE,
        "value": json.dumps(neighbours),
        "compareDigest": write.compare_digest,
    }


def _wrong(sent: Sequence[ListWrite], refused: UserErrors) -> dict[int, Outcome]:
    """Which of the lists sent were wrong, and how. Raises again when Shopify does not say which."""
    wrong: dict[int, Outcome] = {}
    for error in refused.user_errors:
        position = _position(error)
        if position is None or position >= len(sent):
            raise refused
        product_id, code = sent[position].product_id, error.get("code")
        stale = StaleList(product_id)
        wrong[product_id] = stale if code in STALE else UnwritableList(product_id, code, str(error.get("message")))
    return wrong


def _position(error: dict[str, Any]) -> int | None:
    """Which input an error is about: `elementIndex`, or the number inside `field: [metafields, 3, value]`."""
    index, where = error.get("elementIndex"), error.get("field") or []
    if index is None and len(where) > 1 and str(where[1]).isdigit():
        index = int(where[1])
    return index


def _written(sent: Sequence[ListWrite], metafields: Sequence[dict[str, Any]]) -> dict[int, Outcome]:
    digests = {number(written["owner"]["id"]): written["compareDigest"] for written in metafields}
    return {write.product_id: ListWritten(write.product_id, digests[write.product_id]) for write in sent}


def _published(node: dict[str, Any]) -> PublishedList | None:
    metafield = node["metafield"]
    if metafield is None:
        return None
    neighbours = tuple(number(neighbour) for neighbour in json.loads(metafield["value"]))
    return PublishedList(number(node["id"]), neighbours, metafield["compareDigest"])
