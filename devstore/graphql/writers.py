"""Python source for functions that turn an object straight into the JSON text of a selection.

A bulk operation writes hundreds of thousands of lines, so the selection becomes one expression instead of a tree of
calls. Only names of the schema and of GraphQL aliases, letters and digits all, ever get into the source.
"""

import json
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any

from graphql import GraphQLField, GraphQLList, GraphQLNonNull

Writer = Callable[[Any], str]

dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

PLAIN_TEXT = ("ID", "Decimal", "DateTime", "CurrencyCode")
"""Scalars whose text never holds a character that JSON would escape."""
ANY_TEXT = ("String", "DateTime", "Money", "URL")


class Source:
    """Builds expressions over variables, and keeps the values that they refer to under made-up names."""

    def __init__(self, call: Any) -> None:
        self._names: dict[str, Any] = {"call": call, "dumps": dumps, "text": text_or_null}

    def bind(self, value: Any) -> str:
        """A name for a value."""
        name = f"n{len(self._names)}"
        self._names[name] = value
        return name

    def variable(self) -> str:
        """A name for something that an expression finds on its way."""
        return self.bind(None)

    def value(self, function: Callable[..., Any], of: str, arguments: Mapping[str, Any]) -> str:
        """What a field function gives for a variable."""
        more = f", **{self.bind(dict(arguments))}" if arguments else ""
        return f"{self.bind(function)}({of}, call{more})"

    def leaf(self, value: str, field: GraphQLField) -> str:
        """JSON text of a scalar, an enum or a list of them."""
        kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        name, is_there = getattr(kind, "name", "a list"), isinstance(field.type, GraphQLNonNull)
        if name == "Int" and is_there:
            return f"str({value})"
        if name in PLAIN_TEXT and is_there:
            return f"""('"%s"' % {value})"""
        return f"text({value})" if name in ANY_TEXT else f"dumps({value})"

    def constant(self, value: str) -> str:
        """JSON text that is always the same."""
        return repr(dumps(value))

    def object(self, fields: Mapping[str, str]) -> str:
        """JSON text of an object whose fields have these texts."""
        template = ",".join(f'"{key}":%s' for key in fields)
        return f"('{{{template}}}' % ({', '.join(fields.values())},))"

    def nested(self, value: str, variable: str, text: str, field: GraphQLField) -> str:
        """JSON text of an object, or a list of objects, inside another; `text` is that of one in `variable`."""
        if is_list(field):
            found = self.variable()
            listed = f"'[' + ','.join([{text} for {variable} in {found}]) + ']'"
            return f"('null' if ({found} := {value}) is None else {listed})"
        return f"('null' if ({variable} := {value}) is None else {text})"

    def function(self, variable: str, expression: str) -> Writer:
        """A function of one object for an expression over a variable."""
        writer: Writer = eval(f"lambda {variable}: {expression}", self._names)
        return writer


def is_list(field: GraphQLField) -> bool:
    """Whether a field gives many."""
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    return isinstance(kind, GraphQLList)


def text_or_null(value: str | None) -> str:
    """A text in quotes, or null."""
    return "null" if value is None else encode_basestring(value)
