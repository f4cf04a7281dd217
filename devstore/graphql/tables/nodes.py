"""`node` and `nodes`: anything by its global id."""

from typing import Any

from graphql import GraphQLError

from devstore.gid import parse
from devstore.graphql import scopes
from devstore.graphql.call import Call
from devstore.graphql.tables import lookup


def node(_: Any, call: Call, id: str) -> Any:
    """One thing, None when the shop has none. Raises GraphQLError for a kind that cannot be looked up."""
    try:
        kind, _number = parse(id)
        scopes.check(call, "node", scopes.TYPES.get(kind, ()))
        return lookup.find(call, id)
    except ValueError as error:
        raise GraphQLError(f"Invalid global id '{id}': {error}") from error


def nodes(_: Any, call: Call, ids: list[str]) -> list[Any]:
    """Many things, None in the place of each that the shop has not."""
    return [node(_, call, one) for one in ids]
