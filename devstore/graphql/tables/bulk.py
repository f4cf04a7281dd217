"""Bulk operations as the API shows them."""

from typing import Any

from devstore.bulk import BulkOperation, BulkRefused
from devstore.gid import gid, number
from devstore.graphql.call import Call
from devstore.graphql.listing import Listing
from devstore.graphql.search import Field, compile_search, moment
from devstore.graphql.tables.values import Table, UserError, iso

SEARCH = {
    "id": Field(lambda one: one.operation_id, int),
    "status": Field(lambda one: one.status.lower(), str.lower),
    "created_at": Field(lambda one: one.created_at, moment),
    "operation_type": Field(lambda one: "query", str.lower),
}
SORT: dict[str, Any] = {
    "CREATED_AT": lambda one: (one.created_at.timestamp(), one.operation_id),
    "COMPLETED_AT": lambda one: (one.completed_at.timestamp() if one.completed_at else 0.0, one.operation_id),
}


def run(_: Any, call: Call, query: str, group_objects: bool = False) -> dict[str, Any]:
    """Start a bulk query."""
    try:
        return {"bulkOperation": call.shop.bulk.start(query, group_objects, call), "userErrors": []}
    except BulkRefused as refusal:
        return {"bulkOperation": None, "userErrors": [UserError(str(refusal), ["query"], refusal.code)]}


def cancel(_: Any, call: Call, id: str) -> dict[str, Any]:
    """Ask a running bulk operation to stop."""
    operation = one(_, call, id)
    if operation is None:
        return {"bulkOperation": None, "userErrors": [UserError("Bulk operation does not exist", ["id"])]}
    if call.shop.bulk.cancel(operation.operation_id):
        return {"bulkOperation": one(_, call, id), "userErrors": []}
    words = f"A bulk operation cannot be canceled when it is {operation.status.lower()}"
    return {"bulkOperation": operation, "userErrors": [UserError(words, ["id"])]}


def one(_: Any, call: Call, id: str) -> BulkOperation | None:
    """One bulk operation by global id."""
    found = number(id, "BulkOperation")
    return call.shop.bulk.get(found) if found else None


def operations(
    _: Any, call: Call, query: str | None = None, reverse: bool = False, sort_key: str = "CREATED_AT"
) -> Listing:
    """All bulk operations of the app on this shop."""
    wanted = compile_search(query, SEARCH)
    return Listing(
        items=lambda: [found for found in call.shop.bulk.all() if wanted(found)],
        place=SORT[sort_key],
        is_reversed=reverse,
    )


OPERATION: Table = {
    "id": lambda one, call: gid("BulkOperation", one.operation_id),
    "query": lambda one, call: one.query,
    "type": lambda one, call: "QUERY",
    "status": lambda one, call: one.status,
    "errorCode": lambda one, call: one.error_code,
    "createdAt": lambda one, call: iso(one.created_at),
    "completedAt": lambda one, call: iso(one.completed_at),
    "objectCount": lambda one, call: str(one.object_count),
    "rootObjectCount": lambda one, call: str(one.root_count),
    "fileSize": lambda one, call: None if one.file_size is None else str(one.file_size),
    "url": lambda one, call: call.shop.bulk.url(one, call.base_url, is_partial=False),
    "partialDataUrl": lambda one, call: call.shop.bulk.url(one, call.base_url, is_partial=True),
}
