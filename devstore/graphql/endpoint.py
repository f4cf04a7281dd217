"""`POST /admin/api/{version}/graphql.json`: token, limits, cost, execution, and the faults that were asked for."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from graphql import (
    DocumentNode,
    GraphQLError,
    ListValueNode,
    OperationDefinitionNode,
    Visitor,
    execute_sync,
    parse,
    validate,
    visit,
)

from devstore.graphql.call import Call
from devstore.graphql.cost import MOST_PER_QUERY, QueryCost
from devstore.graphql.schema import schema
from devstore.tokens import TokenRefused

if TYPE_CHECKING:
    from devstore.server import DevStore
    from devstore.shop import Shop

VERSIONS = ("2025-10", "2026-01", "2026-04", "2026-07", "2026-10")
MOST_IN_ARRAY = 250
COST_DOCS = "https://shopify.dev/api/usage/rate-limits"

Reply = tuple[dict[str, Any], int]


def blueprint(store: "DevStore") -> Blueprint:
    """The Admin API of every shop, told apart by the Host header."""
    bp = Blueprint("graphql", __name__)

    @bp.post("/admin/api/<version>/graphql.json")
    def graphql(version: str) -> Response:
        served = serve_version(version)
        if served is None:
            return _json({"errors": "Not Found"}, 404, version)
        shop = store.shop_of(request)
        body, status = handle(shop, served, request.headers.get("X-Shopify-Access-Token", ""), store.base_url)
        return _json(body, status, served)

    return bp


def serve_version(asked: str) -> str | None:
    """The version that answers: a known one itself, an older one by the oldest that is left."""
    if asked in VERSIONS or asked == "unstable":
        return asked
    return VERSIONS[0] if re.fullmatch(r"20\d\d-(01|04|07|10)", asked) and asked < VERSIONS[0] else None


def handle(shop: "Shop", version: str, token: str, base_url: str) -> Reply:
    """Everything between the request and its JSON."""
    try:
        if not shop.is_installed:
            raise TokenRefused(401, "[API] Invalid API key or access token (unrecognized login or wrong password)")
        shop.tokens.check(token)
    except TokenRefused as refusal:
        shop.traffic.record("api", operation=None, status=refusal.status)
        return {"errors": str(refusal)}, refusal.status
    if shop.faults.strikes(shop.faults.plan.api_5xx):
        shop.traffic.record("api", operation=None, status=503)
        return {"errors": "Service Unavailable"}, 503
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict) or not isinstance(sent.get("query"), str):
        return {"errors": {"query": "Required parameter missing or invalid"}}, 400
    call = Call(shop, frozenset(shop.scopes), version, base_url)
    body = run(call, sent["query"], sent.get("variables") or {}, sent.get("operationName"))
    if shop.faults.strikes(shop.faults.plan.api_lost):
        return {"errors": "Bad Gateway"}, 502
    return body, 200


def run(call: Call, query: str, variables: dict[str, Any], name: str | None) -> dict[str, Any]:
    """Execute one document for one call, within its cost."""
    document, errors = _prepare(query)
    if document is None or errors:
        return {"errors": [error.formatted for error in errors]}
    too_long = _too_long(document, variables)
    if too_long:
        words = f"The input array size of {too_long} is greater than the maximum allowed of {MOST_IN_ARRAY}."
        return {"errors": [_error(words, "MAX_INPUT_SIZE_EXCEEDED")]}
    cost = QueryCost(schema(), document, name, variables)
    body = _within_cost(call, cost, document, variables, name)
    _record(call, document, name, variables, body)
    return body


def _within_cost(
    call: Call, cost: QueryCost, document: DocumentNode, variables: dict[str, Any], name: str | None
) -> dict[str, Any]:
    requested, bucket = cost.requested(), call.shop.bucket
    if requested > MOST_PER_QUERY:
        words = f"Query cost is {requested}, which exceeds the single query max cost limit ({MOST_PER_QUERY})."
        return {"errors": [_error(words, "MAX_COST_EXCEEDED", cost=requested, maxCost=MOST_PER_QUERY)]}
    is_throttled = call.shop.faults.strikes(call.shop.faults.plan.throttle) or not bucket.take(requested)
    if is_throttled:
        figures = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": bucket.status()}
        return {"errors": [_error("Throttled", "THROTTLED")], "extensions": {"cost": figures}}
    result = execute_sync(
        schema(), document, context_value=call, variable_values=variables, operation_name=name
    ).formatted
    actual = min(cost.actual(result.get("data")), requested)
    bucket.give_back(requested - actual)
    figures = {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": bucket.status()}
    return {**result, "extensions": {"cost": figures}}


@lru_cache(maxsize=256)
def _prepare(query: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, (error,)
    return document, tuple(validate(schema(), document))


def _error(words: str, code: str, **more: Any) -> dict[str, Any]:
    return {"message": words, "extensions": {"code": code, "documentation": COST_DOCS, **more}}


def _too_long(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """The length of the longest array over the limit, else 0."""
    lengths = [0, *_lengths(variables)]

    class Lists(Visitor):
        def enter_list_value(self, node: ListValueNode, *_: Any) -> None:
            lengths.append(len(node.values))

    visit(document, Lists())
    longest = max(lengths)
    return longest if longest > MOST_IN_ARRAY else 0


def _lengths(value: Any) -> list[int]:
    if isinstance(value, list):
        return [len(value), *(length for one in value for length in _lengths(one))]
    if isinstance(value, Mapping):
        return [length for one in value.values() for length in _lengths(one)]
    return []


def _record(
    call: Call, document: DocumentNode, name: str | None, variables: Mapping[str, Any], body: Mapping[str, Any]
) -> None:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    named = name or (operations[0].name.value if operations and operations[0].name else None)
    call.shop.traffic.record(
        "api",
        operation=named,
        version=call.api_version,
        status=200,
        variables=variables,
        cost=body.get("extensions", {}).get("cost", {}).get("actualQueryCost"),
        errors=[error["message"] for error in body.get("errors", ())],
    )


def _json(body: dict[str, Any], status: int, version: str) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, {"X-Shopify-API-Version": version}, content_type="application/json; charset=utf-8")
