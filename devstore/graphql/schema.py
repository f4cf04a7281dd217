"""The executable schema: our SDL with a function behind every field, or a loud error where there is none."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
)

from devstore.graphql import scopes
from devstore.graphql.call import Call
from devstore.graphql.listing import Listing
from devstore.graphql.tables import function_of, type_name

SDL = Path(__file__).with_name("schema.graphql")
PAGING = ("first", "after", "last", "before")


class MissingResolver(GraphQLError):
    """The SDL has a field that nobody wrote a function for: said loudly, because null would teach us lies."""

    def __init__(self, parent: str, field: str) -> None:
        super().__init__(f"devstore has no resolver for {parent}.{field}")


@cache
def schema() -> GraphQLSchema:
    """The dev store's schema, built once per process."""
    return executable(SDL.read_text())


def executable(sdl: str) -> GraphQLSchema:
    """A schema of this SDL over our tables."""
    built = build_schema(sdl)
    for name, kind in built.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            kind.resolve_type = _resolve_type
        elif isinstance(kind, GraphQLObjectType):
            for field_name, field in kind.fields.items():
                field.resolve = resolver(name, field_name, field)
                for argument_name, argument in field.args.items():
                    argument.out_name = snake(argument_name)
    return built


def resolver(parent: str, name: str, field: GraphQLField) -> Callable[..., Any]:
    """What graphql-core calls for a field: the scope check, then our function, then one page where it lists."""
    function = function_of(parent, name)
    named = get_named_type(field.type).name
    needed = scopes.required(parent, name, named)
    if function is None:
        return _missing(parent, name)
    is_connection = named.endswith("Connection")

    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        call: Call = info.context
        scopes.check(call, name, needed)
        if not is_connection:
            return function(source, call, **arguments)
        paging = {key: arguments.pop(key, None) for key in PAGING}
        listing: Listing = function(source, call, **arguments)
        return listing.page(**paging)

    return resolve


def snake(name: str) -> str:
    """`sortKey` -> `sort_key`."""
    return re.sub(r"([A-Z])", r"_\1", name).lower()


def _missing(parent: str, name: str) -> Callable[..., Any]:
    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        raise MissingResolver(parent, name)

    return resolve


def _resolve_type(source: Any, info: Any, kind: Any) -> str:
    return type_name(source)
