"""Compiles a bulk query into functions that turn objects straight into JSON lines.

The functions are those that answer ordinary queries, so both give the same values; only the walk differs, because
graphql-core spends more on each line of a year of orders than a bulk operation may.
"""

from collections.abc import Callable, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    parse,
    validate,
    value_from_ast_untyped,
)

from devstore.bulk import BulkDenied, BulkRefused
from devstore.graphql import scopes
from devstore.graphql.call import Call
from devstore.graphql.listing import Listing
from devstore.graphql.plan import BulkPlan, Children, Getter, Shape
from devstore.graphql.schema import PAGING, MissingResolver, schema, snake
from devstore.graphql.tables import function_of, type_name
from devstore.graphql.tables.values import FieldFunction
from devstore.graphql.writers import Source, Writer

MOST_CONNECTIONS = 5
MOST_NESTED = 2


def compile_query(text: str, call: Call) -> BulkPlan:
    """The plan of a bulk query. Raises BulkRefused for what Shopify would refuse, BulkDenied for a missing scope."""
    document = _checked(text)
    compiler = _Compiler(document, call)
    try:
        return compiler.plan()
    except MissingResolver as missing:
        raise BulkRefused("INVALID", missing.message) from missing
    except GraphQLError as error:
        if (error.extensions or {}).get("code") == "ACCESS_DENIED":
            raise BulkDenied(error.message) from error
        raise BulkRefused("INVALID", error.message) from error


def _checked(text: str) -> DocumentNode:
    try:
        document = parse(text)
    except GraphQLError as error:
        raise BulkRefused("INVALID", f"Invalid bulk query: {error.message}") from error
    errors = validate(schema(), document)
    if errors:
        raise BulkRefused("INVALID", f"Invalid bulk query: {errors[0].message}")
    return document


class _Compiler:
    """Walks one document once."""

    def __init__(self, document: DocumentNode, call: Call) -> None:
        self._call, self._source = call, Source(call)
        self._operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._connections = 0

    def plan(self) -> BulkPlan:
        """The whole query. Raises BulkRefused."""
        query = schema().query_type
        if len(self._operations) != 1 or self._operations[0].operation is not OperationType.QUERY or query is None:
            raise BulkRefused("INVALID", "Bulk queries need exactly one query operation.")
        fields = list(self._fields(self._operations[0].selection_set, query))
        if len(fields) != 1:
            raise BulkRefused("INVALID", "Bulk queries must contain exactly one top level field.")
        field = query.fields[fields[0].name.value]
        if not get_named_type(field.type).name.endswith("Connection"):
            raise BulkRefused("INVALID", "Bulk queries must contain at least one connection at the top.")
        root = self._connection(fields[0], query, depth=0)
        # Listed once now, so that a wrong search is refused at once and not in the background.
        listing = root.listing(None)
        assert listing is not None
        return BulkPlan(listing.all, root.shape)

    def _connection(self, node: FieldNode, parent: GraphQLObjectType, depth: int) -> Children:
        self._connections += 1
        if self._connections > MOST_CONNECTIONS:
            raise BulkRefused("INVALID", f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.")
        if depth > MOST_NESTED:
            raise BulkRefused("INVALID", f"Bulk queries cannot nest connections deeper than {MOST_NESTED} levels.")
        field = parent.fields[node.name.value]
        kind = get_named_type(field.type)
        assert isinstance(kind, GraphQLObjectType)
        node_kind = get_named_type(kind.fields["nodes"].type)
        selections = [one for one in self._node_selections(node.selection_set) if one]
        if not selections:
            raise BulkRefused("INVALID", "Each connection of a bulk query must select nodes.")
        return Children(self._getter(node, parent, field), self._shape(selections, node_kind, depth))

    def _node_selections(self, selection: SelectionSetNode | None) -> Iterator[SelectionSetNode | None]:
        for one in selection.selections if selection else ():
            if isinstance(one, FieldNode) and one.name.value in ("nodes", "node"):
                yield one.selection_set
            elif isinstance(one, FieldNode) and one.name.value == "edges":
                yield from self._node_selections(one.selection_set)

    def _shape(self, selections: list[SelectionSetNode], kind: GraphQLNamedType, depth: int) -> Shape:
        if not isinstance(kind, GraphQLObjectType):
            raise BulkRefused("INVALID", f"devstore cannot list {kind.name} in bulk")
        node = self._source.variable()
        texts, children = self._split(selections, kind, node, depth)
        if children and "id" not in texts:
            words = "The parent 'node' field for a nested connection must select the 'id' field without an alias."
            raise BulkRefused("INVALID", words)
        write = self._source.function(node, self._source.object(texts))
        function, call = function_of(kind.name, "id"), self._call
        return Shape(write, lambda found: function(found, call) if function else None, tuple(children))

    def _split(
        self, selections: list[SelectionSetNode], kind: GraphQLObjectType, of: str, depth: int
    ) -> tuple[dict[str, str], list[Children]]:
        """What belongs into the node's own object (expressions over the variable `of`), and what becomes lines."""
        texts: dict[str, str] = {}
        children: list[Children] = []
        for node in (one for selection in selections for one in self._fields(selection, kind)):
            if node.name.value == "__typename":
                texts[_key(node)] = self._source.constant(kind.name)
                continue
            field = kind.fields[node.name.value]
            if get_named_type(field.type).name.endswith("Connection"):
                children.append(self._connection(node, kind, depth + 1))
            elif is_leaf_type(get_named_type(field.type)):
                texts[_key(node)] = self._source.leaf(self._value(node, kind, field, of), field)
            else:
                texts[_key(node)] = self._object(node, kind, field, of, children, depth)
        return texts, children

    def _object(
        self,
        node: FieldNode,
        parent: GraphQLObjectType,
        field: GraphQLField,
        of: str,
        children: list[Children],
        depth: int,
    ) -> str:
        """An object inside a node is written in place; a connection inside it hangs on the node."""
        named, inner = get_named_type(field.type), self._source.variable()
        assert node.selection_set is not None
        if is_abstract_type(named):
            text = self._abstract(node.selection_set, named, inner)
        else:
            assert isinstance(named, GraphQLObjectType)
            texts, below = self._split([node.selection_set], named, inner, depth)
            get = self._getter(node, parent, field)
            children += [Children(_through(get, one.listing), one.shape) for one in below]
            text = self._source.object(texts)
        return self._source.nested(self._value(node, parent, field, of), inner, text, field)

    def _abstract(self, selection: SelectionSetNode, named: Any, of: str) -> str:
        """One expression per possible type, chosen when the object is there."""
        writers: dict[str, Writer] = {}
        for kind in schema().get_possible_types(named):
            variable = self._source.variable()
            texts, below = self._split([selection], kind, variable, MOST_NESTED)
            assert not below
            writers[kind.name] = self._source.function(variable, self._source.object(texts))
        return f"{self._source.bind(lambda found: writers[type_name(found)](found))}({of})"

    def _value(self, node: FieldNode, parent: GraphQLObjectType, field: GraphQLField, of: str) -> str:
        function, arguments = self._function(node, parent, field)
        return self._source.value(function, of, arguments)

    def _getter(self, node: FieldNode, parent: GraphQLObjectType, field: GraphQLField) -> Getter:
        function, arguments = self._function(node, parent, field)
        call = self._call
        return lambda found: function(found, call, **arguments)

    def _function(
        self, node: FieldNode, parent: GraphQLObjectType, field: GraphQLField
    ) -> tuple[FieldFunction, dict[str, Any]]:
        """The function behind a field and its arguments. Raises GraphQLError without a scope or a function."""
        name = node.name.value
        scopes.check(self._call, name, scopes.required(parent.name, name, get_named_type(field.type).name))
        function = function_of(parent.name, name)
        if function is None:
            raise MissingResolver(parent.name, name)
        given = {one.name.value: value_from_ast_untyped(one.value) for one in node.arguments or ()}
        return function, {snake(key): value for key, value in given.items() if key not in PAGING}

    def _fields(self, selection: SelectionSetNode, kind: GraphQLObjectType) -> Iterator[FieldNode]:
        """The selected fields that apply to a type, fragments opened."""
        for one in selection.selections:
            if isinstance(one, FieldNode):
                yield one
            elif isinstance(one, FragmentSpreadNode | InlineFragmentNode):
                fragment = self._fragments[one.name.value] if isinstance(one, FragmentSpreadNode) else one
                if _applies(fragment, kind):
                    yield from self._fields(fragment.selection_set, kind)


def _applies(fragment: FragmentDefinitionNode | InlineFragmentNode, kind: GraphQLObjectType) -> bool:
    if fragment.type_condition is None:
        return True
    names = {kind.name, *(interface.name for interface in kind.interfaces)}
    return fragment.type_condition.name.value in names


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _through(get: Getter, listing: Callable[[Any], Listing | None]) -> Callable[[Any], Listing | None]:
    def of_inner(source: Any) -> Listing | None:
        inner = get(source)
        return None if inner is None else listing(inner)

    return of_inner
