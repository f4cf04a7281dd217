"""Our SDL says nothing that Shopify's own schema does not say."""

from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    is_required_argument,
    is_required_input_field,
    parse,
    print_ast,
    validate,
)

from devstore.graphql.schema import SDL, executable, schema
from devstore.graphql.tables import function_of
from tests.devstore import published
from tests.devstore.shop_api import Api

OURS = {name: kind for name, kind in schema().type_map.items() if not name.startswith("__")}
DOCUMENTS = sorted((published.ROOT / "shopify_app" / "platform" / "queries").glob("*.graphql"))


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_type_is_a_part_of_the_published_one(name: str) -> None:
    theirs = published.schema().type_map.get(name)
    assert theirs is not None, f"Shopify has no type {name}"
    assert differences(OURS[name], theirs) == []


def differences(ours: object, theirs: object) -> list[str]:
    if type(ours) is not type(theirs):
        return [f"a {type(ours).__name__} is a {type(theirs).__name__}"]
    match ours, theirs:
        case GraphQLScalarType(), GraphQLScalarType():
            return []
        case GraphQLEnumType(), GraphQLEnumType():
            return [f"no value {value}" for value in ours.values if value not in theirs.values]
        case GraphQLUnionType(), GraphQLUnionType():
            known = {kind.name for kind in theirs.types}
            return [f"no member {kind.name}" for kind in ours.types if kind.name not in known]
        case GraphQLInputObjectType(), GraphQLInputObjectType():
            return inputs(ours.fields, theirs.fields, is_required_input_field)
        case (GraphQLObjectType(), GraphQLObjectType()) | (GraphQLInterfaceType(), GraphQLInterfaceType()):
            return output_differences(ours, theirs)
    raise AssertionError(f"unknown kind {ours!r}")


def output_differences(
    ours: GraphQLObjectType | GraphQLInterfaceType, theirs: GraphQLObjectType | GraphQLInterfaceType
) -> list[str]:
    implemented = {kind.name for kind in theirs.interfaces}
    found = [f"does not implement {kind.name}" for kind in ours.interfaces if kind.name not in implemented]
    for name, field in ours.fields.items():
        real = theirs.fields.get(name)
        if real is None:
            found.append(f"no field {name}")
            continue
        if str(field.type) != str(real.type):
            found.append(f"{name} is a {real.type}, not a {field.type}")
        found += [f"{name}: {one}" for one in inputs(field.args, real.args, is_required_argument)]
    return found


def inputs(ours: dict, theirs: dict, is_required: object) -> list[str]:  # type: ignore[type-arg]
    found = [f"required {name} is missing" for name, one in theirs.items() if is_required(one) and name not in ours]  # type: ignore[operator]
    for name, one in ours.items():
        real = theirs.get(name)
        if real is None:
            found.append(f"no argument {name}")
        elif (str(one.type), default(one)) != (str(real.type), default(real)):
            found.append(f"{name} is {real.type} = {default(real)}, not {one.type} = {default(one)}")
    return found


def default(one: GraphQLArgument | GraphQLInputField) -> str | None:
    """As it is written. A schema that came as introspection has no nodes of its own."""
    return print_ast(one.default.literal) if one.default and one.default.literal else None


def test_every_field_has_a_function() -> None:
    objects = [kind for kind in OURS.values() if isinstance(kind, GraphQLObjectType)]
    assert [
        f"{kind.name}.{name}" for kind in objects for name in kind.fields if function_of(kind.name, name) is None
    ] == []


def test_a_field_without_a_function_answers_loudly() -> None:
    sdl = SDL.read_text().replace("  ianaTimezone: String!", "  ianaTimezone: String!\n  weather: String")
    from graphql import graphql_sync

    answer = graphql_sync(executable(sdl), "{ shop { weather } }", context_value=_AnyShop())
    assert answer.errors is not None
    assert answer.errors[0].message == "devstore has no resolver for Shop.weather"


class _AnyShop:
    shop = object()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_apps_documents_are_understood(path: Path) -> None:
    assert validate(schema(), parse(path.read_text())) == []


def test_null_on_purpose_is_null_without_an_error(alice: Api) -> None:
    query = '{ product(id: "gid://shopify/Product/404") { id } }'
    assert alice.run(query) == {"product": None}


def test_a_field_outside_the_sdl_is_an_error(alice: Api) -> None:
    assert (
        "Cannot query field 'draftOrders'" in alice.errors("{ draftOrders(first: 1) { nodes { id } } }")[0]["message"]
    )
