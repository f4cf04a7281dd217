"""What a query costs before and after it runs, and the bucket that the points come from."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
)

MOST_PER_QUERY = 1000
MUTATION = 10
BUCKET_SECONDS = 20
"""The bucket holds so many seconds of its restore rate."""


def size_factor(nodes: int) -> int:
    """How many times a connection's node counts.

    Shopify publishes no formula. This one grows with the logarithm and fits the one figure found in public: a product's
    250 variants, each with its inventory item, were charged 25 points.
    """
    return min(nodes, math.ceil(1.5 * math.log2(nodes + 1)))


class QueryCost:
    """Costs of one operation: `requested` from its arguments, `actual` from the data it brought."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, name: str | None, variables: Mapping[str, Any]):
        self._schema = schema
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        named = [one for one in operations if one.name and one.name.value == name]
        self._operation = (named or operations)[0]
        defaults = {
            one.variable.name.value: value_from_ast_untyped(one.default_value)
            for one in self._operation.variable_definitions or ()
            if one.default_value
        }
        self._variables = {**defaults, **variables}

    @property
    def is_mutation(self) -> bool:
        """Whether the operation writes."""
        return self._operation.operation is OperationType.MUTATION

    def requested(self) -> int:
        """The most it can cost; this is what must be in the bucket."""
        return self._total(None)

    def actual(self, data: Mapping[str, Any] | None) -> int:
        """What it did cost, given its data."""
        return self._total(data or {})

    def _total(self, data: Mapping[str, Any] | None) -> int:
        if self.is_mutation:
            return MUTATION * len(self._operation.selection_set.selections)
        return self._selection(self._operation.selection_set, self._schema.query_type, data)

    def _selection(self, selection: SelectionSetNode | None, parent: Any, data: Mapping[str, Any] | None) -> int:
        """Cost of all fields; of fragments on different types only the dearest counts."""
        total, branches = 0, [0]
        for one in selection.selections if selection else ():
            if isinstance(one, FieldNode):
                total += self._field(one, parent, data)
            elif isinstance(one, FragmentSpreadNode | InlineFragmentNode):
                fragment = self._fragments[one.name.value] if isinstance(one, FragmentSpreadNode) else one
                condition = fragment.type_condition
                kind = self._schema.type_map[condition.name.value] if condition else parent
                branches.append(self._selection(fragment.selection_set, kind, data))
        return total + max(branches)

    def _field(self, node: FieldNode, parent: Any, data: Mapping[str, Any] | None) -> int:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or node.name.value not in parent.fields:
            return 0
        field: GraphQLField = parent.fields[node.name.value]
        kind = get_named_type(field.type)
        if is_leaf_type(kind) or kind.name == "PageInfo":
            return 0
        value = None if data is None else data.get(node.alias.value if node.alias else node.name.value, {})
        if data is not None and value is None:
            return 1
        if kind.name.endswith("Connection"):
            return self._connection(node, kind, value)
        return self._object(node, kind, value)

    def _object(self, node: FieldNode, kind: Any, value: Any) -> int:
        if isinstance(value, list):
            costs = [1 + self._selection(node.selection_set, kind, one) for one in value if one is not None]
            return _spread(costs, len(value))
        many = self._argument(node, "ids")
        factor = size_factor(len(many)) if isinstance(many, list) else 1
        return factor * (1 + self._selection(node.selection_set, kind, value))

    def _connection(self, node: FieldNode, kind: Any, value: Any) -> int:
        if value is None:
            size = self._argument(node, "first") or self._argument(node, "last") or 0
            return size_factor(int(size)) * (1 + self._nodes_cost(node.selection_set, kind, None))
        found = value.get("nodes") or [edge["node"] for edge in value.get("edges", ()) if edge and "node" in edge]
        return _spread([1 + self._nodes_cost(node.selection_set, kind, one) for one in found], len(found))

    def _nodes_cost(self, selection: SelectionSetNode | None, kind: Any, data: Mapping[str, Any] | None) -> int:
        """Cost of what is selected below `nodes` and `edges.node` for one node."""
        total = 0
        for one in selection.selections if selection else ():
            if not isinstance(one, FieldNode) or one.name.value not in ("nodes", "edges", "node"):
                continue
            below = get_named_type(kind.fields[one.name.value].type)
            if one.name.value == "edges":
                total += self._nodes_cost(one.selection_set, below, data)
            else:
                total += self._selection(one.selection_set, below, data)
        return total

    def _argument(self, node: FieldNode, name: str) -> Any:
        for argument in node.arguments or ():
            if argument.name.value == name:
                return self._value(argument.value)
        return None

    def _value(self, value: ValueNode) -> Any:
        if isinstance(value, VariableNode):
            return self._variables.get(value.name.value)
        return value_from_ast_untyped(value, self._variables)


def _spread(costs: list[int], count: int) -> int:
    """Nodes that were really there count like a connection of that size."""
    return math.ceil(size_factor(count) * sum(costs) / len(costs)) if costs else 1


class Bucket:
    """Points that flow back at a fixed rate. `clock` gives real seconds."""

    def __init__(self, restore_rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.restore_rate, self.maximum = restore_rate, restore_rate * BUCKET_SECONDS
        self._clock, self._lock = clock, threading.Lock()
        self._points, self._seen = self.maximum, clock()

    def take(self, points: float) -> bool:
        """Take points out if they are there."""
        with self._lock:
            self._refill()
            if self._points < points:
                return False
            self._points -= points
            return True

    def give_back(self, points: float) -> None:
        """Return what a query turned out not to need."""
        with self._lock:
            self._points = min(self.maximum, self._points + points)

    def status(self) -> dict[str, float]:
        """`throttleStatus` as the API shows it."""
        with self._lock:
            self._refill()
            return {
                "maximumAvailable": float(self.maximum),
                "currentlyAvailable": math.floor(self._points),
                "restoreRate": float(self.restore_rate),
            }

    def _refill(self) -> None:
        now = self._clock()
        self._points = min(self.maximum, self._points + (now - self._seen) * self.restore_rate)
        self._seen = now
