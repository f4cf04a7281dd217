"""The `query:` argument of lists: `updated_at:>='2026-01-01' AND status:any`. What is not understood is refused."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from graphql import GraphQLError

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ":>=": operator.ge,
    ":<=": operator.le,
    ":>": operator.gt,
    ":<": operator.lt,
    ":": operator.eq,
}
_TERM = re.compile(r"""\s*(?:AND\s+)?(\w+)(:>=|:<=|:>|:<|:)("[^"]*"|'[^']*'|[^\s"']+)""")

Wanted = Callable[[Any], bool]


@dataclass(frozen=True)
class Term:
    """One comparison, like `created_at:>2026-01-01`."""

    field: str
    comparison: str
    text: str


@dataclass(frozen=True)
class Field:
    """How one searchable field is read from a thing and from text."""

    read: Callable[[Any], Any]
    parse: Callable[[str], Any]


def terms(query: str | None) -> list[Term]:
    """The comparisons of a search, all of which must hold. Raises GraphQLError for anything else."""
    found, position, text = [], 0, (query or "").strip()
    while position < len(text):
        match = _TERM.match(text, position)
        if not match:
            raise GraphQLError(f"devstore does not understand this part of a search: {text[position:]!r}")
        found.append(Term(match[1], match[2], match[3].strip("\"'")))
        position = match.end()
    return found


def compile_search(query: str | None, fields: Mapping[str, Field]) -> Wanted:
    """A predicate for a search over things with these fields. Raises GraphQLError for an unknown field or value."""
    checks = [_check(term, fields) for term in terms(query)]
    return lambda thing: all(check(thing) for check in checks)


def moment(text: str) -> datetime:
    """An instant; a bare day is its first second in UTC. Raises ValueError."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def flag(text: str) -> bool:
    """`true` or `false`. Raises ValueError."""
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _check(term: Term, fields: Mapping[str, Field]) -> Wanted:
    field = fields.get(term.field)
    if field is None:
        known = ", ".join(sorted(fields))
        raise GraphQLError(f"devstore cannot search by {term.field!r}, only by {known}")
    try:
        value = field.parse(term.text)
    except ValueError as error:
        raise GraphQLError(f"search value {term.text!r} of {term.field!r} is invalid: {error}") from error
    compare, read = COMPARE[term.comparison], field.read
    return lambda thing: compare(read(thing), value)
